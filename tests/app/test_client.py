"""A server's answers are the library's own: `wordtrace.connect`, and commands with --server."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from inspect import signature
from pathlib import Path
from typing import Any

import pytest

import wordtrace as wt
from tests.command import wordtrace
from wordtrace import api
from wordtrace.app.client import ServedIndex
from wordtrace.app.opened import Opened

TOKEN = "a-token-of-this-test"


@pytest.fixture(scope="module")
def served(address: str) -> Any:
    return wt.connect(address)


def same(found: api.Trace, expected: api.Trace) -> bool:
    """Whether two traces are equal in all but their time."""
    return replace(found, seconds=0) == replace(expected, seconds=0)


QUESTIONS: dict[str, tuple[Any, dict[str, Any]]] = {
    "one text": ("the coach and the striker win", {}),
    "several": (["profit of the bank", "a drama with the star"], {"label": ["film", "money"]}),
    "hostile": ("<script>alert(1)</script> \u202e \U0001f600 \x00 '; --", {"top": 3}),
    "words, another measure": (
        "the market of shares",
        {
            "by_checkpoint": True,
            "measure": "tracin-we",
            "words": True,
            "label": "sport",
            "baselines": ["bm25"],
        },
    ),
    "options": (
        "of the bank and the coach",
        {"without": "special,stop", "top": 2, "by_checkpoint": True},
    ),
    "top_k": ("actor of the season", {"top_k": 2}),
}


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_served_trace_is_the_trace(name: str, served: Any, opened: Opened) -> None:
    texts, settings = QUESTIONS[name]
    assert same(served.trace(texts, **settings), opened.index.trace(texts, **settings))


def test_a_served_trace_of_examples_has_their_ids_and_labels(served: Any, opened: Opened) -> None:
    labelled = api.Examples.of(
        ["the coach", "the bank", "a star"],
        [2, -1, 0],
        ("film", "money", "sport"),
        ids=["x", "y", "z"],
    )
    for settings in ({}, {"label": "money"}):
        found = served.trace(labelled, **settings)
        assert same(found, opened.index.trace(labelled, **settings))
        assert [query.id for query in found] == ["x", "y", "z"]


@pytest.mark.parametrize("name", ["trace", "mislabels"])
def test_a_served_index_takes_what_an_index_takes(name: str) -> None:
    here, there = (
        set(signature(getattr(kind, name)).parameters) for kind in (api.Index, ServedIndex)
    )
    assert here - there == ({"executor", "address", "workers"} if name == "trace" else set())
    assert there <= here


def test_served_suspects_are_the_suspects(served: Any, opened: Opened) -> None:
    settings: dict[str, Any] = {
        "by": "loss",
        "top": 7,
        "words": True,
        "wrong": opened.index.ids[3:5],
    }
    assert served.mislabels(**settings) == opened.index.mislabels(**settings)


@pytest.mark.parametrize(
    ("texts", "settings", "sentence"),
    [
        ("", {}, "empty"),
        ("a", {"label": "no"}, "there is no label 'no'"),
        ("a", {"measure": "no"}, "no measure"),
        ("a", {"sinonym": 1}, "no setting sinonym"),
        ("a", {"top": 0}, "top"),
        (["a"], {"label": ["film", "film"]}, "1 texts but 2 labels"),
        (3, {}, "int 3 is no text"),
        ([], {}, "there is no query"),
    ],
)
def test_a_served_index_refuses_what_the_library_refuses(
    served: Any, opened: Opened, texts: Any, settings: dict[str, Any], sentence: str
) -> None:
    for index in (opened.index, served):
        with pytest.raises(wt.WordtraceError, match=sentence):
            index.trace(texts, **settings)


def test_where_no_server_answers_it_is_said() -> None:
    with pytest.raises(wt.WordtraceError, match=r"no server answers at http://127\.0\.0\.1:9 "):
        wt.connect("http://127.0.0.1:9")
    with pytest.raises(wt.WordtraceError, match="'localhost:9' is no server's address"):
        wt.connect("localhost:9")


def test_a_token_is_given(opened: Opened, serve: Callable[..., str]) -> None:
    locked = serve(opened, token=TOKEN)
    with pytest.raises(wt.WordtraceError, match="wants its token"):
        wt.connect(locked)
    assert wt.connect(locked, TOKEN).run.label_names == ("film", "money", "sport")


def test_a_connection_that_the_server_closed_is_made_anew(
    served: Any, address: str, opened: Opened
) -> None:
    served.trace("the coach")
    served._own.connection.sock.close()
    assert served.trace("the coach").queries == opened.index.trace("the coach").queries


def test_commands_say_the_same_with_a_server_as_without(
    address: str, opened: Opened, tmp_path: Path
) -> None:
    here = [str(opened.index.folder.path), "--run", str(opened.run.path)]
    (tmp_path / "asked.csv").write_text("id,text,label\nq1,the coach wins,film\nq2,a bank,\n")
    for command, more in (
        ("trace", ["the coach wins", "the bank of growth", "--top", "3"]),
        ("trace", ["--queries", "asked.csv", "--words"]),
        ("mislabels", ["--top", "5"]),
    ):
        for how in (["--json"], []):
            texts = [*more, *how]
            local = wordtrace(command, *here, *texts, cwd=tmp_path)
            asked = wordtrace(command, *texts, "--server", address, cwd=tmp_path)
            assert told(asked.stdout) == told(local.stdout)
            assert asked.stderr == local.stderr
    wordtrace("trace", "a", "--server", address, "--out", "found.html", cwd=tmp_path)
    assert (tmp_path / "found.html").read_text().startswith("<!doctype html>")


def told(printed: str) -> Any:
    """What a command printed, without its time: its unit, and its width, which moves ends of lines.

    On a busy machine the one took milliseconds and the other seconds.
    """
    if not printed.startswith("{"):
        return re.sub(r" scored in [\d.]+ (ms|s|min|h)\.", " scored.", " ".join(printed.split()))
    return {**json.loads(printed), "seconds": 0}


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["trace", "a", "--only-wrong"], "--only-wrong is for an index that is opened here"),
        (["trace", "a", "--executor", "ray"], "--executor is for an index that is opened here"),
        (["trace", "INDEX", "a"], "the server has an index of its own: leave out "),
        (["mislabels", "INDEX"], "the server has an index of its own: leave out "),
    ],
)
def test_what_a_server_does_not_take_is_refused(
    address: str, opened: Opened, arguments: list[str], sentence: str
) -> None:
    place = str(opened.index.folder.path)
    given = [place if one == "INDEX" else one for one in arguments]
    assert sentence in wordtrace(*given, "--server", address, status=2).stderr


def test_a_command_without_index_and_server_says_so() -> None:
    assert (
        "give an INDEX, or a server's address by --server." in wordtrace("trace", status=2).stderr
    )


def test_a_command_that_asks_a_server_loads_neither_pytorch_nor_a_model(address: str) -> None:
    program = (
        "import sys; from wordtrace.cli.main import main\n"
        f"try: main(['trace', 'a', '--server', {address!r}])\n"
        "except SystemExit as end: print('status', end.code)\n"
        "print('torch' in sys.modules, 'wordtrace.api' in sys.modules, 'fastapi' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.splitlines()[-2:] == ["status 0", "False False False"], done.stderr

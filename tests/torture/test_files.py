"""The judge of damaged files notices a wrong answer, a traceback, a hang and a bad sentence."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest
from torture.attempts import Attempt
from torture.files_damage import Damage, heal
from torture.files_world import Target
from torture.sandbox import Ended

from torture import files, files_fed, files_loop
from wordtrace.errors import CorruptError

Product = Callable[[str], None]


def answers(text: str) -> None:
    sys.stdout.write(text)


def refuses(text: str) -> None:
    if text != "whole":
        raise SystemExit(said("wordtrace: kept/file is damaged; make it again.", 1))


def refuses_without_a_place(text: str) -> None:
    if text != "whole":
        raise SystemExit(said("wordtrace: something is damaged.", 1))


def breaks(text: str) -> None:
    if text != "whole":
        raise KeyError(text)


def said(sentence: str, status: int) -> int:
    sys.stderr.write(f"{sentence}\n")
    return status


def attempt(
    product: Product, check: Product, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Attempt:
    """Return the attempt of a product that reads one file, which is damaged."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(files_loop, "small_memory", lambda: None)
    path = Path("kept/file")
    path.parent.mkdir()
    path.write_text("whole")
    products = {"read": product, "check": check}
    monkeypatch.setattr(files_loop, "main", lambda words: products[words[0]](path.read_text()))
    target = Target("a file", (str(path),), (("read",),), ("check",))
    one = files.Try("a file: cut", str(path), Damage("cut", "cut", b"half".hex()), target)
    Path("orders").write_text(json.dumps([files._order(0, one)]))
    files_loop.commands("orders", "told")
    begun, ended = map(json.loads, Path("told").read_text().splitlines())
    assert begun == {"begun": 0}
    assert path.read_text() == "whole"
    return files._attempt(one, ended["said"])


@pytest.mark.parametrize(
    ("product", "check", "end"),
    [
        (lambda text: None, answers, "right"),
        (refuses, answers, "refused"),
        (answers, refuses, "found"),
        (answers, lambda text: None, "wrong"),
        (refuses_without_a_place, answers, "crashed"),
        (breaks, answers, "crashed"),
    ],
)
def test_each_end_is_seen(
    product: Product, check: Product, end: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert attempt(product, check, tmp_path, monkeypatch).end == end


def test_a_process_that_ended_in_the_middle_is_a_hang_or_a_crash() -> None:
    one = files.Try("g", "f", Damage("cut", "cut"), Target("t", ("f",), ()))
    assert files.ended(one, Ended(1, "", "Timeout (0:02:00)!\nThread 0x1")).end == "hung"
    assert files.ended(one, Ended(-11, "", "")).end == "crashed"


def test_a_file_is_put_back_in_the_place_of_anything(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    for instead in ("nothing", "a folder", "a pipe", "/dev/zero", "nowhere"):
        Damage("replaced", instead, instead=instead).do(path)
        assert not path.is_file()
        heal(path, b"old")
        assert path.read_bytes() == b"old"
    assert asdict(Damage("cut", "x"))["instead"] == "nothing"


def test_what_a_reader_raises_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def read(path: Path) -> None:
        data = path.read_bytes()
        if len(data) == 1:
            raise IndexError("planted")
        if len(data) == 0:
            raise CorruptError("no\nwhole sentence" * 200)
        if data != b"whole file":
            raise CorruptError(f"{path} is damaged; make it again.")

    (tmp_path / "seed").write_bytes(b"whole file")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(files_fed, "small_memory", lambda: None)
    reader = files_fed.Reader("planted", ("seed",), read, ("damaged",))
    monkeypatch.setitem(files_fed.READERS, "planted", reader)
    files_fed.feed("planted", "damaged", "30", "0", str(tmp_path))
    ends = Path("ends").read_text()
    assert ends.count("v") == 1
    assert ends.count("x") == 2
    assert "r" in ends
    assert "IndexError: planted" in Path("fell").read_text()

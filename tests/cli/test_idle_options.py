"""An option that would do nothing, since another one is absent or present, is refused."""

from __future__ import annotations

from pathlib import Path
from unittest.mock import Mock

import pytest

from tests.command import wordtrace
from wordtrace import api
from wordtrace.errors import InputError

_TRACE = ("trace", "run/index", "the coach")
_TRAIN = ("train", "data.csv", "--text", "body", "--label", "topic", "--out", "x")
_FILE = ("--queries", "data.csv", "--text-column", "body")

IDLE: dict[str, tuple[tuple[str, ...], str]] = {
    f"{flag} of trace": ((*_TRACE, flag, *value), f"{flag} goes with --queries")
    for flag, *value in (
        ("--limit", "1"),
        ("--text-column", "body"),
        ("--text-column", "text"),  # its default
        ("--text2-column", "b"),
        ("--label-column", "topic"),
        ("--id-column", "key"),
        ("--no-id",),
        ("--split", "test"),
    )
} | {
    "label twice": (
        ("trace", "run/index", *_FILE, "--label", "Sport", "--label-column", "topic"),
        "--label-column does nothing with --label; leave out one of the two",
    ),
    "token": ((*_TRACE, "--token", "x" * 20), "--token goes with --server"),
    "token's file": ((*_TRACE, "--token-file", "t"), "--token-file goes with --server"),
    "truth": (("mislabels", "run/index", "--truth-id", "key"), "--truth-id goes with --truth"),
    "action of mislabels": (
        ("mislabels", "run/index", "--action", "relabel"),
        "--action goes with --patch",
    ),
    "action of duplicates": (
        ("duplicates", "run/index", "--action", "remove"),
        "--action goes with --patch",
    ),
    "seed of a draw": (("cancellation", "run", "--seed", "1"), "--seed goes with --limit"),
    "checkpoints twice": (
        (*_TRAIN, "--checkpoints", "2", "--checkpoint-steps", "1"),
        "--checkpoints does nothing with --checkpoint-steps",
    ),
    "momentum": (
        (*_TRAIN, "--optimizer", "adamw", "--momentum", "0.5"),
        "--momentum goes with --optimizer sgd",
    ),
    "vocabulary": (
        (*_TRAIN, "--embeddings", "e", "--vocabulary", "99"),
        "--vocabulary does nothing with --embeddings",
    ),
    "filters": ((*_TRAIN, "--model", "m", "--filters", "3"), "--filters goes with --model cnn"),
    "share held out": (
        (*_TRAIN, "--eval", "data.csv", "--eval-fraction", "0.5"),
        "--eval-fraction does nothing with --eval",
    ),
    "label held out": ((*_TRAIN, "--eval-label", "topic"), "--eval-label goes with --eval"),
    "projection": (("index", "run", "--projection", "pca"), "--projection goes with --project"),
    "calibrated": (
        ("index", "run", "--calibrate", "0.9", "--top-k", "3"),
        "--top-k does nothing with --calibrate",
    ),
    "signs": (("evaluate", "run", "--signs", "opponents"), "--signs goes with --k"),
    "queries of curves": (("evaluate", "run", "--k-queries", "3"), "--k-queries goes with --k"),
    "most seeds": (("evaluate", "run", "--max-repeats", "9"), "--max-repeats goes with --width"),
    "halves": (
        ("evaluate", "run", "--lds", "0", "--k", "2", "--halves", "plain"),
        "--halves does nothing with --lds 0",
    ),
    "columns of drawn queries": (
        ("evaluate", "run", "--queries", "5", "--text", "body"),
        "--text goes with --queries FILE",
    ),
    "columns of training rows": (
        ("clusters", "run", "--label", "topic"),
        "--label goes with --examples",
    ),
    "share wrong": (
        ("clusters", "run/index", "--trainings", "0", "--wrong", "0.3"),
        "--wrong does nothing with --trainings 0",
    ),
    **{
        f"{flag} of trace": ((*_TRACE, flag, "0.5"), f"{flag} does nothing with the measure {by}")
        for flag, by in (
            ("--damping", "tracin-we-idf"),
            ("--damping-times", "tracin-we-idf"),
            ("--frequent", "tracin-we-idf"),
            ("--synonym-cosine", "tracin-we-idf"),
            ("--l2", "tracin-we-idf"),
        )
    },
    "seed of scores": (
        ("scores", "run", *_FILE, "--out", "x.npy", "--measure", "bm25", "--seed", "3"),
        "--seed does nothing with the measure bm25; leave out one of the two",
    ),
    "damping of a study": (
        ("evaluate", "run", "--measures", "bm25,random", "--damping", "3"),
        "--damping does nothing with the measure bm25, random; leave out one of the two",
    ),
    "penalty of lists": (
        ("overlap", "run", *_FILE, "--measures", "bm25,tracin-last", "--l2", "3"),
        "--l2 does nothing with the measure bm25, tracin-last; leave out one of the two",
    ),
    "a patch without a name": (
        ("outliers", "run/index", "--patch", ""),
        "--patch . is a folder; give the name of a file.",
    ),
    "an empty column": (
        ("apply", "p.jsonl", "data.csv", "--id", "", "--out", "x.csv"),
        "--id is empty; give a value, or leave it out.",
    ),
    "an empty label": ((*_TRACE, "--label", ""), "--label is empty; give a value"),
    "kept models": (
        ("clusters", "run", "--keep-models"),
        "--keep-models goes with --retrain or --replay",
    ),
    "no kept models": (
        ("clusters", "run", "--no-keep-models"),
        "--no-keep-models goes with --retrain or --replay",
    ),
}


@pytest.mark.parametrize("name", IDLE)
def test_it_is_refused_by_its_name(work: Path, name: str) -> None:
    arguments, message = IDLE[name]
    said = wordtrace(*arguments, cwd=work, status=2).stderr
    assert said.startswith(f"wordtrace: {message}")
    assert said.count("\n") == 1


def test_a_title_that_no_table_has_is_refused(work: Path, tmp_path: Path) -> None:
    study = tmp_path / "study.json"
    asked = ("--lds", "3", "--repeats", "1", "--measures", "bm25", "--queries", "4")
    wordtrace("evaluate", "run", *asked, "--workers", "1", "--out", study, cwd=work)
    told = ("report", study, "--out", tmp_path / "study.md", "--title", "A title")
    said = wordtrace(*told, cwd=work, status=2).stderr
    assert said.startswith("wordtrace: --title does nothing with a table of one study")


def test_a_token_in_the_environment_is_no_option(work: Path) -> None:
    wordtrace(*_TRACE, "--json", cwd=work, WORDTRACE_TOKEN="x" * 20)


def test_a_calibration_measures_what_is_then_built(
    work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each option of what is stored reaches it, too."""
    asked = Mock(side_effect=InputError("enough"))
    monkeypatch.setattr(api, "calibrate", asked)
    stored = {
        "dtype": "int8",
        "project": 4,
        "projection": "random",
        "weighting": "rate",
        "precision": "float16",
    }
    options = [word for name, value in stored.items() for word in (f"--{name}", str(value))]
    wordtrace("index", "run", "--calibrate", "0.8", *options, cwd=work, status=2)
    assert asked.call_args.kwargs == {**stored, "overlap": 0.8}

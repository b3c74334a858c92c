"""What is wrong gets one sentence on standard error, and the status that says so."""

from __future__ import annotations

import signal
from contextlib import suppress
from pathlib import Path
from unittest.mock import Mock

import pytest

import wordtrace as wt
from tests.command import wordtrace
from wordtrace.cli.signals import ending

WRONG = {
    "no data": (("train", "no.csv", "--out", "x"), "no.csv does not exist; give .csv"),
    "no column": (("train", "data.csv", "--out", "x"), "no column 'text'; it has 'key', 'body'"),
    "no run": (("index", "nowhere"), "nowhere does not exist; make a run with `wordtrace train`"),
    "run for index": (("trace", "run", "x"), "run is a run, not an index; give run/index"),
    "no text": (("trace", "run/index"), "give a TEXT or --queries FILE"),
    "empty text": (("trace", "run/index", " "), "query 0 is empty"),
    "label": (("trace", "run/index", "x", "--label", "no"), "there is no label 'no'; the run has"),
    "measure": (("trace", "run/index", "x", "--measure", "bm52"), "did you mean bm25?"),
    "ending": (
        ("trace", "run/index", "x", "--out", "x.txt"),
        "x.txt should end in .json, .html, .md, .parquet or .csv",
    ),
    "folder": (("trace", "run/index", "x", "--out", "no/x.json"), "the folder no does not exist"),
    "top-k": (("index", "run", "--top-k", "ten"), "--top-k is 'ten'; give a number or 'all'"),
    "trace": (("verify", "data.csv"), "is not valid JSON"),
    "cosine": (
        ("trace", "run/index", "x", "--measure", "tracin-we-syn", "--synonym-cosine", "5"),
        "--synonym-cosine is 5.0; a cosine is from -1 to 1",
    ),
    "device of evaluate": (
        ("evaluate", "run", "--device", "quantum"),
        "--device quantum can't be used here",
    ),
    "device of clusters": (
        ("clusters", "run", "--device", "quantum"),
        "--device quantum can't be used here",
    ),
    "device of fix": (
        ("fix", "run/index", "--queries", "data.csv", "--device", "quantum"),
        "--device quantum can't be used here",
    ),
    "one column twice": (
        ("train", "data.csv", "--out", "x", "--text", "body", "--text2", "body"),
        "the column 'body' is given for two things",
    ),
    "no seeds": (("demo", "--repeats", "0", "--out", "d"), "--repeats is 0; at least 2 are needed"),
    "steps": (
        ("train", "data.csv", "--out", "x", "--checkpoint-steps", "a"),
        "--checkpoint-steps is 'a'",
    ),
    "report": (("report", "no.json"), "no.json does not exist"),
    "a host": (
        ("serve", "run/index", "--host", "no such", "--port", "0"),
        "--host 'no such' is no address of this machine",
    ),
    "data of a patch": (
        ("apply", "data.csv", "no", "--out", "y.csv"),
        "data.csv, line 1: broken JSON",
    ),
    "two layers": (
        ("trace", "run/index", "x", "--measure", "influence:a,b"),
        "influence:a,b names 2 layers, and takes one",
    ),
    "a huge number": (
        ("train", "data.csv", "--out", "x", "--vocabulary", "1" + "0" * 30),
        "--vocabulary is 1000000000000000000000000000000; give a number below",
    ),
    "workers of a plan": (
        ("clusters", "run", "--trainings", "2", "--workers", "0", "--dry-run"),
        "--workers is 0; it must be at least 1",
    ),
    "second text": (
        ("trace", "run/index", "x", "--text2", "y"),
        "--text2 is for runs of pairs",
    ),
    "line ends in a value": (
        ("record", "run", "--data", "data.csv", "--out", "x", "--labels", "a\nb"),
        "--labels is 'a\\nb'; it must be one of class",
    ),
    "a value without end": (("cancellation", "run", "--layers", "x" * 50_000), "xxx … xxx"),
    "scores": (
        ("scores", "run", "--queries", "data.csv", "--out", "x.txt"),
        "end in .parquet, .csv or .npy",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_input_is_one_sentence_and_no_traceback(work: Path, name: str) -> None:
    arguments, message = WRONG[name]
    status = 1 if name == "trace" else 2
    done = wordtrace(*arguments, cwd=work, status=status)
    assert message in done.stderr
    assert done.stderr.startswith("wordtrace: ")
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""
    assert not (work / "x").exists()
    assert not (work / "x.part").exists()


def test_too_little_memory_is_a_sentence_and_no_bug(work: Path) -> None:
    """The vocabulary times 99,999,999,999 numbers of 4 bytes are wanted."""
    given = ("--out", "x", "--text", "body", "--label", "topic", "--dim", "99999999999")
    said = wordtrace("train", "data.csv", *given, cwd=work, status=1).stderr
    assert "the memory of this machine is too small for this: " in said
    assert "GB were wanted at once" in said
    assert "bug" not in said
    assert not (work / "x").exists()
    assert not (work / "x.part").exists()


class PanicException(BaseException):
    """As libraries that are written in Rust raise it: no Exception."""


@pytest.mark.parametrize(
    ("raised", "sentence"),
    [
        (
            RuntimeError("unable to open file </r/model.safetensors>: Too many open files (24)"),
            "too many files are open at once for the limit of this process: raise it (ulimit -n).",
        ),
        (RuntimeError("can't start new thread"), "no more threads: raise the limit (ulimit -u)"),
        (
            PanicException("ThreadPoolBuildError { kind: IOError(Os { code: 11 }) }"),
            "no more threads: raise the limit (ulimit -u)",
        ),
        (PanicException("index out of bounds"), "PanicException: index out of bounds. This is a"),
    ],
)
def test_what_a_process_lacks_is_a_sentence_whoever_says_so(
    work: Path, monkeypatch: pytest.MonkeyPatch, raised: BaseException, sentence: str
) -> None:
    monkeypatch.setattr(wt.Run, "open", Mock(side_effect=raised))
    done = wordtrace("words", "run", "the bank", cwd=work, status=1)
    assert sentence in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_an_interrupt_that_another_library_swallows_ends_the_command_all_the_same(
    work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the middle of an import, NumPy's say, which then lacks what it was to import."""

    def half_imported(*_: object, **__: object) -> None:
        with suppress(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        raise AttributeError("module 'numpy' has no attribute 'ma'")

    monkeypatch.setattr(wt.Run, "open", half_imported)
    # Where the tests run in the background of a shell, it is ignored.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):  # as these tests take the exit status 130
            wordtrace("words", "run", "the bank", cwd=work, status=1)
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_signal_after_the_last_word_is_not_told() -> None:
    """What it raised would be shown, since nobody is left to catch it."""
    with ending() as ends:
        pass
    ends.interrupt(signal.SIGINT, None)
    ends.end(signal.SIGTERM, None)
    assert not ends.heard


def test_a_second_ctrl_c_after_the_last_word_ends_at_once() -> None:
    """An exception would be shown: there is nobody left to catch it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with ending() as ends:
            ends.told()
            assert signal.getsignal(signal.SIGINT) is signal.SIG_DFL
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        with ending() as ends:
            ends.told()
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize(
    ("words", "also"),
    [
        (("trace", "run/index", "--queries", "data.csv", "--out", "./data.csv"), "reads"),
        (("scores", "run/index", "--queries", "link.csv", "--out", "data.csv"), "reads"),
        (("mislabels", "run/index", "--out", "new.json", "--patch", "new.json"), "writes"),
        (("mislabels", "run/index", "--patch", "data.csv", "--out", "data.csv"), "writes"),
        (("apply", "data.csv", "data.csv", "--out", "data.csv"), "reads"),
    ],
)
def test_a_file_that_a_command_reads_or_writes_is_not_written_over(
    work: Path, tmp_path: Path, words: tuple[str, ...], also: str
) -> None:
    for name in ("run", "data.csv"):
        (tmp_path / name).symlink_to(work / name)
    (tmp_path / "link.csv").symlink_to("data.csv")
    before = (work / "data.csv").read_bytes()
    place = words[words.index("--out") + 1].removeprefix("./")
    done = wordtrace(*words, cwd=tmp_path, status=2)
    assert done.stderr == (
        f"wordtrace: --out {place} is a file that this command also {also}; choose another place.\n"
    )
    assert (work / "data.csv").read_bytes() == before
    assert sorted(one.name for one in tmp_path.iterdir()) == ["data.csv", "link.csv", "run"]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (
            ("trace", "run/index", "x", "--measure", "random", "--seed=-1"),
            "--seed is -1; it must be from 0 to 2147483647.",
        ),
        (
            ("cancellation", "run", "--limit", "6", "--seed=-1"),
            "--seed is -1; it must be from 0 to 2147483647.",
        ),
        (
            ("index-remove", "run/index", "--ids", "/proc/self/mem"),
            "--ids /proc/self/mem: Input/output error.",
        ),
        (("evaluate", "run", "--with-runs", "x" * 5000), "x/run.json: File name too long."),
        (
            ("index-add", "run/index", "data.csv", "--text", "body", "--split", "a\nb"),
            "data.csv has no splits; leave --split a b out.",
        ),
    ],
)
def test_a_value_that_nothing_can_be_done_with_is_one_sentence(
    work: Path, words: tuple[str, ...], sentence: str
) -> None:
    (line,) = wordtrace(*words, cwd=work, status=2).stderr.splitlines()
    assert line.startswith("wordtrace: ")
    assert line.endswith(sentence)


def test_ids_that_are_not_utf_8_are_a_sentence(work: Path, tmp_path: Path) -> None:
    (tmp_path / "ids").write_bytes(b"a\n\xff")
    done = wordtrace("index-remove", "run/index", "--ids", tmp_path / "ids", cwd=work, status=2)
    assert f"--ids {tmp_path / 'ids'}: the file is not UTF-8 (byte 3); save it so." in done.stderr


def test_unknown_options_exit_with_2(work: Path) -> None:
    assert "--nonsense" in wordtrace("index", "run", "--nonsense", cwd=work, status=2).stderr
    wordtrace("nonsense", cwd=work, status=2)


def test_debug_shows_the_traceback(work: Path) -> None:
    done = wordtrace("index", "nowhere", "--debug", cwd=work, status=1)
    assert "Traceback" in done.stderr
    assert "InputError" in done.stderr


def test_check_finds_damage(work: Path, tmp_path: Path) -> None:
    import shutil

    shutil.copytree(work / "run", tmp_path / "run")
    assert "as they were written" in wordtrace("check", tmp_path / "run").stderr
    wordtrace("check", tmp_path / "run/index")
    shard = tmp_path / "run/index/checkpoint-0/shard-00000.safetensors"
    data = bytearray(shard.read_bytes())
    data[-3] ^= 64
    shard.write_bytes(data)
    done = wordtrace("check", tmp_path / "run/index", status=1)
    assert "has changed since the index was built" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["cancellation", "run", "--layers", "attention"], "there is no layer 'attention'"),
        (["cancellation", "nowhere"], "nowhere"),
        (["words", "run", "  "], "TEXT is empty"),
        (["words", "run", "coach", "--label2", "film"], "--label2, --pair2 and --span2"),
        (["words", "run", "coach", "--pair", "team"], "leave out its second text"),
        (["overlap", "run", "--queries", "data.csv", "--measures", "nonsense"], "no measure"),
        (["measures", "--out", "measures.txt"], "--out measures.txt should end in"),
    ],
)
def test_wrong_arguments_of_the_analyses_are_one_sentence(
    work: Path, arguments: list[str], said: str
) -> None:
    if "data.csv" in arguments:
        arguments = [*arguments, "--text-column", "body", "--label-column", "topic"]
    done = wordtrace(*arguments, status=2, cwd=work)
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
    assert "Traceback" not in done.stderr

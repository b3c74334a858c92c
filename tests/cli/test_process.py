"""The command as a process: interrupted, read in part, quick to help."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest

from tests.command import wordtrace, wordtrace_process
from tests.patience import PATIENCE, wait_until

SMALL = ["--epochs", "3", "--batch-size", "8", "--dim", "8", "--vocabulary", "200"]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["train", "index"])
def test_ctrl_c_stops_cleanly_and_the_same_command_goes_on(
    work: Path, tmp_path: Path, kind: str
) -> None:
    arguments = {
        "train": [
            "train",
            work / "data.csv",
            "--text",
            "body",
            "--label",
            "topic",
            "--id",
            "key",
            "--epochs",
            "400",
            "--dim",
            "64",
            "--checkpoints",
            "2",
            "--out",
            tmp_path / "r",
        ],
        "index": ["index", work / "run", "--shard-size", "1", "--out", tmp_path / "r"],
    }[kind]
    process = subprocess.Popen(
        [sys.executable, "-m", "wordtrace", *map(str, arguments)],
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        # Where the tests run in the background, the signal would be ignored by inheritance.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    part = tmp_path / "r.part"
    wait_until(
        lambda: len([*part.glob("checkpoint*/*")]) >= 6 or len([*part.glob("*-0/*")]) >= 3, process
    )
    os.killpg(process.pid, signal.SIGINT)
    out, error = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130, error
    assert error.rstrip().endswith("run the same command to go on.")
    assert "Traceback" not in error
    assert out == ""
    assert part.exists()
    assert not (tmp_path / "r").exists()


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (("words", "run", "the goal of the bank", "a coach"), 0),
        (("index", "nowhere", "--debug", "--no-progress"), 1),
    ],
)
def test_the_other_tests_see_in_this_process_what_a_user_sees(
    work: Path, arguments: tuple[object, ...], status: int
) -> None:
    """The premise of tests/command.py."""
    before = (dict(os.environ), Path.cwd(), sys.argv, sys.excepthook, sys.stdout, sys.stderr)
    here = wordtrace(*arguments, cwd=work, status=status)
    after = (dict(os.environ), Path.cwd(), sys.argv, sys.excepthook, sys.stdout, sys.stderr)
    assert after == before
    there = wordtrace_process(*arguments, cwd=work, status=status)
    assert here.stdout == there.stdout
    # A traceback begins with the lines of code that called.
    assert here.stderr.splitlines()[-1:] == there.stderr.splitlines()[-1:]
    assert ("Traceback" in here.stderr) == ("Traceback" in there.stderr)


def test_what_goes_past_python_is_seen_in_this_process_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def shout() -> dict[str, Any]:
        os.write(1, b"from C\n")
        os.write(2, b"from C\n")
        logging.getLogger("nobody's").warning("from a log")
        warnings.warn("from a warning", stacklevel=1)
        return {"measures": []}

    monkeypatch.setattr("wordtrace.measures.catalogue.measures", shout)
    done = wordtrace("measures", "--json")
    assert done.stdout.startswith("from C\n{")
    assert done.stderr.startswith("from C\nfrom a log\n")
    assert "UserWarning: from a warning" in done.stderr


def test_help_imports_no_torch() -> None:
    script = (
        "import sys\n"
        "from wordtrace.cli.main import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "assert 'torch' not in sys.modules and 'pyarrow' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for verb in ("train", "index", "trace", "verify", "report", "mislabels", "scores", "demo"):
        assert verb in done.stdout
    for verb in ("train", "trace"):
        assert "--out" in wordtrace(verb, "--help").stdout


def test_a_reader_that_leaves_early_is_no_error(work: Path) -> None:
    done = subprocess.run(
        f"{sys.executable} -m wordtrace info run --json | head -1",
        shell=True,
        cwd=work,
        capture_output=True,
        text=True,
    )
    assert done.stdout == "{\n"
    assert "Traceback" not in done.stderr


def test_importing_the_library_is_free() -> None:
    script = "import sys, wordtrace; assert not {'torch', 'pyarrow', 'rich'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", script], check=True)

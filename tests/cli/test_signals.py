"""Ctrl-C, SIGTERM and SIGHUP, to commands in processes of their own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from torture.sandbox import processes_of

from tests.cli.conftest import COLUMNS
from tests.command import python_process
from tests.patience import PATIENCE, wait_until

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "sent", "status", "told"),
    [
        ("train", signal.SIGINT, 130, "interrupted"),
        ("index", signal.SIGINT, 130, "interrupted"),
        ("train", signal.SIGHUP, 129, "ended by SIGHUP"),
        ("index", signal.SIGTERM, 143, "ended by SIGTERM"),
    ],
)
def test_a_signal_stops_cleanly_and_the_same_command_goes_on(
    work: Path, tmp_path: Path, kind: str, sent: signal.Signals, status: int, told: str
) -> None:
    arguments = {
        "train": [
            "train",
            work / "data.csv",
            *COLUMNS,
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
        preexec_fn=lambda: [signal.signal(one, signal.SIG_DFL) for one in ENDING],
    )
    part = tmp_path / "r.part"
    wait_until(
        lambda: len([*part.glob("checkpoint*/*")]) >= 6 or len([*part.glob("*-0/*")]) >= 3, process
    )
    if sent == signal.SIGINT:  # a terminal's goes to all that it has started
        os.killpg(process.pid, sent)
    else:
        os.kill(process.pid, sent)
    out, error = process.communicate(timeout=PATIENCE)
    assert process.returncode == status, error
    end = f"wordtrace: {told}; what is done is kept: run the same command to go on."
    assert error.rstrip().endswith(end)
    wait_until(lambda: not processes_of(process.pid))
    assert not [one for one in os.listdir("/dev/shm") if str(process.pid) in one.split("-")]
    assert "Traceback" not in error
    assert out == ""
    assert part.exists()
    assert not (tmp_path / "r").exists()


WHILE_IMPORTED = """
import os, runpy, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "typer":
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Finder())
sys.argv = ["wordtrace", "measures"]
runpy.run_module("wordtrace", run_name="__main__", alter_sys=True)
"""


def test_ctrl_c_before_anything_has_begun_is_a_sentence_too() -> None:
    done = python_process(WHILE_IMPORTED)
    assert (done.returncode, done.stdout) == (130, "")
    assert done.stderr == "wordtrace: interrupted; nothing was begun.\n"


UNCATCHING = """
import signal, sys, time
signal.signal(signal.SIGINT, getattr(signal, sys.argv[1]))
from wordtrace.cli import main as cli
class Uncatching:
    def __del__(self):
        signal.raise_signal(signal.SIGTERM)
def slow(*given, **named):
    Uncatching()
    while True:
        time.sleep(0.01)
cli.app = slow
cli.main(["measures"])
"""


@pytest.mark.parametrize("at_ctrl_c", ["default_int_handler", "SIG_IGN", "SIG_DFL"])
def test_a_signal_whose_exception_nobody_can_pass_on_comes_again(at_ctrl_c: str) -> None:
    """As in a method by which a library in C clears up: Python would print it, and go on."""
    done = python_process(UNCATCHING, at_ctrl_c)
    assert (done.returncode, done.stdout) == (143, "")
    assert done.stderr.splitlines() == [
        "wordtrace: ended by SIGTERM; what is done is kept: run the same command to go on."
    ]


WHILE_TOLD = """
import signal
from wordtrace.cli import main as cli
told = cli._fail
def telling(*given):
    cli._fail = told
    signal.raise_signal(signal.SIGTERM)
cli._fail = telling
cli.main(["index", "nowhere"])
"""


def test_a_signal_while_an_error_is_told_ends_the_command_as_any_other() -> None:
    done = python_process(WHILE_TOLD)
    assert (done.returncode, done.stdout) == (143, "")
    assert done.stderr.splitlines() == [
        "wordtrace: ended by SIGTERM; what is done is kept: run the same command to go on."
    ]


AFTER_THE_LAST_WORD = """
import signal
from wordtrace.cli import main as cli
class Status(int):
    def __ge__(self, other):  # is looked at when all is done
        signal.raise_signal(signal.SIGTERM)
        return False
cli._run = lambda *given: Status(0)
cli.main(["measures"])
"""


def test_a_signal_after_all_is_done_changes_nothing() -> None:
    done = python_process(AFTER_THE_LAST_WORD)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_signal_that_is_ignored_stays_so() -> None:
    """As ``nohup`` has it; and a program of the user's keeps its own handlers."""
    script = (
        "import os, signal\n"
        "from wordtrace.cli.main import main\n"
        "signal.signal(signal.SIGHUP, signal.SIG_IGN)\n"
        "signal.signal(signal.SIGTERM, lambda number, frame: print('mine', flush=True))\n"
        "try: main(['measures'])\n"
        "except SystemExit: pass\n"
        "for one in (signal.SIGHUP, signal.SIGTERM): os.kill(os.getpid(), one)\n"
    )
    done = python_process(script)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("mine\n")

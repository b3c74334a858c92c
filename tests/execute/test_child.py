"""A command in a process of its own: its end, its output, and that none is left behind."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from threading import Event, Thread
from types import SimpleNamespace

import pytest

from tests.forked import Forked
from tests.patience import wait_until
from wordtrace.execute import child
from wordtrace.execute.child import Ended, environment_of, last_lines


def _run(tmp_path: Path, program: str, **given: object) -> Ended:
    return child.run(
        [sys.executable, "-I", "-S", "-c", program],
        tmp_path / "log.txt",
        folder=tmp_path,
        environment=os.environ,
        **given,  # type: ignore[arg-type]
    )


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # One that has ended and that nobody waited for is not running.
    state = Path(f"/proc/{pid}/stat")
    return not state.exists() or state.read_text().rpartition(")")[2].split()[0] != "Z"


def test_output_and_exit_status_are_those_of_the_command(tmp_path: Path) -> None:
    ended = _run(tmp_path, "import sys; print('out'); print('bad', file=sys.stderr); sys.exit(3)")
    assert ended == Ended(3)
    assert ended.words == "ended with exit status 3"
    assert set(last_lines(tmp_path / "log.txt")) == {"out", "bad"}
    assert _run(tmp_path, "") == Ended(0)


def test_a_signal_that_ended_it_is_named(tmp_path: Path) -> None:
    ended = _run(tmp_path, "import os; os.kill(os.getpid(), 11)")
    assert ended.words == "was ended by the signal SIGSEGV"


def test_a_program_that_is_not_there_is_told(tmp_path: Path) -> None:
    ended = child.run(["./nowhere"], tmp_path / "log.txt", folder=tmp_path, environment=os.environ)
    assert ended.words == "could not be started (No such file or directory)"


def test_it_is_ended_at_its_time_limit_with_its_children(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The time is over once the child is there, however long that takes.
    clock = SimpleNamespace(monotonic=lambda: float((tmp_path / "pids").exists()))
    monkeypatch.setattr(child, "time", clock)
    ended = _run(tmp_path, _WITH_CHILD.format(place=tmp_path), limit=0.1)
    assert ended == Ended(None)
    assert ended.words == "took longer than its time limit and was ended"
    pids = [int(one) for one in (tmp_path / "pids").read_text().split()]
    assert len(pids) == 2
    wait_until(lambda: not any(map(_alive, pids)))


def test_one_that_does_not_listen_is_killed(tmp_path: Path) -> None:
    deaf = "import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(9999)"
    assert _run(tmp_path, deaf, limit=0.3, grace=0.1) == Ended(None)


def test_what_it_left_running_ends_with_it(tmp_path: Path) -> None:
    left = (
        "import subprocess, sys; "
        "one = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(9999)']); "
        "print(one.pid)"
    )
    assert _run(tmp_path, left) == Ended(0)
    pid = int(last_lines(tmp_path / "log.txt")[-1])
    wait_until(lambda: not _alive(pid))


_WITH_CHILD = """
import os, subprocess, sys, time
one = subprocess.Popen([sys.executable, "-I", "-S", "-c", "import time; time.sleep(9999)"])
with open("{place}/pids.part", "w") as file:
    file.write(f"{{os.getpid()}} {{one.pid}}")
os.rename("{place}/pids.part", "{place}/pids")
time.sleep(9999)
"""

_PARENT = """
import os, sys
from pathlib import Path
from wordtrace.execute import child
place = Path(sys.argv[1])
words = [sys.executable, "-c", sys.argv[2]]
child.run(words, place / "log.txt", folder=place, environment=os.environ)
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_no_orphan_is_left_when_the_parent_ends(tmp_path: Path, number: signal.Signals) -> None:
    parent = Forked(_PARENT, tmp_path, _WITH_CHILD.format(place=tmp_path), told=tmp_path)
    wait_until((tmp_path / "pids").exists, parent)
    os.kill(parent.pid, number)
    parent.wait()
    pids = [int(one) for one in (tmp_path / "pids").read_text().split()]
    wait_until(lambda: not any(map(_alive, pids)))


def test_threads_are_a_share_of_the_cores_unless_the_user_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(child, "cores", lambda: 8)
    monkeypatch.setenv("WORDTRACE_WORKERS", "3")
    found = environment_of({"MKL_NUM_THREADS": "5"}, MINE="x")
    assert (found["OMP_NUM_THREADS"], found["MKL_NUM_THREADS"], found["MINE"]) == ("2", "5", "x")


def test_the_last_lines_of_a_log_are_what_was_seen_last(tmp_path: Path) -> None:
    log = tmp_path / "log.txt"
    log.write_bytes(b"first\n\n10%\r20%\r100%\r\n" + b"x" * 400 + b"\n\xff\n")
    assert last_lines(log, 3) == ["100%", "x" * 300 + "…", "\ufffd"]
    assert last_lines(tmp_path / "none") == []


@pytest.mark.parametrize(
    ("variables", "threads"),
    [
        ({"OMP_NUM_THREADS": "3"}, 3),
        ({"OMP_NUM_THREADS": "0"}, child.cores()),
        ({}, child.cores()),
        ({"OMP_NUM_THREADS": "1", child.WORKERS: "1"}, child.cores()),
        ({child.WORKERS: str(2 * child.cores())}, 1),
    ],
)
def test_a_training_has_the_threads_that_the_user_said_or_its_share(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], threads: int
) -> None:
    for name in ("OMP_NUM_THREADS", child.WORKERS):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert child.share_of_cores() == threads


def test_it_is_ended_when_another_thread_says_so(tmp_path: Path) -> None:
    stop = Event()
    found: list[Ended] = []
    program = "open('begun', 'w').close(); import time; time.sleep(3600)"
    waiting = Thread(target=lambda: found.append(_run(tmp_path, program, stop=stop)))
    waiting.start()
    wait_until((tmp_path / "begun").exists)
    stop.set()
    waiting.join()
    assert found == [Ended(None)]

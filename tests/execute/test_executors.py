"""Serial and processes: the same results, and a worker's death is told."""

from __future__ import annotations

import math
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from tests.forked import Forked, new_workers
from tests.patience import PATIENCE, wait_for_files, wait_until
from wordtrace.errors import InputError, WordtraceError
from wordtrace.execute.processes import Processes
from wordtrace.execute.protocol import Lost
from wordtrace.execute.serial import Serial


@pytest.fixture
def new() -> Iterator[None]:
    """Workers that are started as a user's program starts them."""
    with new_workers():
        yield


def square(item: int) -> tuple[int, int]:
    return item * item, torch.get_num_threads()


def die(item: int) -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return item


def die_once(item: Path) -> str:
    if not item.exists():
        item.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return item.name


def act(item: str) -> str:
    if item == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if item == "hang":
        time.sleep(PATIENCE)
    if item == "refuse":
        raise InputError("this can't be done.")
    return item


def nap(item: float) -> float:
    time.sleep(item)
    return item


def refuse(item: int) -> int:
    raise InputError(f"item {item} is wrong; give another.")


@pytest.mark.usefixtures("new")
@pytest.mark.parametrize("executor", [Serial(), Processes(2)], ids=["serial", "processes"])
def test_each_item_comes_back_once_with_its_result_from_one_thread(executor) -> None:
    found = dict(executor.run(square, range(9)))
    assert found == {item: (item * item, 1) for item in range(9)}


def test_a_killed_worker_is_one_sentence() -> None:
    with pytest.raises(WordtraceError, match=r"a worker process was killed.*fewer workers"):
        list(Processes(2).run(die, range(3)))


def test_a_task_whose_worker_died_is_begun_again(tmp_path: Path) -> None:
    items = [tmp_path / str(place) for place in range(3)]
    assert dict(Processes(2).run(die_once, items)) == {item: item.name for item in items}


def test_a_tolerant_executor_loses_only_what_can_not_be_had() -> None:
    items = ["a", "die", "b", "hang", "c", "refuse", "d"]
    tolerant = Processes(2, tolerant=True, attempts=2, patience=6)
    found = dict(tolerant.run(act, items))
    assert {item: found[item] for item in "abcd"} == {item: item for item in "abcd"}
    assert "was killed" in found["die"].reason
    assert "gave no answer in" in found["hang"].reason
    assert "(tried 2 times)" in found["hang"].reason
    assert found["refuse"].reason.startswith("this can't be done.")
    alone = dict(Serial(tolerant=True).run(act, ["a", "refuse"]))
    assert alone == {"a": "a", "refuse": Lost("this can't be done.")}


def gone(pid: int) -> bool:
    """Whether a process has ended; nobody may have asked for its exit status yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGINT])
def test_workers_end_with_their_parent_and_what_a_task_started_with_its_worker(
    tmp_path: Path, sent: signal.Signals
) -> None:
    """One worker dies in its task; one is in the middle of a task, and one waits for the next."""
    program = f"""
import os, signal, subprocess, sys, time
from pathlib import Path
from wordtrace.execute.processes import Processes

def start(item):
    child = subprocess.Popen(["sleep", "{PATIENCE}"])
    Path(sys.argv[1], f"{{item}}-{{os.getpid()}}-{{child.pid}}").touch()
    if item == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep({PATIENCE})

for item, lost in Processes(2, tolerant=True, attempts=1).run(start, ["die", "wait"]):
    Path(sys.argv[1], f"lost {{item}}").touch()
"""
    process = Forked(program, tmp_path)
    wait_until((tmp_path / "lost die").exists, process)
    wait_for_files(tmp_path, "*-*", 2, process)
    pids = {one.name.partition("-")[0]: one.name.split("-")[1:] for one in tmp_path.glob("*-*")}
    wait_until(lambda: all(gone(int(pid)) for pid in pids["die"]))
    assert not any(gone(int(pid)) for pid in pids["wait"])
    os.kill(process.pid, sent)
    process.wait()
    wait_until(lambda: all(gone(int(pid)) for pid in pids["wait"]))


def test_no_task_is_ended_for_being_slow_but_where_a_limit_says_so() -> None:
    """One of a user's trainings is kept and only asked, and the next one is really trained."""
    patient = Processes(1, patience=math.inf)
    assert [found for _, found in patient.run(nap, [0.0, 1.5])] == [0.0, 1.5]
    limited = Processes(1, patience=math.inf, limit=0.5, tolerant=True, attempts=1)
    ((_, lost),) = limited.run(nap, [PATIENCE])
    assert lost == Lost("its worker gave no answer in 0.5 s")


@pytest.mark.usefixtures("new")
def test_a_worker_has_its_share_of_the_threads() -> None:
    ((_, found),) = Processes(1, threads=3).run(square, [2])
    assert found == (4, 3)
    before = torch.get_num_threads()
    assert dict(Serial(threads=3).run(square, [2])) == {2: (4, 3)}
    assert torch.get_num_threads() == before


@pytest.mark.parametrize("executor", [Serial(), Processes(2)], ids=["serial", "processes"])
def test_a_tasks_own_error_comes_through(executor) -> None:
    with pytest.raises(InputError, match=r"item \d is wrong"):
        list(executor.run(refuse, range(3)))

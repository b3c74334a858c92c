"""Serial and processes: the same results, and a worker's death is told."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from tests.forked import forked_pool
from tests.patience import PATIENCE, wait_until
from wordtrace.errors import InputError, WordtraceError
from wordtrace.execute.processes import Processes
from wordtrace.execute.protocol import Lost
from wordtrace.execute.serial import Serial


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers that start at once: forked from a process that has loaded the library.

    Where workers die and are replaced, and where a task hangs ten times as long as the longest
    took, most of the time would go into starting them.
    """

    monkeypatch.setattr("loky.process_executor.ProcessPoolExecutor", forked_pool)


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


def refuse(item: int) -> int:
    raise InputError(f"item {item} is wrong; give another.")


@pytest.mark.parametrize("executor", [Serial(), Processes(2)], ids=["serial", "processes"])
def test_each_item_comes_back_once_with_its_result_from_one_thread(executor) -> None:
    found = dict(executor.run(square, range(9)))
    assert found == {item: (item * item, 1) for item in range(9)}


@pytest.mark.usefixtures("quick")
def test_a_killed_worker_is_one_sentence() -> None:
    with pytest.raises(WordtraceError, match=r"a worker process was killed.*fewer workers"):
        list(Processes(2).run(die, range(3)))


@pytest.mark.usefixtures("quick")
def test_a_task_whose_worker_died_is_begun_again(tmp_path: Path) -> None:
    items = [tmp_path / str(place) for place in range(3)]
    assert dict(Processes(2).run(die_once, items)) == {item: item.name for item in items}


@pytest.mark.usefixtures("quick")
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


def test_workers_end_when_their_parent_is_killed(tmp_path: Path) -> None:
    """One that waits for a task, and one in the middle of a task that takes long."""
    program = f"""
import os, signal, time
from pathlib import Path
from wordtrace.execute.processes import Processes

def name(item):
    Path({str(tmp_path)!r}, str(os.getpid())).touch()
    time.sleep(item)
    return item

for item, result in Processes(2).run(name, [0, {PATIENCE}]):
    while len(list(Path({str(tmp_path)!r}).iterdir())) < 2:
        time.sleep(0.01)
    os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run([sys.executable, "-c", program], timeout=PATIENCE)
    assert done.returncode == -signal.SIGKILL
    workers = [int(one.name) for one in tmp_path.iterdir()]
    assert len(workers) == 2
    wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers))


@pytest.mark.parametrize("executor", [Serial(), Processes(2)], ids=["serial", "processes"])
def test_a_tasks_own_error_comes_through(executor) -> None:
    with pytest.raises(InputError, match=r"item \d is wrong"):
        list(executor.run(refuse, range(3)))

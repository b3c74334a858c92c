"""Serial and processes: the same results, and a worker's death is told."""

from __future__ import annotations

import os
import signal

import pytest
import torch

from wordtrace.errors import InputError, WordtraceError
from wordtrace.execute.processes import Processes
from wordtrace.execute.serial import Serial


def square(item: int) -> tuple[int, int]:
    return item * item, torch.get_num_threads()


def die(item: int) -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return item


def refuse(item: int) -> int:
    raise InputError(f"item {item} is wrong; give another.")


@pytest.mark.parametrize("executor", [Serial(), Processes(2)], ids=["serial", "processes"])
def test_each_item_comes_back_once_with_its_result_from_one_thread(executor) -> None:
    found = dict(executor.run(square, range(9)))
    assert found == {item: (item * item, 1) for item in range(9)}


def test_a_killed_worker_is_one_sentence() -> None:
    with pytest.raises(WordtraceError, match=r"a worker process was killed.*fewer --workers"):
        list(Processes(2).run(die, range(3)))


@pytest.mark.parametrize("executor", [Serial(), Processes(2)], ids=["serial", "processes"])
def test_a_tasks_own_error_comes_through(executor) -> None:
    with pytest.raises(InputError, match=r"item \d is wrong"):
        list(executor.run(refuse, range(3)))

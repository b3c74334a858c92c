"""What tests of Ray have done; a worker that imports this starts quickly.

Each worker of Ray is a new process, and half of those tests kill some.
"""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import torch  # before a task's time is counted

from tests.patience import PATIENCE
from wordtrace.errors import InputError, NumericalError, option


def square(item: int) -> tuple[int, int]:
    return item * item, torch.get_num_threads()


def refuse(item: int) -> int:
    raise InputError(f"{option('item')} {item} is wrong; give another.")


def die(item: int) -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return item


def die_once(item: str) -> str:
    mark = Path(item)
    if not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return mark.name


def sick(item: str) -> str:
    """Count an attempt, then fail as the name says."""
    path = Path(item)
    path.write_text(path.read_text() + "." if path.exists() else ".")
    if path.name == "nan":
        raise NumericalError("the loss is nan.")
    if path.name == "nan once" and path.read_text() == ".":
        raise NumericalError("the loss is nan.")
    if path.name == "hang" or (path.name == "hang once" and path.read_text() == "."):
        time.sleep(PATIENCE)
    return path.name


def meet(item: str) -> int:
    """Return how many tasks were at work when this one was; two wait for each other."""
    mark = Path(item)
    mark.touch()
    until, most = time.monotonic() + (PATIENCE if mark.parent.name == "1" else 0.5), 1
    while time.monotonic() < until and most < 2:
        most = max(most, len(list(mark.parent.iterdir())))
        time.sleep(0.01)
    time.sleep(0.3)
    mark.unlink()
    return most


class Counter:
    """An object that notes each making, and dies when it is first asked to."""

    def __init__(self, item: Path) -> None:
        self.item = item
        with item.open("a") as file:
            file.write("made\n")

    def made(self) -> tuple[str, int, int]:
        return self.item.name, len(self.item.read_text().split()), torch.get_num_threads()

    def die_once(self, name: str) -> str:
        if self.item.name == name and len(self.item.read_text().split()) == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        return self.item.name

    def die(self) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def refuse(self) -> None:
        raise InputError("that is wrong; give another.")

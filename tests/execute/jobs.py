"""A task that does what its name says; the jobs that import it start quickly."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.patience import PATIENCE
from wordtrace.errors import NumericalError, option


@dataclass(frozen=True)
class Work:
    """A task with a name of its own."""

    folder: str
    key: str

    @property
    def mark(self) -> Path:
        return Path(self.folder, self.key)


def act(item: Work) -> dict[str, Any]:
    """Do what the key says; each attempt adds a point to a file."""
    with item.mark.open("a") as file:
        file.write(".")
    if item.key == "die" or (item.key == "die once" and item.mark.read_text() == "."):
        os.kill(os.getpid(), signal.SIGKILL)
    if item.key == "hang":
        time.sleep(PATIENCE)
    while item.key == "wait" and not item.mark.with_name("go").exists():
        time.sleep(0.01)
    if item.key == "nan":
        raise NumericalError(f"the loss is nan; lower {option('learning_rate')}.")
    if item.key == "threads":
        import torch

        return {"threads": torch.get_num_threads()}
    return {"key": item.key}


def works(folder: Path, *keys: str) -> list[Work]:
    return [Work(str(folder), key) for key in keys]

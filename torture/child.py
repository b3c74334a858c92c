"""What happens in the process that is attacked, before and while the command runs in it."""

from __future__ import annotations

import importlib
import json
import multiprocessing
import os
import resource
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch


@dataclass(frozen=True)
class Order:
    """What to run, and how; see :class:`torture.sandbox.Command`."""

    target: str
    arguments: tuple[str, ...]
    cwd: str
    told: str
    environment: Mapping[str, str | None]
    limits: Mapping[str, int]
    roots: tuple[str, ...]
    counted: bool
    operation: int | None
    signal: int

    def written(self) -> str:
        """Return it as an argument of a program."""
        return json.dumps(asdict(self))

    @classmethod
    def read(cls, written: str) -> Order:
        """Return what :meth:`written` was given."""
        entries = json.loads(written)
        return cls(**{**entries, "arguments": tuple(entries["arguments"])})


def obey(order: Order) -> None:
    """Run the command in this process, which is for nothing else."""
    os.setsid()
    told = Path(order.told)
    # Before the command begins, a signal ends this process without a word.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    (told / "session").write_text(str(os.getpid()))
    for descriptor, name in enumerate(("stdout", "stderr"), 1):
        os.dup2(os.open(told / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), descriptor)
    for name, value in order.environment.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
    torch.set_num_threads(1)
    # It would hand on how it was started itself; a user's command begins without.
    multiprocessing.set_start_method(None, force=True)
    # The power does not fail here, and thousands of small files would each wait for the disk.
    os.fsync = lambda fd: None
    os.chdir(order.cwd)
    module, _, function = order.target.partition(":")
    target = getattr(importlib.import_module(module), function)
    count = _counted(order) if order.counted else None
    for name, limit in order.limits.items():
        resource.setrlimit(getattr(resource, name), (limit, limit))
    if module in ("wordtrace.cli.main", "wordtrace.__main__"):
        sys.argv = ["wordtrace", *order.arguments]
        run: Callable[[], Any] = target
    else:
        run = lambda: target(*order.arguments)  # noqa: E731
    # A process in the background of a shell ignores it, and hands that on.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        run()
    finally:
        if count is not None:
            Path(told / "operations").write_text(str(count[0]))
        sys.stdout.flush()
        sys.stderr.flush()


#: Python's audit events of operations that change names or open files, and where their paths are.
_CHANGES: dict[str, tuple[int, ...]] = {
    "os.rename": (0, 1),
    "os.remove": (0,),
    "os.rmdir": (0,),
    "os.mkdir": (0,),
    "os.truncate": (0,),
    "os.link": (1,),
    "os.symlink": (1,),
    "sqlite3.connect": (0,),
}
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


def _counted(order: Order) -> list[int]:
    """Count operations on files below the roots, and send the signal before one of them."""
    count, roots, owner = [0], tuple(map(os.path.realpath, order.roots)), os.getpid()

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path, _, flags = arguments
            paths: tuple[Any, ...] = (path,) if flags & _WRITING else ()
        elif event in _CHANGES:
            paths = tuple(arguments[place] for place in _CHANGES[event])
        else:
            return
        if os.getpid() != owner or not any(_below(one, roots) for one in paths):
            return
        count[0] += 1
        if count[0] == order.operation:
            os.kill(owner, order.signal)

    sys.addaudithook(hook)
    return count


def _below(path: object, roots: tuple[str, ...]) -> bool:
    if not isinstance(path, str | bytes | os.PathLike):
        return False
    full = os.path.abspath(os.fsdecode(path))
    return any(full == root or full.startswith(f"{root}{os.sep}") for root in roots)

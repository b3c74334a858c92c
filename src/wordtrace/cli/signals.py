"""Ends that come from outside: a command ends at SIGTERM and SIGHUP as it does at Ctrl-C.

Without this they would end the process at once, and its workers would notice only later.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_ENDING = (signal.SIGTERM, signal.SIGHUP)


class Ends:
    """Which signal told the command to end."""

    def __init__(self) -> None:
        self.signal = signal.SIGINT
        self._owner = os.getpid()

    @property
    def status(self) -> int:
        """The exit status by which a shell knows it."""
        return 128 + self.signal

    @property
    def words(self) -> str:
        """What happened, in a word or two."""
        return "interrupted" if self.signal == signal.SIGINT else f"ended by {self.signal.name}"

    def end(self, number: int, frame: FrameType | None) -> None:
        """Raise KeyboardInterrupt, once: what ends the work is not to be ended itself."""
        if os.getpid() != self._owner:  # a process that was forked is not the command
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
            return
        self.signal = signal.Signals(number)
        for one in _ENDING:
            signal.signal(one, signal.SIG_IGN)
        raise KeyboardInterrupt


@contextmanager
def ending() -> Iterator[Ends]:
    """Turn the signals into KeyboardInterrupt for a while.

    One that is ignored (``nohup``), or that somebody else handles, stays as it is.
    """
    ends = Ends()
    if threading.current_thread() is not threading.main_thread():
        yield ends
        return
    taken = [one for one in _ENDING if signal.getsignal(one) is signal.SIG_DFL]
    for one in taken:
        signal.signal(one, ends.end)
    try:
        yield ends
    finally:
        for one in taken:
            signal.signal(one, signal.SIG_DFL)

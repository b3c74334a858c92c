"""Ends that come from outside: a command ends at SIGTERM and SIGHUP as it does at Ctrl-C.

Without this they would end the process at once, and its workers would notice only later.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

_ENDING = (signal.SIGTERM, signal.SIGHUP)
#: After how many seconds an interrupt comes again that was not passed on.
_PAUSE = 0.05


class Ends:
    """Which signal told the command to end.

    Attributes
    ----------
    heard
        Whether one came. What it raised may be swallowed in the middle of another library's import,
        which then fails in words of its own.
    """

    def __init__(self) -> None:
        self.signal = signal.SIGINT
        self.heard = False
        self._owner = os.getpid()
        self._again: threading.Timer | None = None
        self._over = False

    @property
    def status(self) -> int:
        """The exit status by which a shell knows it."""
        return 128 + self.signal

    @property
    def words(self) -> str:
        """What happened, in a word or two."""
        return "interrupted" if self.signal == signal.SIGINT else f"ended by {self.signal.name}"

    def interrupt(self, number: int, frame: FrameType | None) -> None:
        """Raise KeyboardInterrupt, as Python does at Ctrl-C."""
        if self._over:
            return
        self.heard = True
        raise KeyboardInterrupt

    def told(self) -> None:
        """Let the next Ctrl-C end the process at once: there is nothing more to be done."""
        if signal.getsignal(signal.SIGINT) == self.interrupt:
            signal.signal(signal.SIGINT, signal.SIG_DFL)

    def unraisable(self, raised: Any, otherwise: Callable[[Any], object]) -> None:
        """Interrupt once more where the exception came as another library could not pass it on.

        Else Python would print it, and the command would go on.
        """
        if not (self.heard and issubclass(raised.exc_type, KeyboardInterrupt)):
            otherwise(raised)
            return
        if self._again is not None:
            self._again.cancel()
        self._again = threading.Timer(_PAUSE, self._once_more)
        self._again.daemon = True
        self._again.start()

    def _once_more(self) -> None:
        if signal.getsignal(signal.SIGINT) == self.interrupt:
            os.kill(self._owner, signal.SIGINT)  # it wakes whoever sleeps, too
        else:  # it is ignored, say, and would not be heard, or is not ours and would end all
            main = ctypes.c_ulong(threading.main_thread().ident or 0)
            ctypes.pythonapi.PyThreadState_SetAsyncExc(main, ctypes.py_object(KeyboardInterrupt))

    def over(self) -> None:
        """Interrupt nothing any more: the command has said its last word."""
        self._over = True
        if self._again is not None:
            self._again.cancel()

    def end(self, number: int, frame: FrameType | None) -> None:
        """Raise KeyboardInterrupt, once: what ends the work is not to be ended itself."""
        if os.getpid() != self._owner:  # a process that was forked is not the command
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
            return
        if self._over:
            return
        self.signal, self.heard = signal.Signals(number), True
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
    at_ctrl_c = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if at_ctrl_c:
        signal.signal(signal.SIGINT, ends.interrupt)
    otherwise = sys.unraisablehook
    sys.unraisablehook = lambda raised: ends.unraisable(raised, otherwise)
    try:
        yield ends
    finally:
        ends.over()
        sys.unraisablehook = otherwise
        for one in taken:
            signal.signal(one, signal.SIG_DFL)
        if at_ctrl_c:
            signal.signal(signal.SIGINT, signal.default_int_handler)

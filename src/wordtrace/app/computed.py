"""What takes longer than a page waits for: computed once, in the background, with its progress."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from wordtrace.execute.progress import following

Value = TypeVar("Value")

#: Seconds for which a question waits before it is told how far the work is.
PATIENCE = 1.0


class Computed(Generic[Value]):
    """A value that a thread computes when it is first asked for.

    Parameters
    ----------
    compute
        What computes it. An error is given to whoever asks next; then it may be tried again.
    """

    def __init__(self, compute: Callable[[], Value]) -> None:
        self._compute = compute
        self._lock = threading.Lock()
        self._finished: threading.Event | None = None
        self._values: list[Value] = []
        self._error: BaseException | None = None
        self._progress = ("Reading", 0, 0)

    def ask(self, patience: float = PATIENCE) -> Value | None:
        """Return the value, or None where it is not there after some seconds."""
        with self._lock:
            if self._values:
                return self._values[0]
            if self._finished is None:
                self._finished = threading.Event()
                threading.Thread(target=self._work, args=(self._finished,), daemon=True).start()
            finished = self._finished
        finished.wait(patience)
        with self._lock:
            if self._error is not None and finished.is_set():
                error, self._error, self._finished = self._error, None, None
                raise error
            return self._values[0] if self._values else None

    def waiting(self) -> dict[str, Any]:
        """Return what is answered while it is computed: what is done, and how far it is."""
        what, done, total = self._progress
        return {"state": "computing", "what": what, "done": done, "total": total}

    def _work(self, finished: threading.Event) -> None:
        try:
            with following(self._heard):
                value = self._compute()
            self._values.append(value)
        except BaseException as error:
            self._error = error
        finally:
            finished.set()

    def _heard(self, what: str, _: int, done: int, total: int) -> None:
        self._progress = (what, done, total)

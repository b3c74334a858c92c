"""Where an index is asked: in this process, or by workers on a cluster that stay for the next."""

from __future__ import annotations

from threading import Lock

from wordtrace.asking.searcher import Spread
from wordtrace.errors import InputError, option
from wordtrace.index.folder import IndexFolder
from wordtrace.run.run import Run


class Searchers:
    """The workers that were started for an index, kept from call to call."""

    def __init__(self) -> None:
        self._starting = Lock()
        self._spread: tuple[tuple[str | None, int | None], Spread] | None = None

    def on(
        self,
        folder: IndexFolder,
        run: Run,
        executor: str,
        address: str | None,
        workers: int | None,
    ) -> Spread | None:
        """Return the index on a cluster; None for this process.

        Raises
        ------
        InputError
            For an unknown executor, or settings of a cluster without one.
        """
        if executor not in ("threads", "ray"):
            raise InputError(f"{option('executor')} is {executor!r}; it must be threads or ray.")
        if executor == "threads":
            for name, value in (("address", address), ("workers", workers)):
                if value is not None:
                    raise InputError(
                        f"{option(name)} is of a Ray cluster; give {option('executor', 'ray')} "
                        "with it."
                    )
            return None
        key = address, workers
        with self._starting:
            if self._spread is None or self._spread[0] != key or self._spread[1].closed:
                self._close()
                self._spread = key, Spread.over(folder, run, address, workers)
            return self._spread[1]

    def close(self) -> None:
        """End the workers; without any, do nothing."""
        with self._starting:
            self._close()

    def _close(self) -> None:
        if self._spread is not None:
            self._spread[1].close()
            self._spread = None

"""An opened index with its run: its life from opening to closing, and what can be done with it."""

from __future__ import annotations

from pathlib import Path

from wordtrace.act.row_table import RowTable
from wordtrace.act.suspects import Suspects
from wordtrace.api import asking, changes, mending
from wordtrace.api.searchers import Searchers
from wordtrace.api.unmixed import unmixed
from wordtrace.asking.asker import Asker
from wordtrace.asking.searcher import Spread
from wordtrace.execute.once import once
from wordtrace.explain.tracer import Tracer
from wordtrace.index.folder import IndexFolder
from wordtrace.run.run import Run


class Index:
    """An index with its run: ask it which examples and words made a prediction.

    :meth:`open` and :func:`build_index` return one. As a context manager it calls :meth:`close` at
    the end. Several threads may ask it at once; while one thread changes it (:meth:`add`,
    :meth:`remove`, :meth:`merge`), the others should wait. Once another process has changed it,
    every question raises :class:`ChangedError`: open it again.

    Attributes
    ----------
    folder, run
        The index on disk, and the run from which it was built.
    asker
        Answers questions to them by any measure.
    suspects
        Ranks the rows by how suspicious their labels are; the rankings are computed once.

    Examples
    --------
    >>> with wt.Index.open("runs/news/index") as index:
    ...     trace = index.trace("the coach and the striker win a match", top=3)
    >>> len(trace.proponents)
    3
    """

    def __init__(self, folder: IndexFolder, run: Run) -> None:
        self.folder, self.run = folder, run
        self.asker = Asker(run, folder)
        self._tracer = Tracer(self.asker)
        self.suspects = Suspects(folder, self._tracer)
        self._searchers = Searchers()

    @classmethod
    def open(cls, path: str | Path, run: str | Path | None = None, device: str = "cpu") -> Index:
        """Open an index; `run` overrides the recorded place of its run.

        Raises
        ------
        InputError
            When there is no finished index at `path`.
        MismatchError
            When the run is not the one from which the index was built.
        CorruptError
            When a file is missing or not whole.

        Examples
        --------
        >>> wt.Index.open("runs/news/index")
        Index('runs/news/index', 54 examples, top-k 10)
        """
        folder = IndexFolder.open(path)
        return cls(folder, folder.open_run(run, device))

    def __repr__(self) -> str:
        kept = self.folder.manifest.top_k or "all"
        return f"Index({str(self.folder.path)!r}, {self.folder.count:,} examples, top-k {kept})"

    def __enter__(self) -> Index:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """End the workers on a cluster that answered for this index, if there are any."""
        self._searchers.close()

    @property
    def ids(self) -> list[str]:
        """The examples' ids in the order of their rows, without removed examples."""
        return list(self.folder.rows)

    def _on(self, executor: str, address: str | None, workers: int | None) -> Spread | None:
        return self._searchers.on(self.folder, self.run, executor, address, workers)

    @once
    def row_table(self) -> RowTable:
        """All rows, to be filtered, sorted and counted; kept until the index is changed."""
        return RowTable(self.folder, self.run)

    rows = unmixed(asking.rows)
    trace = unmixed(asking.trace)

    add = changes.add
    remove = changes.remove
    merge = changes.merge

    def _changed(self, folder: IndexFolder) -> Index:
        self.close()
        self.folder, self.asker = folder, Asker(self.run, folder)
        self._tracer = Tracer(self.asker)
        self.suspects = Suspects(folder, self._tracer)
        self.__dict__.pop("row_table", None)
        return self

    mislabels = unmixed(mending.mislabels)
    review = unmixed(mending.review)
    fix = unmixed(mending.fix)
    mistakes = unmixed(mending.mistakes)
    duplicates = unmixed(mending.duplicates)
    outliers = unmixed(mending.outliers)

    neighbours = unmixed(asking.neighbours)

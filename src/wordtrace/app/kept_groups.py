"""Groups of an index, computed once for each state of it and kept in its run's folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from wordtrace import __version__
from wordtrace.act.clusters_result import Clusters
from wordtrace.act.duplicate_groups import DuplicateGroups, duplicate_groups
from wordtrace.act.outliers_result import Outliers
from wordtrace.app.computed import Computed
from wordtrace.app.opened import Opened
from wordtrace.disk import atomic
from wordtrace.disk.temporary import remove_unheld
from wordtrace.errors import WordtraceError
from wordtrace.results.reading import read_result
from wordtrace.results.result import Result

Kind = TypeVar("Kind", bound=Result)

#: The folder in a run's folder.
PLACE = "groups"
#: Outliers and mistakes that are looked at.
MOST = 1000
#: The least similarity of near-duplicates that a page may ask for.
THRESHOLDS = (0.6, 0.7, 0.8, 0.9, 1.0)


class KeptGroups:
    """What the view of groups shows.

    Attributes
    ----------
    state
        By what the files are named: the state of the index and of the run, and the version of this
        library, since a later one may compute otherwise.
    duplicates
        By threshold.
    outliers, mistakes
        The strangest rows, and the clusters of rows that the final model gets wrong.
    """

    def __init__(self, opened: Opened) -> None:
        self._opened = opened
        states = (part[:12] for part in opened.state.split("-"))
        self.state = "-".join([*states, __version__])
        self.duplicates = {
            threshold: Computed(self._duplicates(threshold)) for threshold in THRESHOLDS
        }
        self.outliers = Computed(
            lambda: self._result("outliers", Outliers, lambda: opened.index.outliers(top=MOST))
        )
        self.mistakes = Computed(
            lambda: self._result("mistakes", Clusters, lambda: opened.index.mistakes(most=MOST))
        )

    def _duplicates(self, threshold: float) -> Callable[[], DuplicateGroups]:
        def compute() -> DuplicateGroups:
            index, run = self._opened.index.folder, self._opened.run
            file = self._file(f"duplicates-{threshold:g}.parquet")
            try:
                table = pq.read_table(file)
                return DuplicateGroups(table, table.schema.metadata[b"complete"] == b"yes")
            except (OSError, pa.ArrowException, KeyError, TypeError):
                found = duplicate_groups(index, run, threshold)
            marked = {"complete": "yes" if found.complete else "no"}
            self._keep(
                file,
                lambda place: pq.write_table(found.table.replace_schema_metadata(marked), place),
            )
            return found

        return compute

    def _result(self, name: str, kind: type[Kind], compute: Callable[[], Kind]) -> Kind:
        file = self._file(f"{name}.json")
        try:
            return read_result(file, [kind])
        except (OSError, WordtraceError):
            found = compute()
        self._keep(file, lambda place: atomic.write_json(place, found.document()))
        return found

    def _file(self, name: str) -> Path:
        """Return the place of what is kept; what killed writers left beside it is removed."""
        folder = self._opened.run.path / PLACE
        for stray in folder.glob(".*.tmp"):
            remove_unheld(stray)
        return folder / f"{self.state}-{name}"

    def _keep(self, file: Path, write: Callable[[Path], object]) -> None:
        """Write what was computed, unless the index changed meanwhile or nothing can be written."""
        self._opened.check()
        try:
            file.parent.mkdir(exist_ok=True)
            with atomic.replacing(file) as temporary:
                write(temporary)
            for old in file.parent.glob(f"*-{file.name.removeprefix(f'{self.state}-')}"):
                if old != file:
                    old.unlink(missing_ok=True)
        except OSError:
            return

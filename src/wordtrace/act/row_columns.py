"""What is known about each row of an index, as arrays, and in what order the rows stand by it."""

from __future__ import annotations

import threading
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from wordtrace.act.rankings import rankings
from wordtrace.errors import InputError, WordtraceError, option
from wordtrace.execute.once import once
from wordtrace.index.folder import IndexFolder
from wordtrace.run.run import Run

Mask = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
#: What was decided about each row, int8, shape (rows,): 0 for nothing, else its place in
#: :data:`.filters.DECISIONS`, from 1. None where no review is open.
Marks = npt.NDArray[np.int8] | None

#: Columns by which rows can be sorted.
SORTED = ("row", "id", "label", "predicted", "suspicion", "loss", "self_influence")


@dataclass(frozen=True)
class Coded:
    """A column of names, of which few differ.

    Attributes
    ----------
    names
        The names that there are.
    codes
        int32, shape (rows,): each row's place in `names`.
    """

    names: list[str]
    codes: npt.NDArray[np.int32]

    @classmethod
    def of(cls, column: pa.ChunkedArray) -> Coded:
        """Read a column of an index's table."""
        if not pa.types.is_dictionary(column.type):
            column = column.dictionary_encode()
        whole = column.unify_dictionaries().combine_chunks()
        if isinstance(whole, pa.ChunkedArray):
            whole = pa.concat_arrays(whole.chunks)
        codes = whole.indices.to_numpy(zero_copy_only=False).astype(np.int32)
        return cls(whole.dictionary.to_pylist(), codes)


class RowColumns:
    """The columns of an index's rows, each read or computed when it is first asked for.

    Arrays have an entry for every row of the index, also for removed ones.
    """

    def __init__(self, index: IndexFolder, run: Run) -> None:
        self.index, self.run = index, run
        self.count = index.manifest.examples
        self.order = lru_cache(maxsize=16)(self._order)
        self._computing: threading.Thread | None = None
        self._beginning = threading.Lock()

    @once
    def live(self) -> Mask:
        """bool: the rows that were not removed."""
        found = np.ones(self.count, bool)
        found[self.index.removed] = False
        return found

    @property
    def labelled(self) -> bool:
        """Whether rows have labels; those of a language model have none."""
        return not self.run.generates

    @once
    def label(self) -> Coded:
        """The labels in the data."""
        return Coded.of(self.index.table["label"])

    @once
    def predicted(self) -> Coded:
        """The labels that the final model predicts."""
        return Coded.of(self.index.table["predicted_final"])

    @once
    def right(self) -> Mask | None:
        """bool: whether the final model predicts the label; None where labels are no classes."""
        if not self.labelled or self.run.labelling.kind == "number":
            return None
        places = {name: place for place, name in enumerate(self.label.names)}
        said = np.array([places.get(name, -1) for name in self.predicted.names], np.int32)
        return np.asarray(said[self.predicted.codes] == self.label.codes)

    @once
    def loss(self) -> Floats:
        """The loss of the final model, float64."""
        return self.index.column("loss_final").astype(np.float64)

    @once
    def self_influence(self) -> Floats:
        """Σ_c η_c Σ_w ‖∂ℓ(x)/∂Θ_w‖² over all tokens, float64."""
        return self.index.column("self_influence").astype(np.float64)

    @property
    def suspected(self) -> bool:
        """Whether rows have a suspicion: where labels are numbers they have none."""
        return self.run.labelling.kind != "number"

    @once
    def rankings(self) -> dict[str, Floats]:
        """Each ranking's suspicion, see :func:`.rankings.rankings`: this reads all postings."""
        return rankings(self.index)

    @property
    def suspicion(self) -> Floats:
        """The suspicion that a label is wrong, by the ranking "combined", float64.

        Raises
        ------
        InputError
            Where labels are numbers.
        """
        if not self.suspected:
            raise InputError(
                "suspicion is for labels that are classes; this run predicts numbers: sort and "
                "filter by the loss."
            )
        return self.rankings["combined"]

    def suspicion_known(self, wait: float = 0.5) -> bool:
        """Tell whether :attr:`suspicion` is there at once; begin to compute it if it is not.

        Parameters
        ----------
        wait
            How many seconds to wait for it.
        """
        if not self.suspected or "rankings" in self.__dict__:
            return self.suspected
        with self._beginning:
            if self._computing is None:
                # A daemon: a server that is stopped does not wait for it.
                self._computing = threading.Thread(target=self._compute, daemon=True)
                self._computing.start()
        self._computing.join(wait)
        return "rankings" in self.__dict__

    def _compute(self) -> None:
        with suppress(WordtraceError):  # whoever asks for it is told
            _ = self.rankings

    def matching(self, column: str, text: str) -> Mask:
        """Return the rows whose label, or prediction, is as a text says, bool, shape (rows,).

        Raises
        ------
        InputError
            For a label that there is not.
        """
        if not self.labelled:
            raise InputError(f"{option(column)}: the examples of a language model have no label.")
        coded: Coded = getattr(self, column)
        labelling = self.run.labelling
        if labelling.kind == "class":
            labelling.parse(text)
            here = np.array([name == text for name in coded.names], bool)
        else:
            query, there = labelling.parse(text), labelling.parse_all(coded.names)
            same = labelling.kind == "number"
            here = (there == query).all(axis=1) if same else labelling.agree(there, query)
        found: Mask = here[coded.codes] if len(here) else np.zeros(self.count, bool)
        return found

    def _order(self, column: str, descending: bool) -> npt.NDArray[np.int32]:
        """Return all rows in the order of a column, int32; equal ones by rising row.

        Raises
        ------
        InputError
            For a column that rows have not.
        """
        key = self._key(column)
        return np.argsort(-key if descending else key, kind="stable").astype(np.int32)

    def _key(self, column: str) -> npt.NDArray[Any]:
        if column not in SORTED:
            raise InputError(f"{option('sort')} is {column!r}; give one of {', '.join(SORTED)}.")
        if column == "row":
            return np.arange(self.count)
        if column == "id":
            ids = self.index.table["id"].combine_chunks()
            ranks: npt.NDArray[Any] = pc.rank(ids, "ascending", tiebreaker="dense").to_numpy()
            return ranks.astype(np.int64)
        if column not in ("label", "predicted"):
            values: Floats = getattr(self, column)
            return values
        if not self.labelled:
            raise InputError(
                f"{option('sort')} is {column!r}: a language model's examples have no label."
            )
        coded: Coded = getattr(self, column)
        if self.run.labelling.kind == "number":
            return np.array([float(name) for name in coded.names])[coded.codes]
        return np.argsort(np.argsort(coded.names, kind="stable"))[coded.codes]

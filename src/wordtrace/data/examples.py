"""Labelled training inputs as an Arrow table; hostile text stays data."""

from __future__ import annotations

import difflib
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from wordtrace.data.examples_file import read_written, write_examples
from wordtrace.data.label_column import label_column
from wordtrace.data.labelling import Kind, Labelling, Labels
from wordtrace.data.origin import Origin
from wordtrace.data.splitting import held_out
from wordtrace.errors import InputError, option
from wordtrace.execute.once import once


@dataclass(frozen=True)
class Examples:
    """Examples: an id, one or two texts, a label.

    Attributes
    ----------
    table
        Columns `id` (string), `text` and, for pairs, `text2` (large_string), `label` (int32: the
        place in `label_names`; -1 for none; of the other kinds lists of float32, see `labels`).
    label_names
        The classes, in the order of the model's outputs; none where labels are numbers.
    source
        Where they were read from, for messages.
    kind
        The kind of the labels: "class" for one of the classes, "set" for several, or "number".
    origin
        The columns that they were read from, where they were read.

    Examples
    --------
    >>> news = wt.Examples.of(["shares fall", "the coach wins"], [0, 1], ("Business", "Sport"))
    >>> news.take([1]).texts
    ['the coach wins']
    """

    table: pa.Table
    label_names: tuple[str, ...]
    source: str = "the data"
    kind: Kind = "class"
    origin: Origin | None = None

    def __post_init__(self) -> None:
        if len(set(self.label_names)) < len(self.label_names):
            raise InputError(f"{self.source}: a label name stands twice in {self.label_names}.")
        if self.kind != "class":
            width = self.table.schema.field("label").type.list_size
            if width != len(self.labelling.none(1)[0]):
                raise InputError(
                    f"{self.source}: labels of {width} values do not fit {len(self.label_names)} "
                    "label names."
                )
            return
        bounds = pc.min_max(self.table["label"]).as_py()
        if len(self) and not -1 <= bounds["min"] <= bounds["max"] < len(self.label_names):
            raise InputError(
                f"{self.source}: labels run from {bounds['min']} to {bounds['max']}; they must be "
                f"-1 (none) or places in the {len(self.label_names)} label names."
            )

    @classmethod
    def of(
        cls,
        texts: Sequence[str] | pa.ChunkedArray,
        labels: Sequence[int] | Labels,
        label_names: Sequence[str],
        *,
        ids: Sequence[str] | None = None,
        texts2: Sequence[str] | pa.ChunkedArray | None = None,
        source: str = "the data",
        kind: Kind = "class",
        origin: Origin | None = None,
    ) -> Examples:
        """Make examples from checked values; ids are row numbers unless given."""
        columns: dict[str, pa.Array | pa.ChunkedArray] = {
            "id": pa.array(ids if ids is not None else map(str, range(len(texts))), pa.string()),
            "text": _text_column(texts),
        }
        if texts2 is not None:
            columns["text2"] = _text_column(texts2)
        columns["label"] = label_column(np.asarray(labels), kind)
        return cls(pa.table(columns), tuple(label_names), source, kind, origin)

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def __repr__(self) -> str:
        labels = ", ".join(self.label_names) or "numbers"
        return f"Examples({len(self):,} from {self.source}, labels {labels})"

    @once
    def ids(self) -> list[str]:
        """The ids, as strings."""
        found: list[str] = self.table["id"].to_pylist()
        return found

    @once
    def texts(self) -> list[str]:
        """The texts; for pairs, the first one of each."""
        found: list[str] = self.table["text"].to_pylist()
        return found

    @once
    def texts2(self) -> list[str] | None:
        """The second texts of pairs, or None."""
        return self.table["text2"].to_pylist() if self.has_pairs else None

    @once
    def labels(self) -> Labels:
        """int64, shape (examples,): places in `label_names`; -1 for none.

        For sets float32, shape (examples, classes): 1 for each class in the set, else 0. For
        numbers float32, shape (examples, 1). NaN means no label.
        """
        column = self.table["label"]
        if self.kind == "class":
            classes: Labels = column.to_numpy().astype(np.int64)
            return classes
        flat: Labels = column.combine_chunks().flatten().to_numpy()
        return flat.reshape(len(self), -1)

    @property
    def labelling(self) -> Labelling:
        """The kind of the labels, and how they are written."""
        return Labelling(self.kind, self.label_names)

    @property
    def has_pairs(self) -> bool:
        """Whether each example is a pair of texts."""
        return "text2" in self.table.column_names

    def take(self, rows: npt.NDArray[np.int64] | Sequence[int]) -> Examples:
        """Return the examples at `rows` (numbers, not a mask), in that order."""
        given = np.asarray(rows)
        if given.dtype == bool:  # would pass for rows 0 and 1
            raise InputError("take wants row numbers, not a mask: give np.flatnonzero(mask).")
        picked = self.table.take(pa.array(given.astype(np.int64)))
        return replace(self, table=picked)

    def with_labels(self, labels: Labels) -> Examples:
        """Return the same examples with other labels, of the shape that :attr:`labels` has."""
        if labels.shape != self.labels.shape:
            raise InputError(f"{len(self)} examples want as many labels, not {labels.shape}.")
        place = self.table.column_names.index("label")
        column = label_column(labels, self.kind)
        return replace(self, table=self.table.set_column(place, "label", column))

    def labels_as(self, labelling: Labelling) -> Labels:
        """Return the labels as a run has them.

        Raises
        ------
        InputError
            For a label that it lacks, or labels of another kind.
        """
        return self.labelling.translated(self.labels, labelling, self.source)

    def row_of(self, id: str) -> int:
        """Return the row of an id.

        Raises
        ------
        InputError
            When no example has it; suggests the nearest.
        """
        try:
            return self._rows[id]
        except KeyError:
            near = difflib.get_close_matches(id, self.ids[:100_000], 1)
            hint = f"; did you mean {near[0]!r}?" if near else "."
            raise InputError(f"{self.source} has no example with the id {id!r}{hint}") from None

    @once
    def _rows(self) -> dict[str, int]:
        return {id: row for row, id in enumerate(self.ids)}

    @once
    def _copies(self) -> npt.NDArray[np.int64]:
        """int64, shape (examples,): equal numbers for examples with equal texts."""
        groups: dict[Any, int] = {}
        keys = self.texts if self.texts2 is None else zip(self.texts, self.texts2, strict=True)
        return np.array([groups.setdefault(key, len(groups)) for key in keys], dtype=np.int64)

    def contradictions(self) -> list[tuple[int, ...]]:
        """Return groups of rows with identical texts but different labels.

        A row without a label contradicts none.
        """
        labelled = np.flatnonzero(self.labelling.given(self.labels))
        order = labelled[np.argsort(self._copies[labelled], kind="stable")]
        bounds = np.flatnonzero(np.diff(self._copies[order])) + 1
        codes = self.labelling.codes(self.labels)
        groups = (group for group in np.split(order, bounds) if len(group) > 1)
        return [tuple(group.tolist()) for group in groups if len(set(codes[group].tolist())) > 1]

    def split(self, fraction: float, seed: int) -> tuple[Examples, Examples]:
        """Hold out about `fraction` of each label, drawn by `seed`.

        Copies of a text stay on one side: a model must not be judged on what it has seen. Ids and
        the order of rows are kept.

        Returns
        -------
        train, held_out

        Raises
        ------
        InputError
            When a row has no label, a side would be empty, or a label would be missing in training.
        """
        if self.kind != "class":
            raise InputError(f"{self.source}: a split by label needs one class a text.")
        if not 0 < fraction < 1:
            raise InputError(f"the fraction to hold out is {fraction}; it must be in (0, 1).")
        if (self.labels < 0).any():
            row = int(np.argmax(self.labels < 0))
            raise InputError(
                f"{self.source}: the example {self.ids[row]!r} has no label; "
                "a split by label needs all of them."
            )
        held = held_out(self.labels, self._copies, fraction, seed)
        train = self.take(np.flatnonzero(~held))
        missing = set(self.labels.tolist()) - set(train.labels.tolist())
        if not held.any() or missing:
            raise InputError(
                f"{self.source}: {len(self)} examples are too few to hold out "
                f"{fraction:.0%} of each label; give {option('eval_data')}, or "
                f"{option('eval_fraction', 0)}."
            )
        return train, self.take(np.flatnonzero(held))

    def fingerprint(self) -> str:
        """Return a hash of ids, texts, labels and label names; not of the file they came from."""
        digest = hashlib.blake2b(digest_size=20)
        digest.update(json.dumps([list(self.label_names), self.table.column_names]).encode())
        for name in self.table.column_names:
            if name == "label":
                stored = "<i4" if self.kind == "class" else "<f4"
                digest.update(self.labels.astype(stored).tobytes())
                continue
            for value in self.table[name].to_pylist():
                data = value.encode("utf-8")
                digest.update(len(data).to_bytes(8, "little"))
                digest.update(data)
        return digest.hexdigest()

    def write_parquet(self, path: str | Path) -> None:
        """Write the table with labels by name; the order of the names goes into the metadata.

        Sets are written as lists of names, numbers as float32.
        """
        write_examples(self.table, self.labels, self.labelling, path)

    @classmethod
    def read_parquet(cls, path: str | Path) -> Examples:
        """Read what :meth:`write_parquet` wrote.

        Raises
        ------
        CorruptError
            When the file is missing, not whole, or not one of ours: a column is missing or holds
            nulls, or a label is none of the names.
        """
        table, labelling = read_written(path)
        return cls(table, labelling.names, Path(path).name, labelling.kind)


def _text_column(texts: Sequence[str] | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    # What a reader has packed already is not unpacked again.
    return texts if isinstance(texts, pa.ChunkedArray) else pa.array(texts, pa.large_string())

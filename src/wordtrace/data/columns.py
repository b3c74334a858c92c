"""Collecting the wanted columns chunk by chunk; texts are checked and packed on arrival."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Literal

import numpy as np
import pyarrow as pa

from wordtrace.data import conversations
from wordtrace.data.labelling import Kind
from wordtrace.errors import DataError

# Rows held as Python objects at a time: a list of strings takes several times what Arrow takes.
CHUNK = 65_536


@dataclass(frozen=True)
class Wanted:
    """The columns to read.

    Attributes
    ----------
    id
        The column of ids; None takes 'id' where there is one, else the row's number; False takes
        the row's number.
    label
        The column of labels; None for unlabelled data, several (one for each class) for sets.
    require_labels
        Whether a missing label column, or fewer than two labels, is an error. Where it is False,
        a column 'label' (the default name) may be missing; a name of one's own may not.
    kind
        The kind of the labels.
    forms
        For a language model: the columns of its texts, a text or messages in one, or prompt and
        completion in two; empty to find them by the names that TRL gives them. None for all else.
    available
        All columns that the file was found to have.
    """

    text: str
    text2: str | None
    label: str | tuple[str, ...] | None
    id: str | Literal[False] | None
    label_names: tuple[str, ...] | None = None
    require_labels: bool = True
    kind: Kind = "class"
    forms: tuple[str, ...] | None = None
    available: dict[str, None] = field(default_factory=dict, compare=False)

    @property
    def labels(self) -> tuple[str, ...]:
        """The columns of labels."""
        return (self.label,) if isinstance(self.label, str) else self.label or ()

    @property
    def ids(self) -> str | None:
        """The column of ids, where there may be one."""
        return None if self.id is False else self.id or "id"

    @property
    def names(self) -> list[str]:
        """Every column that may be read, needed or not."""
        found = [self.text, self.text2, *self.labels, self.ids]
        if self.forms is not None:
            every = (*conversations.COLUMNS, *conversations.PREFERENCES)
            given = (*self.forms, *conversations.BESIDE) if self.forms else every
            found = [*given, self.ids]
        return list(dict.fromkeys(name for name in found if name is not None))

    def as_forms(self, values: dict[str, Any]) -> dict[str, Any]:
        """Return a row's values by the names that TRL gives the columns that the user named."""
        if not self.forms:
            return values
        given = [values.pop(name, None) for name in self.forms]
        if len(given) == 2:
            return {**values, "prompt": given[0], "completion": given[1]}
        name = "text" if isinstance(given[0], str) else "messages"
        return {**values, name: given[0]}

    def choose(self, available: Sequence[Any], source: str) -> list[str]:
        """Return which of the available columns to read.

        Raises
        ------
        DataError
            When one that is needed is missing (suggests the nearest), a name stands twice, or one
            column is given for two things.
        """
        texts = (self.text, self.text2) if self.forms is None else self.forms
        parts = [name for name in (*texts, *self.labels) if name is not None]
        twice = next((name for name in parts if parts.count(name) > 1), None)
        if twice is not None:
            raise DataError(
                f"{source}: the column {twice!r} is given for two things; texts, second texts and "
                "labels are columns of their own."
            )
        self.available.update(dict.fromkeys(map(str, available)))
        needed = {*texts, self.id or None}
        if self.require_labels or self.label != "label":
            needed.update(self.labels)
        for name in self.names:
            if name not in available and name in needed:
                if set(conversations.PREFERENCES) <= set(map(str, available)):
                    raise DataError(f"{source} has {conversations.REFUSED}.")
                near = difflib.get_close_matches(name, map(str, available), 1)
                hint = f"; did you mean {near[0]!r}?" if near else "."
                columns = ", ".join(map(repr, available)) or "none"
                raise DataError(f"{source} has no column {name!r}; it has {columns}{hint}")
        chosen = [name for name in self.names if name in available]
        for name in chosen:
            if list(available).count(name) > 1:
                raise DataError(f"{source} has two columns {name!r}; rename one of them.")
        return chosen


@dataclass
class TextColumn:
    """A column of texts: Arrow chunks, and how many of the values were empty."""

    chunks: list[pa.Array] = field(default_factory=list)
    empty: int = 0
    first_empty: int = -1


class Columns:
    """Values as they were read.

    Parameters
    ----------
    wanted
        Which columns hold texts, labels and ids.
    source
        The file's name, for messages.
    where
        Maps a row to its place for people: "line 17" in a text file, else "row 16".
    label_names
        The data set's own classes, where it has them; labels are their indices or their names.
    """

    def __init__(
        self,
        wanted: Wanted,
        source: str,
        where: Callable[[int], str] = "row {}".format,
        label_names: Sequence[str] | None = None,
    ) -> None:
        self.wanted = wanted
        self.source = source
        self.where = where
        self.label_names = None if label_names is None else tuple(label_names)
        self.rows = 0
        self.values: dict[str, list[Any]] = {}
        self._texts: dict[str, TextColumn] = {}
        #: The form of the rows, once the first is read, where forms are wanted.
        self.form: conversations.Form | None = None
        self.chat = False

    def fault(self, row: int, name: str, what: str) -> DataError:
        """Return the error for one value: where it stands, and what is wrong."""
        return DataError(f"{self.source}, {self.where(row)}: column {name!r} {what}")

    def add(self, part: Mapping[str, Sequence[Any]]) -> None:
        """Append rows, given as columns of equal length.

        Raises
        ------
        DataError
            For a text that is no string, or not valid Unicode.
        """
        for name, values in part.items():
            if self.wanted.forms is None and name in (self.wanted.text, self.wanted.text2):
                self._add_texts(name, values)
            if name in (*self.wanted.labels, self.wanted.ids):
                self.values.setdefault(name, []).extend(map(_plain, values))
        if self.wanted.forms is not None:
            self._add_forms(part)
        self.rows += len(next(iter(part.values()), ()))

    @property
    def second(self) -> str | None:
        """The name of the column of second texts; None where there is none."""
        if self.wanted.forms is None:
            return self.wanted.text2
        return "text2" if "text2" in self._texts else None

    def _add_forms(self, part: Mapping[str, Sequence[Any]]) -> None:
        """Append rows of a language model, each as its text or its conversation."""
        found = []
        names = [name for name in part if name != self.wanted.ids]
        for row, values in enumerate(zip(*(part[name] for name in names), strict=True), self.rows):
            given = self.wanted.as_forms(dict(zip(names, values, strict=True)))
            try:
                one = conversations.read_row(given, self.form)
                if self.form is not None and self.chat != (one.conversation is not None):
                    raise conversations.Malformed(
                        "it is no conversation, or the rows before are not."
                    )
            except conversations.Malformed as error:
                raise DataError(f"{self.source}, {self.where(row)}: {error}") from None
            self.form, self.chat = one.form, one.conversation is not None
            found.append(one)
        self._add_texts(self.wanted.text, [one.text for one in found])
        if found and found[0].text2 is not None:
            self._add_texts("text2", [one.text2 for one in found])

    def _add_texts(self, name: str, values: Sequence[Any]) -> None:
        column = self._texts.setdefault(name, TextColumn())
        if may_be_empty := name != self.wanted.text:
            # The second text of a pair may say nothing: a question without context, say.
            values = ["" if value is None or value != value else value for value in values]
        try:
            packed = pa.array(values, pa.large_string())
            if may_be_empty or all(map(str.strip, values)):
                column.chunks.append(packed)
                return
        except (TypeError, UnicodeError, pa.ArrowException):
            pass  # named below, value by value
        for row, value in enumerate(values, self.rows):
            if value is None or (not may_be_empty and isinstance(value, str) and not value.strip()):
                column.first_empty = row if column.empty == 0 else column.first_empty
                column.empty += 1
            elif not isinstance(value, str):
                shown = f"{type(value).__name__} {str(value)[:40]}"
                raise self.fault(row, name, f"holds {shown}, not text; name the text column.")
            else:
                check_unicode(value, row, name, self)

    def texts(self, name: str) -> pa.ChunkedArray:
        """Return a column of texts, large_string, shape (rows,).

        Raises
        ------
        DataError
            When some are empty: names the first, and counts the others.
        """
        column = self._texts.get(name, TextColumn())
        if column.empty:
            more = f" ({column.empty - 1:,} more are)" if column.empty > 1 else ""
            what = f"is empty{more}; remove such rows or fill them."
            raise self.fault(column.first_empty, name, what)
        return pa.chunked_array(column.chunks, pa.large_string())


def check_unicode(value: str, row: int, name: str, columns: Columns) -> None:
    """Refuse a string that no UTF-8 file could hold."""
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        what = "holds half a character (a lone surrogate); write the file anew as UTF-8."
        raise columns.fault(row, name, what) from None


def _plain(value: Any) -> Any:
    # Labels repeat: one string object for all rows that have it.
    if type(value) is str:
        return sys.intern(value)
    return value.item() if isinstance(value, np.generic) else value


def chunks_of(rows: Iterable[Any], limit: int | None) -> Iterator[list[Any]]:
    """Cut rows into lists of at most CHUNK, ending after `limit` rows."""
    left = iter(rows) if limit is None else islice(rows, limit)
    while part := list(islice(left, CHUNK)):
        yield part

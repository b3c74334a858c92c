"""The kinds of labels (one of several classes, a set of classes, a number) and their spelling."""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from wordtrace.errors import InputError

Kind = Literal["class", "set", "number"]
KINDS: tuple[Kind, ...] = get_args(Kind)

#: The one label of a language model's examples.
COMPLETION = "completion"

#: int64, shape (examples,), for classes; float32, shape (examples, outputs), for the other kinds.
Labels = npt.NDArray[Any]

_HIGHER, _LOWER = "higher", "lower"


@dataclass(frozen=True)
class Labelling:
    """Labels of one kind.

    Attributes
    ----------
    kind
        "class": each label is a place in `names`, -1 for none. "set": a row of 1 and 0 for each of
        `names`; NaN at one that is not asked about, all NaN for no label. "number": a row of one
        value; ±inf asks what makes the model's own value higher or lower, NaN is none.
    names
        The classes, in the order of the model's outputs; none for numbers.
    """

    kind: Kind
    names: tuple[str, ...]

    def given(self, labels: Labels) -> npt.NDArray[np.bool_]:
        """Tell which labels there are, bool, shape (examples,)."""
        if self.kind == "class":
            return np.asarray(labels >= 0)
        return np.asarray(~np.isnan(labels).all(axis=1))

    def none(self, count: int) -> Labels:
        """Return `count` labels that say nothing."""
        if self.kind == "class":
            return np.full(count, -1, np.int64)
        return np.full((count, len(self.names) if self.kind == "set" else 1), np.nan, np.float32)

    def one(self) -> Labels:
        """Return some label, to try things with."""
        return np.zeros(1, np.int64) if self.kind == "class" else np.ones_like(self.none(1))

    def filled(self, labels: Labels, predicted: Labels) -> Labels:
        """Put what the model predicts where no label is; of numbers, what makes it higher."""
        here = self.given(labels)
        if self.kind == "class":
            return np.where(here, labels, predicted)
        asked = np.full_like(labels, np.inf) if self.kind == "number" else predicted
        return np.where(here[:, None], labels, asked).astype(np.float32)

    def spell(self, label: Any) -> str:
        """Write one label, an element or a row of such an array."""
        if self.kind == "class":
            return self.names[int(label)]
        if self.kind == "number":
            value = np.float32(label[0])
            if np.isinf(value):
                return _HIGHER if value > 0 else _LOWER
            return str(value).removesuffix(".0")
        asked = np.flatnonzero(~np.isnan(label))
        if len(asked) == 1 < len(self.names):
            name = self.names[int(asked[0])]
            if label[asked[0]]:
                return _quoted(name) if name.startswith(('"', "{", 'not "')) else name
            unclear = name.startswith('"') or f"not {name}" in self.names
            return "not " + (_quoted(name) if unclear else name)
        there = [self.names[place] for place in asked if label[place]]
        return "{" + ", ".join(map(_in_set, there)) + "}"

    def spell_all(self, labels: Labels) -> list[str]:
        """Write many labels."""
        if self.kind == "class":
            return [self.names[place] for place in labels.tolist()]
        rows, places = np.unique(labels, axis=0, return_inverse=True)
        spelled = [self.spell(row) for row in rows]
        return [spelled[place] for place in places.ravel().tolist()]

    def parse(self, text: str) -> Any:
        """Read what :meth:`spell` writes: an element or a row of an array of labels.

        Raises
        ------
        InputError
            When it is no such label; says what there is.
        """
        if self.kind == "class":
            if text not in self.names:
                raise InputError(f"there is no label {text!r}; the run has {self._few()}.")
            return self.names.index(text)
        if self.kind == "number":
            return np.array([self._number(text)], np.float32)
        row = np.full(len(self.names), np.nan, np.float32)
        if text[:1] == "{" and text[-1:] == "}":
            row[:] = 0
            for name in _split(text[1:-1], self.names):
                row[self._place(name)] = 1
            return row
        # What is quoted is meant so; else a name as it is goes before one that is denied.
        rest = text.removeprefix("not ")
        for said, value in (
            (_unquoted(text), 1),
            (_unquoted(rest) if rest != text else None, 0),
            (text, 1),
            (rest, 0),
        ):
            if said in self.names:
                row[self.names.index(said)] = value
                break
        else:
            raise InputError(
                f"there is no label {text!r}; give one of {self._few()}, 'not NAME', or a whole "
                "set as '{A, B}'."
            )
        return row

    def parse_all(self, texts: Sequence[str | None]) -> Labels:
        """Read many; None is no label."""
        found = self.none(len(texts))
        for place, text in enumerate(texts):
            if text is not None:
                found[place] = self.parse(text)
        return found

    def codes(self, labels: Labels) -> npt.NDArray[np.int64]:
        """Number labels, equal ones alike, int64, shape (examples,)."""
        if self.kind == "class":
            return labels.astype(np.int64)
        return np.unique(labels, axis=0, return_inverse=True)[1].reshape(-1).astype(np.int64)

    def agree(self, rows: Labels, query: Any) -> npt.NDArray[np.bool_]:
        """Tell which rows have the query's label, as far as it asks, shape (rows,).

        A number has no opposite: all agree.
        """
        if self.kind == "class":
            return np.asarray(rows == query)
        if self.kind == "number":
            return np.ones(len(rows), bool)
        asked = ~np.isnan(query)
        return np.asarray((rows[:, asked] == query[asked]).all(axis=1))

    def translated(self, labels: Labels, into: Labelling, source: str) -> Labels:
        """Return labels of this kind as another labelling has them.

        Parameters
        ----------
        source
            Where they were read, for the message.

        Raises
        ------
        InputError
            For a label that it lacks, or labels of another kind.
        """
        given = self.given(labels)
        if self == into:
            return labels
        if self.kind != into.kind and given.any():
            raise InputError(
                f"{source} holds labels of the kind {self.kind!r}, the run was trained on "
                f"{into.kind!r}; read it with kind={into.kind!r}."
            )
        found = into.none(len(labels))
        if self.kind != into.kind or not given.any():
            return found
        if self.kind == "number":
            return labels
        used = labels[given]
        there = np.unique(used) if self.kind == "class" else np.flatnonzero((used == 1).any(axis=0))
        for place in there.tolist():
            if self.names[place] not in into.names:
                into.parse(self.names[place])  # says what there is
        places = [into.names.index(n) if n in into.names else -1 for n in self.names]
        if self.kind == "class":
            found[given] = np.array(places)[used]
            return found
        found[given] = 0
        for column, place in enumerate(places):
            if place >= 0:
                found[given, place] = used[:, column]
        return found

    def _place(self, name: str) -> int:
        if name not in self.names:
            raise InputError(f"there is no label {name!r}; the run has {self._few()}.")
        return self.names.index(name)

    def _few(self) -> str:
        return ", ".join(self.names[:20]) + (", …" if len(self.names) > 20 else "")

    @staticmethod
    def _number(text: str) -> float:
        if text in (_HIGHER, _LOWER):
            return math.inf if text == _HIGHER else -math.inf
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not np.isfinite(as_float32(value)):
            raise InputError(
                f"the label {text!r} is no number; give one, or 'higher' or 'lower' for what moves "
                "the model's own value."
            )
        return value


def as_float32(value: float) -> np.float32:
    """Return a number as labels keep it; infinity where it is too large for that."""
    with np.errstate(over="ignore"):
        return np.float32(value)


def _split(text: str, names: Sequence[str]) -> list[str]:
    """Split names at commas, quoted ones whole; a name with commas may also stand alone."""
    cut = next(csv.reader([text], skipinitialspace=True), [])
    parts = [part if part in names else part.strip() for part in cut if part.strip()]
    alone = not all(part in names for part in parts) and text.strip() in names
    return [text.strip()] if alone else parts


def _in_set(name: str) -> str:
    plain = not any(mark in name for mark in ',"{}\r\n') and name == name.strip()
    return name if plain else _quoted(name)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _unquoted(text: str) -> str | None:
    whole = len(text) > 1 and text[0] == text[-1] == '"'
    return text[1:-1].replace('""', '"') if whole else None

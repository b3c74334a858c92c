"""Reading the data of a training, by the columns that were named and by others."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Literal
from warnings import catch_warnings, simplefilter

from wordtrace.adopt.choices import Choices
from wordtrace.adopt.trainer_output import Expected
from wordtrace.data.examples import Examples
from wordtrace.data.labelling import Kind
from wordtrace.data.readers import column_names, read_examples
from wordtrace.errors import DataError, DataWarning, InputError

#: The columns of the text, the second text, the labels and the ids.
NamedColumns = tuple[str, str | None, str | Sequence[str], str | Literal[False] | None]
#: So many columns of a file are tried as labels.
_MOST = 50


@dataclass(frozen=True)
class TrainingData:
    """How the data of a training are read.

    Attributes
    ----------
    text, text2, label, id
        The columns; several of labels, one for each class; None where no label is read.
    label_names
        The classes of lists of them, in the model's order.
    kind
        The kind of the labels.
    """

    text: str
    text2: str | None
    label: str | tuple[str, ...] | None
    id: str | Literal[False] | None
    label_names: tuple[str, ...] | None
    kind: Kind

    @classmethod
    def of(
        cls,
        columns: NamedColumns,
        choices: Choices,
        expected: Expected,
    ) -> TrainingData:
        """Return how to read the data of a training.

        Parameters
        ----------
        columns
            Those of the text, the second text, the label and the id.
        """
        text, text2, named, id = columns
        kind: Kind = choices.kind or expected.kind or "class"
        label: str | tuple[str, ...] | None = named if isinstance(named, str) else tuple(named)
        if kind == "set" and isinstance(label, str):
            several = tuple(one.strip() for one in label.split(",") if one.strip())
            # The one score of a model is of one column of 0 and 1.
            label = several if len(several) > 1 or expected.one_score else label
        if expected.kind is None:
            label = None
        names = choices.label_names if kind == "set" and isinstance(label, str) else None
        return cls(text, text2, label, id, names, kind)

    @property
    def called(self) -> str:
        """What the labels are called in messages."""
        columns = (self.label,) if isinstance(self.label, str) else self.label or ()
        return ", ".join(f"`{one}`" for one in columns) or "the labels"

    def read(self, data: Any, split: str | None) -> Examples:
        """Read them (DataError); examples are returned as they are."""
        if isinstance(data, Examples):
            return data
        return read_examples(
            data,
            text=self.text,
            text2=self.text2,
            label=self.label,
            id=self.id,
            split=split,
            label_names=self.label_names,
            require_labels=self.label is not None,
            kind=self.kind,
        )

    def by_other_columns(self, data: Any, split: str | None) -> dict[str, Examples]:
        """Read them with each other column as the labels, as far as they hold such labels."""
        one_each = isinstance(self.label, str) or len(self.label or ()) == 1
        if isinstance(data, Examples) or self.label is None or not one_each:
            return {}
        found = {}
        known = {self.text, self.text2, self.id or "id", *self.label, self.label}
        for name in column_names(data, self.text, split)[:_MOST]:
            if name not in known:
                label = name if isinstance(self.label, str) else (name,)
                with suppress(InputError), catch_warnings():  # it holds no labels of this kind
                    simplefilter("ignore", DataWarning)
                    found[name] = replace(self, label=label).read(data, split)
        return found


def read_data(
    columns: NamedColumns,
    data: Any,
    split: str | None,
    choices: Choices,
    expected: Expected,
) -> tuple[TrainingData, Choices, Examples]:
    """Read the training's data.

    Where sentence-transformers says that the model's one score is a probability's, labels of 0 and
    1 are read as such, and not as numbers, unless the kind is given.

    Raises
    ------
    DataError
        When they can't be read.
    """
    if expected.sigmoid and choices.kind is None and not isinstance(data, Examples):
        pairs = replace(choices, kind="set")
        reader = TrainingData.of(columns, pairs, expected)
        try:
            return reader, pairs, reader.read(data, split)
        except DataError:
            pass  # other numbers, or what is wrong with the file either way
    reader = TrainingData.of(columns, choices, expected)
    return reader, choices, reader.read(data, split)

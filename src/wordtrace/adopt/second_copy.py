"""A second copy of the training data beside what the Trainer trains on: row by row the same."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from wordtrace.adopt.recorded_rows import differing
from wordtrace.adopt.trainer_rows import TrainerRows
from wordtrace.data.batches import Encoded
from wordtrace.data.examples import Examples
from wordtrace.errors import DataError
from wordtrace.models.protocol import TextTokenizer

_SHOWN = 60


def checked(
    data: Examples, trained: Examples, rows: TrainerRows, tokenizer: TextTokenizer
) -> Examples:
    """Return the data's texts and ids with the Trainer's labels, in the Trainer's order.

    Parameters
    ----------
    data
        What the user says the training data are.
    trained, rows
        What the Trainer trains on: as examples, and their token ids.

    Raises
    ------
    DataError
        For another number of rows, other tokens or other labels: names the first difference.
    """
    made = tokenizer.encode(data.texts, data.texts2, "Comparing rows")
    if rows.packed is not None:
        data, made = _in_packed_order(data, made, rows)
    if len(data) != len(trained):
        raise DataError(
            f"{data.source} has {len(data):,} rows, the Trainer trains on {len(trained):,}; give "
            "the data of this training, or none: the callback reads the Trainer's own."
        )
    for row in differing(made, rows.encoded, rows.labels is None):
        raise DataError(_difference(data, made, rows, tokenizer, row))
    labels = _labels_checked(data, trained) if rows.labels is not None else trained
    return Examples.of(
        data.table["text"],
        labels.labels,
        labels.label_names,
        ids=data.ids,
        texts2=data.table["text2"] if data.has_pairs else None,
        source=data.source,
        kind=trained.kind,
        origin=data.origin,
    )


def _difference(
    data: Examples, made: Encoded, rows: TrainerRows, tokenizer: TextTokenizer, row: int
) -> str:
    mine, theirs = made[row].tolist(), rows.encoded[row].tolist()
    where = f"{data.source}: row {row} ({data.ids[row]!r}) is not what the Trainer trains on: "
    last = "; give the data of this training, or none: the callback reads the Trainer's own."
    if mine == theirs:
        return f"{where}other tokens of it count in the loss{last}"
    at = next(
        (at for at, pair in enumerate(zip(mine, theirs, strict=False)) if pair[0] != pair[1]),
        min(len(mine), len(theirs)),
    )
    said = [
        repr(tokenizer.token(one[at])) if at < len(one) else "the end" for one in (mine, theirs)
    ]
    return (
        f"{where}its token {at} is {said[0]} and the Trainer's {said[1]} ({len(mine)} and "
        f"{len(theirs)} tokens in all; the text begins {data.texts[row][:_SHOWN]!r}){last}"
    )


def _in_packed_order(data: Examples, made: Encoded, rows: TrainerRows) -> tuple[Examples, Encoded]:
    """Find the rows of the data that were packed, in the packer's order, by their tokens."""
    places: dict[bytes, list[int]] = {}
    for row in reversed(range(len(made))):
        places.setdefault(made[row].tobytes(), []).append(row)
    order = []
    for row in range(len(rows.encoded)):
        found = places.get(rows.encoded[row].tobytes())
        if not found:
            raise DataError(
                f"{data.source} has no row with the tokens of example {row} of the packed "
                f"training (or not as often); it has {len(data):,} rows, the Trainer trains on "
                f"{len(rows.encoded):,} examples: give the data of this training, or none."
            )
        order.append(found.pop())
    chosen = np.array(order, np.int64)
    return data.take(chosen), made.take(chosen)


def _labels_checked(data: Examples, trained: Examples) -> Examples:
    """Return the Trainer's labels, called as the data's where the model has no names for them."""
    if data.kind != trained.kind:
        raise DataError(
            f"{data.source} has labels of the kind {data.kind!r}, the Trainer trains on "
            f"{trained.kind!r}."
        )
    if trained.kind != "class":
        return _values_checked(data, trained)
    mine, theirs = data.labels, trained.labels
    names, place = list(trained.label_names), _by_name(data.label_names, trained.label_names)
    # Names that the model does not have are matched by where they stand: the class beside which
    # a name first stands is the name's.
    numbered = names == [str(at) for at in range(len(names))]
    for at, name in enumerate(data.label_names):
        rows = np.flatnonzero(mine == at)
        if at not in place and len(rows):
            place[at] = int(theirs[rows[0]])
            if numbered:
                names[place[at]] = name
    called = np.array([place.get(int(one), -1) for one in mine], np.int64)
    if (called != theirs).any():
        raise DataError(_other_label(data, trained, int((called != theirs).argmax())))
    if len(set(names)) < len(names):
        names = list(trained.label_names)
    return Examples.of(trained.table["text"], theirs, names, ids=trained.ids, source=trained.source)


def _by_name(mine: Sequence[str], theirs: Sequence[str]) -> dict[int, int]:
    """Return the class of each of the data's labels that says it, by its name or its number."""
    numbers = {str(at): at for at in range(len(theirs))}
    known = {name: at for at, name in enumerate(theirs)}
    if set(mine) <= set(numbers) and not set(mine) & set(known):
        known = numbers
    return {at: known[name] for at, name in enumerate(mine) if name in known}


def _values_checked(data: Examples, trained: Examples) -> Examples:
    """Return the Trainer's sets of classes or numbers, if the data has the same."""
    mine, theirs = data.labels, trained.labels
    if mine.shape != theirs.shape:
        raise DataError(
            f"{data.source} has {mine.shape[1]} labels a row, the Trainer {theirs.shape[1]}."
        )
    place = _by_name(data.label_names, trained.label_names)
    if data.label_names and len(place) == len(data.label_names):
        mine = mine[:, np.argsort([place[at] for at in range(len(place))])]
    wrong = ~np.isclose(mine, theirs, equal_nan=True).all(axis=1)
    if wrong.any():
        raise DataError(_other_label(data, trained, int(wrong.argmax())))
    return trained


def _other_label(data: Examples, trained: Examples, row: int) -> str:
    mine = data.labelling.spell(data.labels[row])
    theirs = trained.labelling.spell(trained.labels[row])
    return (
        f"{data.source}: row {row} ({data.ids[row]!r}) has the label {mine!r}, the Trainer trains "
        f"on {theirs!r}; give the column of this training's labels, or no data: the callback "
        "reads the Trainer's own."
    )

"""Whether a data file holds a run's training rows, and where."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from wordtrace.adopt.recorded_rows import differing
from wordtrace.data.examples import Examples
from wordtrace.errors import MismatchError, option
from wordtrace.run.run import Run

Rows = npt.NDArray[np.int64]
_REMEDY = "give the file that the model was trained on"


@dataclass(frozen=True, eq=False)
class Placed:
    """Where a file holds a run's training rows.

    Attributes
    ----------
    rows
        int64, shape (examples,): the file's row of each training row.
    examples
        These rows of the file, in the run's order: their texts are the file's, where a run has its
        own read back from tokens.
    spelled
        How the file calls each class, by its place in the run's `label_names`.
    """

    rows: Rows
    examples: Examples
    spelled: dict[int, str]


def placed(run: Run, file: Examples) -> Placed:
    """Find a run's training rows in a file; it may hold the run's held-out rows, too.

    Rows are found by their ids; else by their places, where the file has as many; else by what they
    hold. Two texts are the same if the run's tokenizer makes the same tokens of them: a run that
    was recorded without its data has read its texts back from these.

    Raises
    ------
    MismatchError
        When the file lacks a row, has another one, or one with another text or label: names it.
    """
    rows = _rows(run, file)
    spelled = _check_labels(run, file, rows)
    _check_others(run, file, rows)
    return Placed(rows, file.take(rows), spelled)


def _rows(run: Run, file: Examples) -> Rows:
    train = run.train
    if train.has_pairs != file.has_pairs:
        raise MismatchError(
            f"{file.source} is read with {'two texts' if file.has_pairs else 'one text'} a row, "
            f"and the run was trained on {'two' if train.has_pairs else 'one'}; name the column by "
            f"{option('text2')}."
        )
    places = {id: row for row, id in enumerate(file.ids)}
    by_id = np.array([places.get(id, -1) for id in train.ids], np.int64)
    tried = [by_id] if (by_id >= 0).all() else []
    if len(file) == len(train):
        tried.append(np.arange(len(train), dtype=np.int64))
    others = []
    for rows in tried:
        row = _first_difference(run, file.take(rows))
        if row is None:
            return rows
        others.append((rows, row))
    if (found := _by_tokens(run, file)) is not None:
        return found
    if others:
        rows, row = others[0]
        mine, theirs = (_text(one, at) for one, at in ((train, row), (file, int(rows[row]))))
        raise MismatchError(
            f"{file.source}: the row {train.ids[row]!r} has the text {theirs!r}, the run was "
            f"trained on {mine!r}; {_REMEDY}."
        )
    id = train.ids[int((by_id < 0).argmax())]
    raise MismatchError(
        f"{file.source} has no row with the id {id!r}, which the run was trained on; {_REMEDY}, or "
        f"name its columns ({option('id')})."
    )


def _first_difference(run: Run, file: Examples) -> int | None:
    """Return the first training row that is not the one at its place; None where all are."""
    train = run.train
    other = np.array(
        [
            row
            for row, (mine, theirs) in enumerate(zip(_pairs(train), _pairs(file), strict=True))
            if mine != theirs
        ],
        np.int64,
    )
    if not len(other):
        return None
    some = file.take(other)
    made = run.tokenizer.encode(some.texts, some.texts2)
    first = next(differing(made, run.encoded.take(other), run.generates), None)
    return None if first is None else int(other[first])


def _by_tokens(run: Run, file: Examples) -> Rows | None:
    """Find each training row by its tokens; None where one is not there, or not as often."""
    made, encoded = run.tokenizer.encode(file.texts, file.texts2), run.encoded
    places: dict[bytes, list[int]] = {}
    for row in reversed(range(len(made))):
        places.setdefault(made[row].tobytes(), []).append(row)
    rows = np.full(len(encoded), -1, np.int64)
    for row in range(len(encoded)):
        if there := places.get(encoded[row].tobytes()):
            rows[row] = there.pop()
    return rows if (rows >= 0).all() else None


def _pairs(examples: Examples) -> list[tuple[str, str]]:
    return list(zip(examples.texts, examples.texts2 or examples.texts, strict=True))


def _text(examples: Examples, row: int) -> str:
    text = examples.texts[row]
    return f"{text[:40]}…" if len(text) > 40 else text


def _check_labels(run: Run, file: Examples, rows: Rows) -> dict[int, str]:
    """Compare the labels; return how the file calls the run's classes."""
    if run.generates:
        return {}
    mine, theirs = run.train.labels, file.labels[rows]
    if run.labelling.kind != "class":
        same = mine.shape == theirs.shape and _by_names(run, file, theirs, mine)
        if not same:
            raise MismatchError(f"{file.source} has other labels than the run; {_REMEDY}.")
        return {}
    called = _called(run, file)
    spelled: dict[int, str] = {}
    for row, (here, there) in enumerate(zip(mine.tolist(), theirs.tolist(), strict=True)):
        name = file.label_names[there] if there >= 0 else ""
        if called is None:
            fits = spelled.setdefault(here, name) == name
        else:
            fits = called.get(name) == here
            spelled.setdefault(here, name)
        if not fits:
            raise MismatchError(
                f"{file.source}: the row {run.train.ids[row]!r} has the label {name!r}, the run "
                f"was trained on {run.label_names[here]!r}; {_REMEDY}, or name its column "
                f"({option('label')})."
            )
    if len(set(spelled.values())) < len(spelled):
        raise MismatchError(f"{file.source} calls two of the run's classes alike; {_REMEDY}.")
    return spelled


def _called(run: Run, file: Examples) -> dict[str, int] | None:
    """Return the run's class of each of the file's, by name or by number; None: not known."""
    known = {name: at for at, name in enumerate(run.label_names)}
    if set(file.label_names) <= set(known):
        return known
    numbers = {str(at): at for at in range(len(known))}
    return numbers if set(file.label_names) <= set(numbers) else None


def _by_names(run: Run, file: Examples, theirs: npt.NDArray[Any], mine: npt.NDArray[Any]) -> bool:
    names = list(file.label_names)
    if names and sorted(names) == sorted(run.label_names):
        theirs = theirs[:, [names.index(name) for name in run.label_names]]
    return bool(np.allclose(mine, theirs, equal_nan=True))


def _check_others(run: Run, file: Examples, rows: Rows) -> None:
    """Refuse rows that the run did not have: the training would learn from them, too."""
    others = np.setdiff1d(np.arange(len(file)), rows)
    if not len(others):
        return
    held = run.held_out
    known = set() if held is None else set(_pairs(held))
    pairs = _pairs(file)
    for row in others.tolist():
        if pairs[row] not in known:
            raise MismatchError(
                f"{file.source} holds the row {file.ids[row]!r}, which is none of the run's; "
                f"{_REMEDY}, without other rows."
            )

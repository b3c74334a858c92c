"""Whether a data file holds a run's training rows, and where."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from wordtrace.data.examples import Examples
from wordtrace.errors import MismatchError, option
from wordtrace.run.run import Run

_REMEDY = "give the file that the model was trained on"


@dataclass(frozen=True, eq=False)
class Placed:
    """Where a file holds a run's training rows.

    Attributes
    ----------
    rows
        int64, shape (examples,): the file's row of each training row.
    spelled
        How the file calls each class, by its place in the run's `label_names`.
    """

    rows: npt.NDArray[np.int64]
    spelled: dict[int, str]


def placed(run: Run, file: Examples) -> Placed:
    """Find a run's training rows in a file; it may hold the run's held-out rows, too.

    Rows are found by their ids; where the ids are others, by their places, if all texts are the
    same in the same order.

    Raises
    ------
    MismatchError
        When the file lacks a row, has another one, or one with another text or label: names it.
    """
    train = run.train
    rows = _rows(train, file)
    _check_texts(train, file, rows)
    spelled = _check_labels(run, file, rows)
    _check_others(run, file, rows)
    return Placed(rows, spelled)


def _rows(train: Examples, file: Examples) -> npt.NDArray[np.int64]:
    places = {id: row for row, id in enumerate(file.ids)}
    rows = np.array([places.get(id, -1) for id in train.ids], np.int64)
    if (rows >= 0).all():
        return rows
    if len(file) == len(train) and file.texts == train.texts and file.texts2 == train.texts2:
        return np.arange(len(train), dtype=np.int64)
    id = train.ids[int((rows < 0).argmax())]
    raise MismatchError(
        f"{file.source} has no row with the id {id!r}, which the run was trained on; {_REMEDY}, or "
        f"name its columns ({option('id')})."
    )


def _check_texts(train: Examples, file: Examples, rows: npt.NDArray[np.int64]) -> None:
    same = file.take(rows)
    for mine, theirs in ((train.texts, same.texts), (train.texts2, same.texts2)):
        if mine == theirs:
            continue
        if mine is None or theirs is None:
            has = "one text" if theirs is None else "two texts"
            raise MismatchError(
                f"{file.source} is read with {has} a row, and the run was trained with "
                f"{'two' if theirs is None else 'one'}; name the column by {option('text2')}."
            )
        row = next(
            at for at, pair in enumerate(zip(mine, theirs, strict=True)) if pair[0] != pair[1]
        )
        raise MismatchError(
            f"{file.source}: the row {train.ids[row]!r} has the text {_short(theirs[row])!r}, the "
            f"run was trained on {_short(mine[row])!r}; {_REMEDY}."
        )


def _check_labels(run: Run, file: Examples, rows: npt.NDArray[np.int64]) -> dict[int, str]:
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


def _check_others(run: Run, file: Examples, rows: npt.NDArray[np.int64]) -> None:
    """Refuse rows that the run did not have: the training would learn from them, too."""
    others = np.setdiff1d(np.arange(len(file)), rows)
    if not len(others):
        return
    held = run.held_out
    known = set() if held is None else set(zip(held.texts, held.texts2 or held.texts, strict=True))
    texts2 = file.texts2 or file.texts
    for row in others.tolist():
        if (file.texts[row], texts2[row]) not in known:
            raise MismatchError(
                f"{file.source} holds the row {file.ids[row]!r}, which is none of the run's; "
                f"{_REMEDY}, without other rows."
            )


def _short(text: str) -> str:
    return f"{text[:40]}…" if len(text) > 40 else text

"""The training file that a foreign training is given: a run's rows, with a change.

It is the user's own file, of the same format and order, in which only the changed rows differ; or,
where there is none, a folder of ``datasets`` made from the run's rows.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from wordtrace.data.origin import Origin
from wordtrace.data.readers import read_again
from wordtrace.data.rewrite import file_kind, rewrite
from wordtrace.data.rewrite_text import RowChange
from wordtrace.data.without_words import Span, without
from wordtrace.disk import fingerprint
from wordtrace.errors import InputError, MismatchError, option
from wordtrace.retrainers.retrainer import Change
from wordtrace.retrainers.same_rows import Placed, placed
from wordtrace.run.run import Run


@dataclass(frozen=True)
class TrainingFile:
    """A file, or a folder of ``datasets``, that holds a run's training rows.

    Attributes
    ----------
    origin
        Its place and columns.
    fingerprint
        Of its content.
    own
        Whether it was made of the run's rows (:mod:`.own_rows`), so that it holds just these.
    """

    origin: Origin
    fingerprint: str
    own: bool = False

    @property
    def path(self) -> Path:
        """Its place."""
        assert self.origin.path is not None
        return Path(self.origin.path)

    def name(self) -> str:
        """Return a name for a copy of it, which ends as it does."""
        return "data" if self.path.is_dir() else "data" + "".join(file_kind(self.path))

    def write(self, run: Run, change: Change, target: Path) -> None:
        """Write a copy with a change: rows without weight are left out, others as changed.

        Raises
        ------
        InputError
            For a change that a file can't hold, such as another weight than 0 and 1.
        MismatchError
            When the file is not what it was.
        """
        _remove(target)
        try:
            found = placed_in(run, self, _signature(self.path))
        except FileNotFoundError:
            raise MismatchError(
                f"{self.path} is gone, on which models are trained; put it back."
            ) from None
        changes = _changes(run, change, self.origin, found)
        if changes:
            rewrite(
                self.path,
                target,
                changes,
                split=self.origin.split,
                label=self.origin.label if isinstance(self.origin.label, str) else None,
            )
        elif self.path.is_dir():
            shutil.copytree(self.path, target)
        else:
            shutil.copyfile(self.path, target)


def given_file(run: Run, data: str | Path, columns: Mapping[str, Any]) -> TrainingFile:
    """Return a file that the user named, once it is known to hold the run's training rows.

    Parameters
    ----------
    columns
        Those that the user named, of :class:`.Origin`'s; the others are the run's own.

    Raises
    ------
    InputError
        When it can't be read, or a row of it is not the run's.
    """
    path = os.path.abspath(data)
    if not Path(path).exists():
        raise InputError(f"{option('data', str(data))} does not exist; give the training file.")
    named = {name: one for name, one in columns.items() if one is not None}
    origin = replace(_columns_of(run, named), path=path)
    found = TrainingFile(origin, content_of(Path(path)))
    placed_in(run, found, _signature(Path(path)))
    return found


def recorded_file(run: Run) -> TrainingFile | None:
    """Return the file that the run was read from; None where none is known, or it is gone.

    Raises
    ------
    InputError
        When it does not hold the run's rows any more.
    """
    origin = run.manifest.read_from
    if origin is None or origin.path is None or not Path(origin.path).exists():
        return None
    found = TrainingFile(origin, content_of(Path(origin.path)))
    placed_in(run, found, _signature(Path(origin.path)))
    return found


@lru_cache(maxsize=2)
def placed_in(run: Run, file: TrainingFile, signature: tuple[int, int]) -> Placed:
    """Return where a file holds a run's rows; read once in a process while it does not change.

    Raises
    ------
    InputError
        When a row is not the run's.
    MismatchError
        When the file changed since its fingerprint was taken.
    """
    del signature
    if file.own:
        rows = np.arange(len(run.train))
        return Placed(rows, run.train, dict(enumerate(run.label_names)))
    if content_of(file.path) != file.fingerprint:
        raise MismatchError(
            f"{file.path} changed while models were trained on it; put it back, or start anew."
        )
    # Lists of numbers are classes in the run's order; columns have names of their own.
    listed = file.origin.kind == "set" and isinstance(file.origin.label, str)
    return placed(run, read_again(file.origin, run.label_names if listed else None))


def _columns_of(run: Run, named: Mapping[str, Any]) -> Origin:
    """Return how a file is read: as the run was, but for the columns that are named."""
    own = run.manifest.read_from
    if run.generates:
        texts = [named[one] for one in ("text", "text2") if one in named]
        forms = tuple(texts) if texts else (own.forms if own else None) or ()
        rest = {name: one for name, one in named.items() if name in ("id", "split")}
        start = own or Origin("text", None, None, None)
        return replace(start, **rest, label=None, forms=forms, **_texts_of(forms, start))
    start = own or Origin(
        "text", "text2" if run.has_pairs else None, "label", None, kind=run.labelling.kind
    )
    label = named.get("label", start.label)
    if run.labelling.kind == "set" and isinstance(label, str) and "," in label:
        label = tuple(one.strip() for one in label.split(",") if one.strip())
    return replace(start, **{**named, "label": label}, kind=run.labelling.kind, forms=None)


def _texts_of(forms: tuple[str, ...], start: Origin) -> dict[str, Any]:
    if not forms:
        return {"text": start.text, "text2": start.text2}
    return {"text": forms[0], "text2": forms[1] if len(forms) > 1 else None}


def _changes(run: Run, change: Change, origin: Origin, found: Placed) -> dict[int, RowChange]:
    """Return what changes in a file, by its own row numbers."""
    weights = np.asarray(change.weights)
    if not np.isin(weights, (0, 1)).all():
        raise InputError(
            "a training file holds a row or does not; weights other than 0 and 1 are for the "
            "run's own training."
        )
    changes: dict[int, RowChange] = {
        int(found.rows[row]): None for row in np.flatnonzero(weights == 0)
    }
    edits: dict[int, dict[str, str]] = {}
    for row in _relabelled(run, change):
        edits.setdefault(row, {}).update(_label(run, change, origin, found, row))
    for row, spans in _blanked(run, change, found).items():
        edits.setdefault(row, {}).update(_texts(run, origin, found, row, spans))
    for row, values in edits.items():
        changes.setdefault(int(found.rows[row]), values)
    return changes


def _relabelled(run: Run, change: Change) -> list[int]:
    before, after = run.train.labels, np.asarray(change.labels)
    same = before == after
    if before.dtype.kind == "f":
        same |= np.isnan(before) & np.isnan(after)
    rows = np.flatnonzero(~(same if same.ndim == 1 else same.all(axis=1)))
    found: list[int] = rows.tolist()
    return found


def _label(run: Run, change: Change, origin: Origin, found: Placed, row: int) -> dict[str, str]:
    if run.labelling.kind == "set" and isinstance(origin.label, tuple):
        order = [run.label_names.index(name) for name in found.examples.label_names]
        values = change.labels[row][order]
        return {name: str(int(value)) for name, value in zip(origin.label, values, strict=True)}
    if run.labelling.kind != "class":
        raise InputError(
            "in a training file, the labels of a row are changed where it has one class, or a "
            "column of 0 and 1 for each of its classes; remove rows instead."
        )
    label = int(change.labels[row])
    if label not in found.spelled or not isinstance(origin.label, str):
        raise InputError(
            f"no row of the training file has the label {run.label_names[label]!r}, so how it is "
            "written there is not known; relabel to one of the others."
        )
    return {origin.label: found.spelled[label]}


def _blanked(run: Run, change: Change, found: Placed) -> dict[int, list[Span]]:
    """Return the spans of the blanked words in the file's texts, by the places of their tokens."""
    by_row: dict[int, list[int]] = {}
    for row, position in change.blanked:
        by_row.setdefault(row, []).append(position)
    spans = {}
    for row, places in by_row.items():
        own, theirs = run.train.take([row]), found.examples.take([row])
        if (own.texts, own.texts2) == (theirs.texts, theirs.texts2):
            (tokens,) = run.positions(own)
        else:  # the same tokens, found where the file has them
            (tokens,) = run.tokenizer.positions(theirs.texts, theirs.texts2)
        some = [span for at in places if (span := tokens[at].span) is not None]
        if some:
            spans[row] = some
    return spans


def _texts(run: Run, origin: Origin, found: Placed, row: int, spans: list[Span]) -> dict[str, str]:
    """Return a row's texts without some words, by the columns of the file."""
    if run.chats:
        raise InputError("words of a conversation can't be taken out of its messages; remove rows.")
    columns = {"text": origin.text, "text2": origin.text2}
    if origin.forms == ():  # found by the names that TRL gives them
        columns = {"text": "prompt", "text2": "completion"} if run.has_pairs else {"text": "text"}
    texts = {"text": found.examples.texts[row]}
    if found.examples.texts2 is not None:
        texts["text2"] = found.examples.texts2[row]
    changed = {}
    for field in sorted({field for field, _, _ in spans}):
        column = columns.get(field)
        assert column is not None
        changed[column] = without(texts[field], field, _merged(spans, field))
    return changed


def _merged(spans: list[Span], field: str) -> list[Span]:
    """Join the pieces of a word, so that the space before it goes with it once."""
    found: list[Span] = []
    for _, start, end in sorted({span for span in spans if span[0] == field}):
        if found and start <= found[-1][2]:
            found[-1] = (field, found[-1][1], max(end, found[-1][2]))
        else:
            found.append((field, start, end))
    return found


def content_of(path: Path) -> str:
    """Return the fingerprint of a file's bytes, or of a folder's files and their names."""
    if not path.is_dir():
        return fingerprint.of_file(path)
    return fingerprint.of_document(
        {
            one.relative_to(path).as_posix(): fingerprint.of_file(one)
            for one in sorted(path.rglob("*"))
            if one.is_file()
        }
    )


def _signature(path: Path) -> tuple[int, int]:
    """Return what tells cheaply that a file is as it was; a folder's own entry changes as well."""
    found = path.stat()
    return found.st_mtime_ns, found.st_size


def _remove(target: Path) -> None:
    if target.is_dir():
        shutil.rmtree(target)
    target.unlink(missing_ok=True)

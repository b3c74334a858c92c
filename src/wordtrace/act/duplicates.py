"""Training rows whose texts are the same, or differ in a few words."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from wordtrace.act.duplicate_groups import duplicate_groups
from wordtrace.act.duplicates_result import DuplicateGroup, DuplicateRow, Duplicates, Span
from wordtrace.act.word_sets import WORD
from wordtrace.errors import InputError, option
from wordtrace.index.folder import IndexFolder
from wordtrace.run.run import Run

#: Texts of more words are not compared in their order: it would take too long.
_LONG = 2000

Texts = tuple[str, ...]


def duplicates(
    index: IndexFolder, run: Run, *, threshold: float = 0.8, top: int | None = 20
) -> Duplicates:
    """Group the rows whose texts are the same or share most of their words.

    Two rows belong together when their words, each as often as it stands there, have a Jaccard
    similarity of at least `threshold`: |x ∩ y| / |x ∪ y|. A group holds all rows that are connected
    by such pairs. Every pair is found (:mod:`.similar_sets`); nothing is drawn at random.

    Parameters
    ----------
    threshold
        0.8: of 18 words, 2 may be others. 1: the same words, in whatever order and case.
    top
        How many groups to list, those first whose labels differ; None for all.

    Raises
    ------
    InputError
        For a threshold that is not over 0.3 and up to 1, or a `top` below 1.
    """
    if top is not None and top < 1:
        raise InputError(f"{option('top')} is {top}; it must be at least 1.")
    found = duplicate_groups(index, run, threshold)
    rows, like = (found.table[name].combine_chunks().flatten() for name in ("rows", "like"))
    return Duplicates(
        index=str(index.path),
        threshold=threshold,
        examples=index.count,
        found=len(found.table),
        rows=len(rows),
        differ=int(np.sum(found.table["differ"].to_numpy())),
        spare=int(np.sum(rows.to_numpy() != like.to_numpy())),
        complete=found.complete,
        groups=described(index, run, found.table if top is None else found.table.slice(0, top)),
        misread=run.misread,
    )


def described(
    index: IndexFolder, run: Run, groups: pa.Table, most: int | None = None
) -> tuple[DuplicateGroup, ...]:
    """Read the texts of some groups, and mark the words by which they differ.

    Parameters
    ----------
    groups
        Some rows of :attr:`.DuplicateGroups.table`.
    most
        How many rows of a group to read at most; its count and labels are of all of them.
    """
    listed = groups.to_pylist()
    for group in listed:
        group["shown"] = group["rows"][:most]
    wanted = {row for group in listed for row in group["shown"]}
    wanted |= {row for group in listed for row in group["like"][: len(group["shown"])]}
    rows = _Rows(index, run, sorted(wanted)) if wanted else None
    return () if rows is None else tuple(_group(rows, run, group) for group in listed)


class _Rows:
    """What is known of some rows."""

    def __init__(self, index: IndexFolder, run: Run, rows: list[int]) -> None:
        self._place = {row: place for place, row in enumerate(rows)}
        self._examples = index.take(np.array(rows, np.int64), run)
        self._table = index.table

    def id(self, row: int) -> str:
        return self._examples.ids[self._place[row]]

    def texts(self, row: int) -> Texts:
        place, more = self._place[row], self._examples.texts2
        return (self._examples.texts[place], *((more[place],) if more else ()))

    def column(self, name: str, rows: Sequence[int]) -> list[str]:
        return [str(one) for one in self._table[name].take(pa.array(rows)).to_pylist()]


def _group(rows: _Rows, run: Run, group: dict[str, Any]) -> DuplicateGroup:
    shown, like = group["shown"], dict(zip(group["rows"], group["like"], strict=True))
    close = dict(zip(group["rows"], group["similarity"], strict=True))
    # A row that is kept is compared with the first row that it stands for.
    beside = {like[row]: row for row in reversed(shown) if like[row] != row}
    given = rows.column("label", group["rows"])
    said = rows.column("predicted_final", group["rows"])
    predicted = dict(zip(group["rows"], said, strict=True))
    label = dict(zip(group["rows"], given, strict=True))
    members = tuple(
        DuplicateRow(
            id=rows.id(row),
            label=label[row],
            predicted=predicted[row],
            text=rows.texts(row)[0],
            text2=rows.texts(row)[1] if len(rows.texts(row)) > 1 else None,
            like=None if like[row] == row else rows.id(like[row]),
            similarity=close[row],
            differing=_differing(
                rows.texts(row), rows.texts(beside.get(row, row) if like[row] == row else like[row])
            ),
        )
        for row in shown
    )
    proposed = None
    if group["differ"] and run.labelling.kind != "number":
        proposed = _proposed(Counter(given), Counter(said))
    return DuplicateGroup(
        count=len(group["rows"]),
        labels=tuple(Counter(given).most_common()),
        same=min(group["similarity"]) == 1
        and len({_spelled(rows.texts(row)) for row in shown}) == 1,
        words=tuple(group["words"]),
        advice="remove" if not group["differ"] else "relabel" if proposed else "review",
        proposed=proposed,
        rows=members,
    )


def _proposed(given: Counter[str], said: Counter[str]) -> str | None:
    """Return the label of most rows; of equally frequent ones, what the model says more often."""
    most = max(given.values())
    best = [label for label, count in given.items() if count == most]
    if len(best) == 1:
        return best[0]
    votes = sorted(((said[label], label) for label in best), reverse=True)
    return votes[0][1] if votes[0][0] > votes[1][0] else None


def _spelled(texts: Texts) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(word.casefold() for word in WORD.findall(text)) for text in texts)


def _differing(texts: Texts, others: Texts) -> tuple[Span, ...]:
    """Return where words stand in a row's texts that the other row has not at that place."""
    found: list[Span] = []
    for field, text, other in zip(("text", "text2"), texts, others, strict=False):
        if text == other:
            continue
        words = [(one.group().casefold(), one.start(), one.end()) for one in WORD.finditer(text)]
        theirs = [word.casefold() for word in WORD.findall(other)]
        for first, last in _apart([word for word, _, _ in words], theirs):
            found.append((field, words[first][1], words[last - 1][2]))
    return tuple(found)


def _apart(words: list[str], others: list[str]) -> Iterator[tuple[int, int]]:
    """Yield the stretches of words that the others lack."""
    if max(len(words), len(others)) > _LONG:
        known = set(others)
        yield from ((at, at + 1) for at, word in enumerate(words) if word not in known)
        return
    compared = difflib.SequenceMatcher(None, words, others, autojunk=False)
    for kind, first, last, _, _ in compared.get_opcodes():
        if kind != "equal" and first < last:
            yield first, last

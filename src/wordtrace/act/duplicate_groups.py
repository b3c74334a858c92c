"""Which rows belong together because their texts are nearly the same: numbers, no texts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from wordtrace.act.set_similarity import similarity
from wordtrace.act.similar_sets import alike
from wordtrace.act.word_sets import WordSets, word_sets
from wordtrace.errors import InputError, option
from wordtrace.execute.progress import track
from wordtrace.index.folder import IndexFolder
from wordtrace.run.run import Run

Numbers = npt.NDArray[np.int64]

_WORDS = 6
#: Rows of a group that may be kept because they are too unlike the others that are kept.
_KEPT = 200


@dataclass(frozen=True)
class DuplicateGroups:
    """The groups of an index's rows.

    Attributes
    ----------
    table
        A pyarrow table with a row for each group, those first whose labels differ, then the larger
        ones. Columns: `rows`, the index's rows, rising; `like`, for each of them the row that is
        kept in its place, itself where it is kept; `similarity` to that row; `differ`, whether the
        labels differ; `words`, the rarest words that all its rows share.
    complete
        Whether every pair of similar rows was found.
    """

    table: pa.Table
    complete: bool


def duplicate_groups(index: IndexFolder, run: Run, threshold: float = 0.8) -> DuplicateGroups:
    """Group the rows whose words have a Jaccard similarity of at least `threshold`.

    Raises
    ------
    InputError
        For a threshold that is not over 0.3 and up to 1.
    """
    if not 0.3 < threshold <= 1:
        raise InputError(
            f"{option('threshold')} is {threshold}; give a similarity over 0.3, up to 1."
        )
    live = np.setdiff1d(np.arange(index.manifest.examples), index.removed)
    fields = index.strings(run)
    sets = word_sets([field.take(live) for field in fields] if len(index.removed) else fields)
    with track("Near-duplicates", len(live), "texts") as advance:
        joined = alike(sets.element, sets.offsets, threshold, advance)
    often = np.bincount(joined.group, minlength=len(sets))
    members = np.flatnonzero(often[joined.group] > 1)
    members = members[np.argsort(joined.group[members], kind="stable")]
    number = np.unique(joined.group[members], return_inverse=True)[1]
    count = np.bincount(number)
    label = _numbered(index.table["label"])[live[members]]
    differ = _differ(number, label, len(count))
    order = np.lexsort((np.arange(len(count)), -count, ~differ))
    place = np.empty(len(count), np.int64)
    place[order] = np.arange(len(count))
    by_group = np.argsort(place[number], kind="stable")
    members, offsets = members[by_group], np.concatenate([[0], np.cumsum(count[order])])
    like, close = _kept(sets, members, offsets, threshold)
    words, word_offsets = _shared(sets, members, offsets)
    table = pa.table(
        {
            "rows": pa.ListArray.from_arrays(offsets.astype(np.int32), live[members]),
            "like": pa.ListArray.from_arrays(offsets.astype(np.int32), live[like]),
            "similarity": pa.ListArray.from_arrays(offsets.astype(np.int32), close),
            "differ": differ[order],
            "words": pa.ListArray.from_arrays(
                word_offsets.astype(np.int32), pa.array(sets.names(words), pa.large_string())
            ),
        }
    )
    return DuplicateGroups(table, joined.complete)


def _numbered(labels: pa.ChunkedArray) -> Numbers:
    found = labels.cast(pa.string()).combine_chunks().dictionary_encode().indices
    numbers: Numbers = found.to_numpy().astype(np.int64)
    return numbers


def _differ(number: Numbers, label: Numbers, groups: int) -> npt.NDArray[np.bool_]:
    least, most = np.full(groups, np.iinfo(np.int64).max), np.full(groups, -1)
    np.minimum.at(least, number, label)
    np.maximum.at(most, number, label)
    return least < most


def _kept(
    sets: WordSets, members: Numbers, offsets: Numbers, threshold: float
) -> tuple[Numbers, npt.NDArray[np.float64]]:
    """Return for each row the one that is kept in its place, and how similar the two are.

    The first row of a group is kept, and stands for those that are similar to it; then the first of
    the others, until each row is kept or similar to one that is.
    """
    like, close = members.copy(), np.ones(len(members))
    number = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    left = np.arange(len(members))
    for _ in range(_KEPT):
        if not len(left):
            break
        begin = np.diff(number[left], prepend=-1) != 0
        leader = left[begin][np.cumsum(begin) - 1]
        found = similarity(sets.element, sets.offsets, members[left], members[leader])
        near = (found >= threshold - 1e-9) | begin
        like[left[near]], close[left[near]] = members[leader[near]], found[near]
        left = left[~near]
    return like, close


def _shared(sets: WordSets, members: Numbers, offsets: Numbers) -> tuple[Numbers, Numbers]:
    """Return the rarest elements that all rows of a group share, and where each group's begin."""
    groups = len(offsets) - 1
    sizes = sets.sizes[members]
    number = np.repeat(np.repeat(np.arange(groups), np.diff(offsets)), sizes)
    places = np.arange(int(sizes.sum())) + np.repeat(
        sets.offsets[members] - np.cumsum(sizes) + sizes, sizes
    )
    key, often = np.unique((number << 32) | sets.element[places], return_counts=True)
    group = key >> 32
    everywhere = often == np.diff(offsets)[group]
    key, group = key[everywhere], group[everywhere]
    first = np.searchsorted(group, group)
    key = key[np.arange(len(key)) - first < _WORDS]
    ends = np.searchsorted(key >> 32, np.arange(groups), "right")
    return key & 0xFFFFFFFF, np.concatenate([[0], ends])

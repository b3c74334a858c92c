"""What a removal is compared with, for each kind of label."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wordtrace.data.labelling import Labelling
from wordtrace.errors import InputError
from wordtrace.verification.removal import Pool, alike_rows, label_rows, pool_of, random_rows

ROWS = 120
SETS = Labelling("set", ("toxic", "rude", "spam"))
NUMBERS = Labelling("number", ())


def sets(seed: int) -> Pool:
    """Three classes of which one is rare: a few of the eight sets are too."""
    drawn = np.random.default_rng(seed).random((ROWS, 3)) < (0.5, 0.3, 0.03)
    labels = drawn.astype(np.float32)
    labels[:4] = [[0, 0, 1], [0, 0, 1], [1, 1, 1], [0, 1, 0]]
    return Pool(SETS, labels, SETS.codes(labels), sparing=True)


class FakeRun:
    """What :func:`pool_of` reads of a run."""

    def __init__(self, labelling: Labelling, labels: Any, lengths: Any = None) -> None:
        self.labelling, self.train = labelling, SimpleNamespace(labels=labels)
        self.generates, self.encoded = lengths is not None, SimpleNamespace(lengths=lengths)


@settings(max_examples=60)
@given(st.integers(0, 10**6), st.integers(1, 25))
def test_rows_of_the_same_sets_are_drawn_where_there_are_enough(seed: int, count: int) -> None:
    pool = sets(seed % 7)
    removed = tuple(np.random.default_rng(seed).choice(ROWS, count, replace=False).tolist())
    removed = tuple(sorted(removed))
    if pool.empties(removed):
        return
    rows = alike_rows(pool, removed, seed)
    assert rows == alike_rows(pool, removed, seed)
    assert len(set(rows)) == count
    assert rows != removed
    assert not pool.empties(rows)
    of_all, of_removed, drawn = (
        np.bincount(pool.alike[list(some)], minlength=8) for some in (range(ROWS), removed, rows)
    )
    plenty = of_all >= 2 * of_removed
    if plenty.all():
        np.testing.assert_array_equal(drawn, of_removed)
    elif not np.array_equal(rows, random_rows(pool, count, seed, removed)):
        # The rest is random, so that it may add to any.
        assert (drawn[plenty] >= of_removed[plenty]).all()


def test_other_random_rows_take_the_place_of_a_rare_set() -> None:
    """Two of three rows of a set are removed: as many rows of it would be nearly the same rows."""
    labels = np.zeros((ROWS, 3), np.float32)
    labels[:3] = [1, 1, 0]
    labels[3:60, 1] = 1
    labels[60:70, 0] = 1
    pool = Pool(SETS, labels, SETS.codes(labels), sparing=True)
    drawn = [set(alike_rows(pool, (0, 1), seed)) for seed in range(50)]
    assert sum(rows <= {0, 1, 2} for rows in drawn) < 3
    assert len(set.union(*drawn)) > 40
    # Of the two others, half of whose kind are left, as many are drawn.
    mixed = alike_rows(pool, (0, 1, 60, 61), 3)
    assert len(set(mixed) & set(range(60, 70))) >= 2


@settings(max_examples=60)
@given(st.integers(0, 10**6), st.integers(1, ROWS - 8))
def test_random_rows_keep_a_row_of_each_class_of_the_sets(seed: int, count: int) -> None:
    pool = sets(seed % 7)
    try:
        rows = random_rows(pool, count, seed)
    except InputError:
        return
    assert len(set(rows)) == count
    there = pool.labels.sum(0)
    assert (np.delete(pool.labels, rows, 0).sum(0)[there > 0] > 0).all()
    assert rows == random_rows(pool, count, seed, (1, 2))


def test_a_control_is_never_just_the_rows_removed() -> None:
    labels = np.array([0, 0, 1, 1])
    pool = Pool(Labelling("class", ("a", "b")), labels, labels)
    for seed in range(40):
        for removed in ((0,), (0, 2)):
            for rows in (alike_rows(pool, removed, seed), random_rows(pool, 1, seed, (0,))):
                assert rows != removed
                assert not pool.empties(rows)


def test_numbers_are_alike_by_tenths_and_answers_by_their_lengths() -> None:
    values = np.random.default_rng(3).permutation(ROWS).astype(np.float32)
    pool = pool_of(FakeRun(NUMBERS, values[:, None]))  # type: ignore[arg-type]
    assert pool.control == "similar numbers"
    removed = tuple(sorted(np.flatnonzero((values >= 60) & (values < 66)).tolist()))
    for seed in range(20):
        rows = alike_rows(pool, removed, seed)
        assert len(rows) == 6
        assert all(60 <= value < 72 for value in values[list(rows)])
    answers = Labelling("class", ("completion",))
    lengths = np.repeat([5, 50], ROWS // 2)
    pool = pool_of(FakeRun(answers, np.zeros(ROWS, np.int64), lengths))  # type: ignore[arg-type]
    assert pool.control == "similar lengths"
    rows = alike_rows(pool, (0, 3, 70), 1)
    assert np.sort(lengths[list(rows)]).tolist() == [5, 5, 50]


def test_nothing_is_all_that_may_not_be_left_of_numbers() -> None:
    pool = Pool(NUMBERS, np.ones((5, 1), np.float32), np.zeros(5, np.int64), "similar numbers")
    pool.refuse_empty(range(4))
    with pytest.raises(InputError, match="removing 5 rows would leave no examples; give a smaller"):
        pool.refuse_empty(range(5))


def test_rows_of_a_label_are_those_that_have_what_it_asks() -> None:
    pool = sets(0)
    toxic = SETS.parse("toxic")
    for count in (1, 20):
        rows = label_rows(pool, toxic, count, 5)
        assert rows is not None
        assert len(set(rows)) == count
        assert (pool.labels[list(rows), 0] == 1).all()
    assert label_rows(pool, toxic, ROWS, 5) is None
    assert label_rows(Pool(NUMBERS, np.ones((5, 1)), np.zeros(5, int)), [np.inf], 1, 5) is None

"""Random halves of the training rows, half of each class."""

from __future__ import annotations

import numpy as np
import pytest

from tests.pools import of_classes
from wordtrace.data.labelling import Labelling
from wordtrace.errors import InputError
from wordtrace.evaluation.halves import draw
from wordtrace.verification.removal import Pool, tenths


def test_each_half_has_half_of_each_class() -> None:
    """Of classes with an odd number of rows one more, in each half; which one it is, is drawn."""
    labels = np.repeat([0, 1, 2, 3], [20, 11, 7, 5])
    halves = draw(of_classes(labels), 30, 0)
    counts = halves.counts()
    assert (counts == [10, 6, 4, 3]).all()
    assert len({one.tobytes() for one in halves.kept}) == 30
    kept = halves.kept.mean(0)  # each row in about half of the halves
    assert kept.min() > 0.1
    assert kept.max() < 0.9


def test_plain_halves_differ_in_their_classes() -> None:
    labels = np.repeat([0, 1], [40, 40])
    halves = draw(of_classes(labels), 30, 0, stratified=False)
    assert set(halves.kept.sum(1).tolist()) == {40}
    assert halves.counts()[:, 0].std() > 1


def test_more_halves_begin_with_those_of_fewer() -> None:
    pool = of_classes(np.repeat([0, 1], [30, 31]))
    np.testing.assert_array_equal(draw(pool, 20, 3).kept[:8], draw(pool, 8, 3).kept)
    assert (draw(pool, 8, 4).kept != draw(pool, 8, 3).kept).any()


@pytest.mark.parametrize("stratified", [True, False])
def test_no_half_lacks_a_class(stratified: bool) -> None:
    labels = np.array([0] * 30 + [1] + [2, 2, 3, 3])
    pool = of_classes(labels)
    halves = draw(pool, 40, 0, stratified=stratified)
    assert halves.kept[:, 30].all()
    assert all(set(labels[one]) == {0, 1, 2, 3} for one in halves.kept)


def test_numbers_and_sets_are_halved_by_what_is_alike() -> None:
    numbers = np.random.default_rng(0).gamma(2, size=(60, 1)).astype(np.float32)
    pool = Pool(
        Labelling("number", ()), numbers, tenths(numbers[:, 0]), "similar numbers", sparing=True
    )
    halves = draw(pool, 10, 0)
    assert halves.by == "tenth of the numbers"
    assert (halves.counts() == 3).all()
    labelling = Labelling("set", ("a", "b"))
    sets = np.array([[1, 0]] * 8 + [[1, 1]] * 3 + [[0, 0]] * 6 + [[0, 1]], np.float32)
    halves = draw(Pool(labelling, sets, labelling.codes(sets), sparing=True), 10, 0)
    assert halves.by == "set of labels"
    counts = halves.counts()  # of {}, {b}, {a}, {a, b}
    assert (counts[:, [0, 2]] == [3, 4]).all()
    assert np.abs(2 * counts[:, [1, 3]] - [1, 3]).max() == 1
    assert (halves.kept.sum(1) == 9).all()


def test_halves_that_can_not_be_drawn_are_told() -> None:
    pool = of_classes(np.arange(40).repeat(2))
    with pytest.raises(InputError, match=r"lds is 79; plain halves of 40 groups .* need 80 at"):
        draw(pool, 79, 0, stratified=False)
    with pytest.raises(InputError, match=r"in 1,000 draws no half of the 80 training rows had a"):
        draw(pool, 80, 0, stratified=False)
    assert len(draw(pool, 3, 0)) == 3

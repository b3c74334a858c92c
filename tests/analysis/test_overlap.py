"""Overlap, recurrence and rank correlation against sets, loops, simulation and SciPy."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy.stats import spearmanr

from wordtrace.analysis.correlation import spearman
from wordtrace.analysis.overlap import overlap, overlap_of
from wordtrace.analysis.tops import Tops, distinct_by_chance, most_by_chance, share, share_across
from wordtrace.cli.overlap import split_names
from wordtrace.errors import InputError, NumericalError

QUERIES, EXAMPLES = 6, 40


def matrix(seed: int, shape: tuple[int, int] = (QUERIES, EXAMPLES)) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def lists(scores: np.ndarray, top: int) -> list[set[int]]:
    return [
        {row for row in sorted(range(len(one)), key=lambda row: (-one[row], row))[:top] if one[row]}
        for one in scores
    ]


@settings(max_examples=60)
@given(
    arrays.arrays(np.float32, (4, 15), elements=st.sampled_from([-2.0, -1.0, 0.0, 0.5, 1.0, 3.0])),
    arrays.arrays(np.float32, (4, 15), elements=st.sampled_from([-2.0, -1.0, 0.0, 0.5, 1.0, 3.0])),
    st.integers(1, 15),
)
def test_shares_are_those_of_sets(one: np.ndarray, other: np.ndarray, top: int) -> None:
    for side in ("all", "proponents"):
        sets = [lists(np.abs(m) if side == "all" else np.maximum(m, 0), top) for m in (one, other)]
        found = share(Tops(one, top, side), Tops(other, top, side))
        parts = [
            len(a & b) / max(len(a), len(b))
            for a, b in zip(*sets, strict=True)
            if max(len(a), len(b))
        ]
        assert found.pairs == len(parts)
        if parts:
            assert found.overlap == pytest.approx(np.mean(parts))
        else:
            assert found.overlap is None
        across = share_across(Tops(one, top, side))
        parts = [
            len(a & b) / max(len(a), len(b))
            for a, b in combinations(sets[0], 2)
            if max(len(a), len(b))
        ]
        assert across.overlap == (pytest.approx(np.mean(parts)) if parts else None)


def test_pairs_of_one_label_are_left_out_of_those_of_different_labels() -> None:
    scores = np.zeros((3, 10), np.float32)
    scores[0, :2] = scores[1, :2] = 1
    scores[2, 5:7] = 1
    tops = Tops(scores, 2)
    assert share_across(tops).overlap == pytest.approx(1 / 3)
    assert share_across(tops, [0, 0, 1]).overlap == 0
    assert share_across(tops, [0, 0, 1]).pairs == 2
    assert share_across(tops, [0, 0, 0]).overlap is None


def test_chance_levels_are_those_of_random_lists() -> None:
    draws = [Tops(matrix(seed, (8, 60)), 12) for seed in range(400)]
    one, other = draws[0], draws[1]
    assert share(one, other).chance == pytest.approx(12 / 60)
    shared = np.mean([share(a, b).overlap for a, b in zip(draws[:200], draws[200:], strict=True)])
    assert shared == pytest.approx(share(one, other).chance, abs=0.01)
    distinct = np.mean([(one.counts > 0).sum() for one in draws])
    assert distinct == pytest.approx(distinct_by_chance(one), abs=0.3)
    most = np.mean([one.counts.max() for one in draws])
    assert most == pytest.approx(most_by_chance(one), abs=0.1)


def test_rank_correlation_is_scipys() -> None:
    rounded = np.round(matrix(3), 1)  # with ties
    scores = [matrix(1), matrix(2), rounded, np.exp(matrix(1))]
    found = spearman(scores)
    for i, one in enumerate(scores):
        for j, other in enumerate(scores):
            right = np.mean([spearmanr(a, b)[0] for a, b in zip(one, other, strict=True)])
            assert found[i, j] == pytest.approx(right, abs=1e-6)
    assert found[0, 3] == pytest.approx(1)


def test_a_measure_of_one_score_for_all_has_no_correlation() -> None:
    constant = np.ones((QUERIES, EXAMPLES), np.float32)
    found = overlap_of({"a": matrix(1), "b": constant}, [0] * QUERIES, matrix(2), matrix(3), top=5)
    assert found.spearman[0][1] is None
    assert found.spearman[0][0] == pytest.approx(1)


def test_a_measure_that_lists_the_same_for_all_is_found_out() -> None:
    same = np.tile(matrix(4)[:1], (QUERIES, 1))
    labels = np.arange(QUERIES) % 2
    found = overlap_of({"same": same, "other": matrix(5)}, labels, same, matrix(6), top=10)
    one, other = found.measures
    assert one.saliency.overlap == 1
    assert one.recurrence.pairs.overlap == one.recurrence.different_labels.overlap == 1
    assert one.recurrence.distinct == 10
    assert one.recurrence.examples[0].count == QUERIES
    assert other.recurrence.different_labels.overlap < 0.6
    assert other.similarity.overlap < 0.6


def test_a_run_is_measured_with_names_and_texts(run) -> None:
    found = overlap(
        run, ["the striker and the coach win", "bank shares fall"], ["bm25", "tracin-last"], top=10
    )
    assert [one.measure for one in found.measures] == ["bm25", "tracin-last"]
    assert found.examples == len(run.train)
    named = found.measures[1].recurrence.examples[0]
    row = run.train.ids.index(named.id)
    assert named.text == run.train.texts[row]
    document = found.document()
    assert document["format"] == "wordtrace-overlap"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"top": 0}, "top is 0"),
        ({"top": 10**6}, "training examples"),
        ({"measures": []}, "no measure"),
        ({"measures": "tracin-wee"}, "did you mean"),
        ({"label": "weather"}, "no label 'weather'"),
        ({"label": ["sport", "film"]}, "1 texts but 2 labels"),
        ({"listed": -1}, "listed is -1"),
    ],
)
def test_wrong_arguments_are_one_sentence(run, arguments: dict, said: str) -> None:
    with pytest.raises(InputError, match=said):
        overlap(run, ["bank shares fall"], **{"top": 5, **arguments})


def test_wrong_scores_are_named() -> None:
    good, short = matrix(1), matrix(2, (QUERIES, 3))
    with pytest.raises(InputError, match="scores of b"):
        overlap_of({"a": good, "b": short}, [0] * QUERIES, good, good, top=2)
    bad = good.copy()
    bad[2, 7] = np.nan
    with pytest.raises(NumericalError, match="a for query 2 and training row 7"):
        overlap_of({"a": bad}, [0] * QUERIES, good, good, top=2)


def test_a_list_of_measures_is_cut_at_commas_but_not_within_layers() -> None:
    assert split_names("tracin-we, bm25") == ["tracin-we", "bm25"]
    assert split_names("tracin:a,b,tracin-last,influence:c") == [
        "tracin:a,b",
        "tracin-last",
        "influence:c",
    ]

"""The linear datamodeling score against SciPy and a plain regression, on simulated models."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from scipy import stats

from tests.pools import of_classes
from wordtrace.data.labelling import Labelling
from wordtrace.evaluation.halves import Halves, draw
from wordtrace.evaluation.lds import datamodel
from wordtrace.evaluation.precision import half_width
from wordtrace.evaluation.truth import Truth, outcomes_of

LABELS = np.repeat([0, 1, 2], [40, 33, 27])


def simulated(
    halves: Halves, seeds: int = 2, queries: int = 40, noise: float = 1.0, by_class: float = 0.0
) -> tuple[Truth, np.ndarray]:
    """Return models that add up what rows do, what classes do, and noise; and what rows do."""
    generator = np.random.default_rng(1)
    rows = halves.kept.shape[1]
    does = generator.standard_normal((queries, rows))
    classes = by_class * generator.standard_normal((queries, 3))
    # Of variance 1 over halves, so that the noise alone says how reliable the models are.
    exact = does @ halves.kept.T / np.sqrt(rows / 4) + classes @ halves.counts().T / 5
    shape = (queries, len(halves), seeds)
    said = exact[:, :, None] + noise * generator.standard_normal(shape)
    return Truth({"log-odds": said}, halves, tuple(range(seeds))), does


def test_each_score_is_scipys_correlation_of_summed_scores_and_means() -> None:
    halves = draw(of_classes(LABELS), 30, 0)
    truth, does = simulated(halves)
    scores = (does + np.random.default_rng(2).standard_normal(does.shape)).astype(np.float32)
    found = datamodel(truth, {"mine": scores})
    said = truth.outcomes["log-odds"].mean(2)
    expected = [
        stats.spearmanr([scores[query, one].sum(dtype=float) for one in halves.kept], said[query])
        for query in range(len(said))
    ]
    by_query = [one.statistic for one in expected]
    np.testing.assert_allclose(found["measures"]["mine"]["by_query"], by_query, atol=1e-9)
    assert found["measures"]["mine"]["mean"] == pytest.approx(np.mean(by_query))
    assert found["measures"]["mine"]["plain"] is found["counts_tell"] is None


def test_of_plain_halves_the_counts_are_taken_out_by_a_plain_regression() -> None:
    halves = draw(of_classes(LABELS), 60, 0, stratified=False)
    truth, does = simulated(halves, by_class=1.0)
    scores = (does + np.random.default_rng(2).standard_normal(does.shape)).astype(np.float32)
    found = datamodel(truth, {"mine": scores})
    design = np.column_stack([np.ones(60), halves.counts()[:, :2]])
    said = truth.outcomes["log-odds"].mean(2)
    by_query, told = [], []
    for query in range(len(said)):
        summed = np.array([scores[query, one].sum(dtype=float) for one in halves.kept])
        left = [
            values - design @ np.linalg.lstsq(design, values, rcond=None)[0]
            for values in (summed, said[query])
        ]
        by_query.append(stats.spearmanr(*left).statistic)
        told.append(1 - left[1].var() / said[query].var())
    np.testing.assert_allclose(found["measures"]["mine"]["by_query"], by_query, atol=1e-9)
    assert found["counts_tell"] == pytest.approx(np.mean(told))
    plain = [
        stats.spearmanr([scores[query, one].sum(dtype=float) for one in halves.kept], said[query])
        for query in range(len(said))
    ]
    expected = np.mean([one.statistic for one in plain])
    assert found["measures"]["mine"]["plain"]["mean"] == pytest.approx(expected)


def test_a_measure_that_knows_labels_alone_is_seen_through() -> None:
    """The trap: class counts rule what models say, and plain halves differ in them."""
    pool = of_classes(LABELS)
    generator = np.random.default_rng(7)
    for stratified in (True, False):
        halves = draw(pool, 80, 0, stratified=stratified)
        truth, _ = simulated(halves, by_class=2.0)
        # What each class does to a query is known exactly, and nothing of single rows.
        known = np.random.default_rng(1)
        known.standard_normal((40, len(LABELS)))
        labels_alone = known.standard_normal((40, 3))[:, LABELS].astype(np.float32)
        random = generator.standard_normal(labels_alone.shape).astype(np.float32)
        found = datamodel(truth, {"labels": labels_alone, "random": random})
        assert abs(found["measures"]["random"]["mean"]) < 0.1
        score = found["measures"]["labels"]
        assert score["mean"] == score["low"] == score["high"] == 0
        if not stratified:
            assert score["plain"]["low"] > 0.4
            assert abs(found["measures"]["random"]["plain"]["mean"]) < 0.1
            assert found["counts_tell"] > 0.3


@pytest.mark.parametrize(("seeds", "noise"), [(2, 1.0), (3, 2.0), (4, 1.0)])
def test_the_reliability_is_that_of_the_simulated_models(seeds: int, noise: float) -> None:
    """And the exact scores reach all that is attainable, within the interval."""
    halves = draw(of_classes(LABELS), 80, 0)
    truth, does = simulated(halves, seeds, 60, noise)
    found = datamodel(truth, {"exact": does.astype(np.float32)})
    variance = noise**2 / seeds
    # Spearman's correlation of normal values whose Pearson correlation is that.
    known = 6 / np.pi * np.arcsin(1 / (1 + variance) / 2)
    reliability = found["reliability"]
    assert reliability["low"] <= known <= reliability["high"]
    assert reliability["high"] - reliability["low"] < 0.2
    said = truth.outcomes["log-odds"]
    groups = list(combinations(range(seeds), seeds // 2))
    between = [
        stats.spearmanr(said[query][:, one].mean(1), said[query][:, other].mean(1)).statistic
        for one, other in combinations(groups, 2)
        if not set(one) & set(other)
        for query in range(len(said))
    ]
    assert reliability["between"] == pytest.approx(np.mean(between))
    share = found["measures"]["exact"]["share"]
    assert share["low"] - 0.02 <= 1 <= share["high"] + 0.02


def test_of_one_seed_no_reliability_is_told() -> None:
    truth, does = simulated(draw(of_classes(LABELS), 20, 0), seeds=1)
    found = datamodel(truth, {"exact": does.astype(np.float32)})
    assert found["reliability"] is None
    assert found["measures"]["exact"]["share"] is None


def test_differences_are_paired_and_corrected_for_their_number() -> None:
    halves = draw(of_classes(LABELS), 60, 0)
    truth, does = simulated(halves)
    generator = np.random.default_rng(3)
    scores = {
        name: (does + noise * generator.standard_normal(does.shape)).astype(np.float32)
        for name, noise in (("good", 1), ("alike", 1), ("bad", 4))
    }
    found = datamodel(truth, scores)
    by_pair = {(one["first"], one["second"]): one for one in found["differences"]}
    assert list(by_pair) == list(combinations(scores, 2))
    for (first, second), one in by_pair.items():
        means = [found["measures"][name]["mean"] for name in (first, second)]
        assert one["mean"] == pytest.approx(means[0] - means[1])
        assert one["excludes_zero"] == (one["p_corrected"] < 0.05)
        assert one["p"] <= one["p_corrected"] <= 3 * one["p"]
    assert by_pair["good", "bad"]["excludes_zero"]
    assert not by_pair["good", "alike"]["excludes_zero"]


def test_queries_of_which_models_say_the_same_do_not_count() -> None:
    halves = draw(of_classes(LABELS), 20, 0)
    truth, does = simulated(halves)
    truth.outcomes["log-odds"][3] = 0.25
    found = datamodel(truth, {"exact": does.astype(np.float32)})
    assert found["queries"] == 39
    assert found["measures"]["exact"]["by_query"][3] is None


def test_log_odds_are_exact_where_a_label_is_nearly_certain() -> None:
    labelling = Labelling("class", ("a", "b", "c"))
    said = np.array([[1 - 3e-20, 1e-20, 2e-20], [0.5, 0.25, 0.25]])[None, :, None]
    found = outcomes_of(labelling, said, np.array([0]), generates=False)
    assert list(found) == ["log-odds", "probability"]
    np.testing.assert_allclose(found["log-odds"][0, :, 0], [-np.log(3e-20), 0], atol=1e-12)
    numbers = outcomes_of(
        Labelling("number", ()), said[..., :1], np.array([[np.inf]], np.float32), generates=False
    )
    assert list(numbers) == ["number"]
    answers = outcomes_of(
        Labelling("class", ("completion",)), said[..., :1], np.array([0]), generates=True
    )
    np.testing.assert_allclose(answers["log-probability"][0, 1], np.log(0.5))
    sets = outcomes_of(
        Labelling("set", ("a", "b", "c")),
        said[:, 1:],
        np.array([[1, 0, np.nan]], np.float32),
        generates=False,
    )
    np.testing.assert_allclose(sets["probability"], 0.5 * 0.75)
    np.testing.assert_allclose(sets["log-odds"], np.log(0.375 / 0.625))


@pytest.mark.parametrize(("queries", "halves"), [(30, 20), (30, 80), (120, 40)])
def test_intervals_are_about_as_wide_as_the_plan_said(queries: int, halves: int) -> None:
    truth, does = simulated(draw(of_classes(LABELS), halves, 0), queries=queries)
    noise = 4 * np.random.default_rng(3).standard_normal(does.shape)
    found = datamodel(truth, {"mine": (does + noise).astype(np.float32)})["measures"]["mine"]
    assert 0.5 < (found["high"] - found["low"]) / 2 / half_width(queries, halves) < 1.5

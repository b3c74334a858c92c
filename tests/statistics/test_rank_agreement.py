"""Spearman's correlations of many rows at once, against SciPy's, and their resamples."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from wordtrace.statistics.holm import holm
from wordtrace.statistics.rank_agreement import agreements, correlations, unit_ranks
from wordtrace.statistics.resampling import shares


def drawn(rows: int, columns: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    one = generator.integers(0, 9, (rows, columns)).astype(float)  # with ties
    return one, one + 4 * generator.standard_normal((rows, columns))


def test_each_rows_correlation_is_scipys() -> None:
    one, other = drawn(7, 30)
    found = correlations(unit_ranks(one), unit_ranks(other))
    expected = [stats.spearmanr(a, b).statistic for a, b in zip(one, other, strict=True)]
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_a_row_whose_values_are_alike_agrees_with_nothing() -> None:
    one, other = drawn(2, 12)
    one[0] = 3.0
    assert correlations(unit_ranks(one), unit_ranks(other))[0] == 0
    (found,) = agreements([(unit_ranks(one[:1]), unit_ranks(other[:1]))])
    assert (found.mean, found.low, found.high, found.p) == (0, 0, 0, 1)


def test_a_resample_is_pearsons_correlation_of_the_ranks_it_draws() -> None:
    """Written out for each resample: columns and rows repeated as often as they were drawn."""
    one, other = (unit_ranks(values) for values in drawn(5, 11))
    (found,) = agreements([(one, other)], seed=3, resamples=20)
    assert found.single is not None
    generator = np.random.default_rng(3)
    columns = np.rint(shares(generator, 11, 20) * 11).astype(int)
    rows = np.rint(shares(generator, 5, 20) * 5).astype(int)
    for place in range(20):
        by_row = [
            np.corrcoef(np.repeat(a, columns[place]), np.repeat(b, columns[place]))[0, 1]
            for a, b in zip(one, other, strict=True)
        ]
        expected = np.repeat(by_row, rows[place]).mean()
        assert found.single.both[place] == pytest.approx(expected, abs=1e-9)
        np.testing.assert_allclose(found.single.columns[place], by_row, atol=1e-6)


@pytest.mark.parametrize("common", [0.0, 1.0])
def test_intervals_cover_over_rows_and_columns_and_are_no_wider_than_they_must(
    common: float,
) -> None:
    """Rows differ in how far they agree; with `common` single columns are odd for all of them."""
    generator = np.random.default_rng(5)

    def study(rows: int, columns: int) -> tuple[np.ndarray, np.ndarray]:
        shared = common * generator.standard_normal(columns)
        strength = generator.uniform(0, 0.6, rows)[:, None]
        score = shared + generator.standard_normal((rows, columns))
        noise = generator.standard_normal((rows, columns))
        return unit_ranks(score), unit_ranks(strength * score + 0.5 * shared + noise)

    true = np.mean([correlations(*study(50, 40)).mean() for _ in range(1_000)])
    found = [agreements([study(50, 40)], seed=one, resamples=300)[0] for one in range(100)]
    assert sum(one.low <= true <= one.high for one in found) >= 90
    away = np.mean([one.high - one.low for one in found]) / 2
    assert away < 1.25 * 2.0 * np.std([one.mean for one in found])


def test_differences_are_paired() -> None:
    """Two measures that are nearly one: their difference is known far better than either."""
    one, truth = drawn(30, 60)
    near = one + 0.01 * np.random.default_rng(1).standard_normal(one.shape)
    ranked = unit_ranks(truth)
    first, second = agreements([(unit_ranks(one), ranked), (unit_ranks(near), ranked)])
    apart = first.less(second)
    assert apart.mean == pytest.approx(first.mean - second.mean)
    assert apart.high - apart.low < 0.2 * (first.high - first.low)
    assert first.less(first).p == 1
    assert first.p < 1e-6


def test_holms_correction_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.6]) == [1.0, 1.0]
    assert holm([]) == []

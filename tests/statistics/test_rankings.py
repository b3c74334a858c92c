"""Rankings: scikit-learn's figures, and intervals that know how few rows there are to find."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from wordtrace.statistics.rankings import auroc, average_precision, ranked


@pytest.mark.parametrize("ties", [False, True])
def test_figures_are_scikit_learns(ties: bool) -> None:
    generator = np.random.default_rng(2)
    found = generator.random(3000) < 0.1
    scores = found + generator.standard_normal(3000)
    scores = scores.round() if ties else scores
    assert average_precision(scores, found) == pytest.approx(average_precision_score(found, scores))
    assert auroc(scores, found) == pytest.approx(roc_auc_score(found, scores))


@pytest.mark.parametrize("measure", [average_precision, auroc])
def test_a_ranking_without_a_fault_is_not_sure(measure: object) -> None:
    found = np.arange(60) < 4
    one = ranked(measure, -np.arange(60.0), found)  # type: ignore[arg-type]
    assert one.mean == one.high == 1
    assert one.low == pytest.approx(0.025 ** (1 / 4))
    alone = ranked(measure, -np.arange(60.0), np.arange(60) < 1)  # type: ignore[arg-type]
    assert (alone.low, alone.high) == (0, 1)


def test_an_interval_is_longer_where_few_rows_are_to_be_found() -> None:
    """With 6 rows it reaches as far beyond plain percentiles as Student's t beyond a normal."""
    generator = np.random.default_rng(3)
    found = np.arange(40) < 6
    scores = found + generator.standard_normal(40)
    one = ranked(auroc, scores, found, seed=5)
    several = np.random.default_rng(5)
    rows = [several.integers(0, 40, 40) for _ in range(500)]
    plain = np.quantile(
        [roc_auc_score(found[some], scores[some]) for some in rows if 0 < found[some].sum() < 40],
        [0.025, 0.975],
    )
    assert one.low < plain[0] < one.mean < plain[1] <= one.high
    assert one.high - one.low > 1.1 * (plain[1] - plain[0])

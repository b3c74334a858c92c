"""What some rows do beside single draws of random rows."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
from benchmarks import draws as simulations
from scipy import stats

from wordtrace.statistics.comparison import Comparison
from wordtrace.statistics.draws import among_draws
from wordtrace.statistics.paired import Estimate, estimate


def test_draws_that_did_as_much_are_counted_on_the_side_of_the_rows() -> None:
    """By hand; p is the share of all exchanges of the rows with a draw that give as much."""
    drawn = [0.1, 0.35, -0.2, 0.3, 0.05]
    up = among_draws([0.3] * 5, drawn, Estimate(0.18, 0.1, 0.3, ()), 1)
    assert (up.count, up.as_large, up.p) == (5, 2, 3 / 6)
    down = among_draws([-0.3] * 5, drawn, Estimate(-0.42, -0.5, -0.3, ()), 1)
    assert (down.as_large, down.p) == (0, 1 / 6)
    exchanged = np.array([0.3, *drawn])
    assert up.p == pytest.approx((exchanged >= 0.3).mean())


def test_the_spread_of_draws_is_what_they_vary_by_over_the_rows() -> None:
    """Where the rows' own values are all one, the interval is that of a further draw."""
    drawn = np.random.default_rng(0).normal(0.1, 0.2, 8)
    difference = estimate((0.4 - drawn).tolist(), math.inf)
    found = among_draws([0.4] * 8, drawn.tolist(), difference, math.inf)
    assert found.spread == pytest.approx(drawn.std(ddof=1))
    # Student's prediction interval, as textbooks have it.
    away = stats.t.ppf(0.975, 7) * drawn.std(ddof=1) * math.sqrt(1 + 1 / 8)
    mean = 0.4 - drawn.mean()
    assert (found.low, found.high) == pytest.approx((mean - away, mean + away))
    # Draws that vary no more than the rows do leave the interval as it was.
    calm = among_draws(drawn.tolist(), (drawn[::-1] / 2).tolist(), difference, math.inf)
    assert calm.spread == 0
    assert (calm.low, calm.high) == pytest.approx((difference.low, difference.high))
    assert among_draws([0.4] * 8, drawn.tolist(), difference, 0.5).high == 0.5


@pytest.mark.parametrize("paired", [True, False])
def test_pairs_are_counted_by_their_changes_and_groups_by_their_values(paired: bool) -> None:
    base, rows, drawn = np.random.default_rng(1).normal(size=(3, 6))
    compare = Comparison(paired)
    difference = compare.difference(rows, drawn, math.inf)
    found = compare.draws(rows, drawn, base, difference, math.inf)
    less = base if paired else 0 * base
    expected = (drawn - less).var(ddof=1) - stats.f.ppf(0.6, 5, 5) * (rows - less).var(ddof=1)
    assert found.spread == pytest.approx(math.sqrt(max(0, expected)))


def test_rows_drawn_at_random_are_shown_in_few_studies() -> None:
    """Whatever draws differ by; by the interval of the difference alone many would be."""
    studies = 2_000
    found = simulations.shares(studies, spread=(0.0, 0.5, 0.7, 100.0))
    error = math.sqrt(0.05 * 0.95 / studies)
    assert max(one["shown"] for one in found) < 0.05 + 2 * error
    assert max(one["alone"] for one in found) > 0.2


def test_what_is_caused_is_shown_all_the_same() -> None:
    found = {one["design"]: one["shown"] for one in simulations.shares(1_000, effect=(3.0,))}
    assert min(found.values()) > 0.75
    assert found["20 seeds"] > 0.99


def test_the_docs_show_what_was_simulated() -> None:
    """The page is written by `python -m benchmarks draws`."""
    text = simulations.DOCS.read_text("utf-8")
    rows = re.findall(r"^\| ([\d.]+) \|(.+)\|$", text, re.MULTILINE)
    assert [float(value) for value, _ in rows] == [*simulations.SPREADS, *simulations.EFFECTS]
    for _, cells in rows[: len(simulations.SPREADS)]:
        assert all(float(one.split("%")[0]) <= 5 for one in cells.split("|"))

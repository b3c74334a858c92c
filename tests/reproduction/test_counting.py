"""What the scripts of the reproduction count by themselves."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from reproduction.shown import masked, shortened

from reproduction import clusters, fixing, overlap, run_times


def test_a_first_proponent_is_looked_for_in_the_lists_of_the_other_queries() -> None:
    scores = np.array(
        [
            [9.0, 1.0, 2.0, 3.0, -4.0],  # row 0 is first; lists of one of either sign: 0 and 4
            [8.0, 1.0, 2.0, 3.0, -4.0],  # row 0 too: 0 and 4
            [-9.0, 5.0, 1.0, 2.0, 3.0],  # row 1 is first: 1, and row 0 as its opponent
        ],
        np.float32,
    )
    # Row 0 of the first two is in both other lists, row 1 of the third in none.
    assert overlap.recurring(scores, 1) == pytest.approx((1 + 1 + 0) / 3)


def test_a_cluster_of_one_mistake_is_told_from_a_mixed_one() -> None:
    def cluster(*labels: str) -> SimpleNamespace:
        members = [SimpleNamespace(label=one[0], said=one[1]) for one in labels]
        return SimpleNamespace(members=members)

    found = SimpleNamespace(clusters=[cluster("ab", "ab", "ab"), cluster("ab", "ba", "ab")])
    assert clusters.pure(found) == 0.5
    # Five of six members are alike: the odd one always spoils one of the two groups.
    assert clusters.by_chance(found) == 0.5


def test_two_times_give_back_the_costs_that_made_them() -> None:
    rows, point, pair = 200, 0.01, 0.0003
    times = [(q, (rows + q) * point + rows * q * pair) for q in (3, 50)]
    found = run_times.Cost.of(rows, *times)
    assert found.point == pytest.approx(point)
    assert found.pair == pytest.approx(pair)


def test_a_word_that_news_do_not_use_is_masked() -> None:
    assert masked("government") == "government"
    assert masked("[CLS]") == "[CLS]"
    assert masked("xqzzy") == "x***y"
    assert masked("##qzzyx") == "##q***x"


def test_a_long_text_is_cut_and_stays_on_one_line() -> None:
    assert shortened("a\nb  c") == "a b c"
    assert shortened("word " * 50, 12) == "word word…"


def test_the_paper_s_methods_stand_below_ours() -> None:
    share = {"mean": 0.5, "low": 0.4, "high": 0.6}
    point = {"k": 10, **share, "difference": share, "held_out_change": -0.01}
    rows = fixing.curves({"base": share, "curves": {"remove": [point]}})
    assert [(one["change"], one["k"]) for one in rows] == [("retraining alone", 0), ("remove", 10)]
    assert len(fixing.papers()) == 5

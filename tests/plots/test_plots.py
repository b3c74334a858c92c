"""Figures draw the numbers of the document, and nothing else."""

from __future__ import annotations

import io
import sys
from typing import Any

import numpy as np
import pytest

import wordtrace as wt
from tests.report.analysis_samples import cancellation
from tests.report.samples import trace, verification
from wordtrace.errors import InputError

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")


def points(*means: float) -> list[dict[str, float]]:
    return [
        {"k": 5.0 * place, "mean": mean, "low": mean - 0.1, "high": mean + 0.2}
        for place, mean in enumerate(means, 1)
    ]


EVALUATION: dict[str, Any] = {
    "format": "wordtrace-evaluation",
    "measures": {
        "tracin-we": {"proponents": {"curve": points(-0.1, -0.3)}},
        "$bm25$": {"proponents": {"curve": points(-0.05, -0.06)}},
    },
    "controls": {"random": {"curve": points(0.01, 0.02)}},
    "lds": {
        "outcomes": ["log-odds", "probability"],
        "reliability": {"mean": 0.49, "low": 0.36, "high": 0.64},
        "measures": {
            "nothing": {"mean": 0.0, "low": -0.1, "high": 0.1, "outcomes": {}},
            "tracin-we": {"mean": 0.3, "low": 0.2, "high": 0.4, "outcomes": {}},
        },
    },
}
FIX: dict[str, Any] = {
    "format": "wordtrace-fix",
    "base": {"mean": 0.25},
    "curves": {"remove": points(0.4, 0.7), "random rows": points(0.3, 0.2)},
}
CALIBRATION: dict[str, Any] = {
    "format": "wordtrace-calibration",
    "wanted": 0.9,
    "rows": [
        {"top_k": 3, "bytes_per_example": 40.0, "overlap": 0.7, "spearman": 0.9},
        {"top_k": None, "bytes_per_example": 400.0, "overlap": 1.0, "spearman": 1.0},
    ],
}


def drawn(axes: Any) -> bytes:
    """The picture as a file: everything in it can be drawn."""
    figure, file = axes.get_figure(), io.BytesIO()
    figure.savefig(file, format="svg")
    matplotlib.pyplot.close(figure)
    return file.getvalue()


def curves(axes: Any) -> dict[str, list[tuple[float, float]]]:
    return {
        one.get_label(): [tuple(point) for point in one.get_xydata().tolist()]
        for one in axes.lines
        if not one.get_label().startswith("_")
    }


def test_deletion_curves_have_a_band_each_and_controls_beside() -> None:
    axes = wt.plots.deletion(EVALUATION)
    assert curves(axes) == {
        "tracin-we": [(5, -0.1), (10, -0.3)],
        r"\$bm25\$": [(5, -0.05), (10, -0.06)],
        "random rows": [(5, 0.01), (10, 0.02)],
    }
    bands = [one.get_paths()[0].vertices for one in axes.collections]
    assert (bands[0][:, 1].min(), bands[0][:, 1].max()) == pytest.approx((-0.4, 0.1))
    assert drawn(axes)
    with pytest.raises(InputError, match=r"sign is 'opponents': this evaluation has no such curve"):
        wt.plots.deletion(EVALUATION, "opponents")


def test_a_fix_has_the_level_of_retraining_alone() -> None:
    axes = wt.plots.fix(FIX)
    found = curves(axes)
    assert found["remove"] == [(5, 0.4), (10, 0.7)]
    assert [y for _, y in found["retraining alone"]] == [0.25, 0.25]
    assert axes.get_ylim() == (0, 1)
    assert drawn(axes)


def test_scores_are_drawn_from_the_best_down_beside_what_is_attainable() -> None:
    axes = wt.plots.lds(EVALUATION)
    assert [one.get_text() for one in axes.get_yticklabels()] == ["nothing", "tracin-we"]
    assert [line.get_xdata().tolist() for line in axes.lines[:4]] == [
        *([-0.1, 0.1], [0.0]),
        *([0.2, 0.4], [0.3]),
    ]
    band = axes.patches[0].get_extents().transformed(axes.transData.inverted())
    assert (band.x0, band.x1) == pytest.approx((0.6, 0.8))
    assert axes.lines[-1].get_xdata()[0] == pytest.approx(0.7)
    assert drawn(axes)
    for none in ([], None):
        with pytest.raises(InputError, match="has no linear datamodeling score"):
            wt.plots.lds({**EVALUATION, "lds": none})


def test_effects_show_each_seed_the_mean_and_its_interval() -> None:
    document = verification()
    change = document["queries"][0]["without"]["change"]
    axes = wt.plots.effects(document)
    places = len(axes.get_yticklabels())
    assert places == 1 + len(document["queries"][0]["controls"])
    interval, seeds, mean = axes.lines[3 * (places - 1) : 3 * places]
    assert interval.get_xdata().tolist() == [change["low"], change["high"]]
    assert seeds.get_xdata().tolist() == change["values"]
    assert mean.get_xdata().tolist() == [change["mean"]]
    assert drawn(axes)
    with pytest.raises(InputError, match=r"query is 9; there are"):
        wt.plots.effects(document, 9)


def test_cancellation_has_a_bar_for_each_ratio() -> None:
    document = cancellation()
    axes = wt.plots.cancellation(document)
    ratios = [one["cancellation"] for one in document["parameters"] if one["cancellation"]]
    assert [one.get_width() for one in axes.patches] == ratios
    assert drawn(axes)


def test_compression_is_drawn_over_bytes() -> None:
    axes = wt.plots.compression(CALIBRATION)
    assert curves(axes)["share of the exact top 20"] == [(40, 0.7), (400, 1.0)]
    assert [one.get_text() for one in axes.texts] == ["k = 3", "all"]
    assert drawn(axes)


def test_self_influence_counts_every_row_once() -> None:
    values = np.random.default_rng(0).lognormal(size=200)
    values[7] = 0
    axes = wt.plots.self_influence(values, [3, 4], "wrong labels")
    heights = [sum(bar.get_height() for bar in one.patches) for one in axes.containers]
    assert heights == [197, 2]
    assert drawn(axes)
    with pytest.raises(InputError, match="no self-influence is over 0"):
        wt.plots.self_influence([0.0, 0.0])


def test_a_word_map_sums_to_its_words() -> None:
    hit = trace()["queries"][0]["proponents"][0]
    axes = wt.plots.word_map(hit)
    grid = axes.images[0].get_array()
    assert float(grid.sum()) == pytest.approx(sum(one["contribution"] for one in hit["words"]))
    end = float(np.abs(grid).max())
    assert axes.images[0].get_clim() == (-end, end)
    assert drawn(axes)
    with pytest.raises(InputError, match="is not a sum over words"):
        wt.plots.word_map({**hit, "words": None})


def test_a_figure_is_drawn_where_the_user_wants_it() -> None:
    figure, axes = matplotlib.pyplot.subplots(1, 2)
    assert wt.plots.deletion(EVALUATION, ax=axes[1]) is axes[1]
    assert not axes[0].lines
    matplotlib.pyplot.close(figure)


def test_another_result_is_refused() -> None:
    with pytest.raises(InputError, match=r"of a result of the kind evaluation, not 'fix'"):
        wt.plots.deletion(FIX)


def test_without_matplotlib_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(InputError, match=r"pip install 'wordtrace\[plot\]'"):
        wt.plots.fix(FIX)

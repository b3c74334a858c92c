"""One removal for all queries: the rows of the summed score, and figures over the queries."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import wordtrace as wt
from tests.command import wordtrace
from tests.report.tools import terminal
from tests.verification.test_sequential import Made, noise
from wordtrace.errors import InputError
from wordtrace.report.page import render_html
from wordtrace.report.sections import sections_of
from wordtrace.report.verdicts import verdict
from wordtrace.retrainers.retrainer import Change

TEXTS = [
    "the striker and the coach win a match",
    "profit of the bank and the bank of growth",
    "actor of the season , a drama",
]
LABELS = ["money", "film", "sport"]
K = 6
#: Student's t of two degrees of freedom, for an interval of 95 %.
T = 4.302652729911275


@pytest.fixture(scope="module")
def traces(index: wt.Index) -> list[wt.Trace]:
    return [index.trace(TEXTS[:2], LABELS[:2], top=3), index.trace(TEXTS[2], LABELS[2], top=3)]


@pytest.fixture(scope="module")
def proof(index: wt.Index, traces: list[wt.Trace]) -> wt.Verification:
    return wt.verify(traces, together=True, k=K, repeats=3, workers=1, index=index)


@pytest.mark.parametrize("remove", ["opponents", "proponents"])
def test_the_rows_are_the_strongest_by_summed_scores(
    own: wt.Run, index: wt.Index, traces: list[wt.Trace], remove: str
) -> None:
    scores = wt.influence(index, TEXTS, label=LABELS).astype(np.float64)
    signed = scores if remove == "opponents" else -scores
    order = np.argsort(signed.sum(0), kind="stable")[:K]
    assert all(set(order) != set(np.argsort(one, kind="stable")[:K]) for one in signed)
    expected = [index.ids[row] for row in order]
    made = Made(lambda change, place: 0.4 + noise(change, place, 0.2))
    given: dict[str, Any] = {"remove": remove, "k": K, "repeats": 2, "workers": 1, "run": own}
    found = wt.verify(traces, together=True, retrain=made, index=index, **given).document()
    assert [query["removed"] for query in found["queries"]] == [expected] * 3
    rows = np.sort(own.rows_of(expected))
    assert any(np.array_equal(np.flatnonzero(one.weights == 0), rows) for one in made.trained)


def test_the_figures_of_all_are_the_means_of_the_queries(proof: wt.Verification) -> None:
    found = proof.document()
    assert found["retrainings"] == 3 * 4
    assert found["held_out"] is not None
    together, queries = found["together"], found["queries"]

    def mean_of(outcomes: list[dict[str, Any]]) -> np.ndarray:
        return np.mean([one["values"] for one in outcomes], axis=0)

    base = mean_of([query["base"] for query in queries])
    change = mean_of([query["without"] for query in queries]) - base
    np.testing.assert_allclose(together["without"]["change"]["values"], change)
    for place, control in enumerate(together["controls"]):
        drawn = mean_of([query["controls"][place] for query in queries]) - base
        apart = change - drawn
        away = T * apart.std(ddof=1) / np.sqrt(3)
        difference = control["difference"]
        assert (difference["mean"], difference["low"], difference["high"]) == pytest.approx(
            (apart.mean(), max(apart.mean() - away, -2), min(apart.mean() + away, 2))
        )
        as_large = ((drawn - change.mean()) * np.sign(apart.mean()) >= 0).sum()
        assert (control["draws"]["count"], control["draws"]["as_large"]) == (3, as_large)


def test_how_many_are_right_is_counted(proof: wt.Verification) -> None:
    found = proof.document()
    right, queries = found["together"]["right"], found["queries"]
    counts = {name: sum(query[name]["right"] for query in queries) for name in ("base", "without")}
    for name, count in counts.items():
        assert right[name]["number"] == pytest.approx(count / 3)
    for place, control in enumerate(right["controls"]):
        other = sum(query["controls"][place]["right"] for query in queries)
        assert control["number"] == pytest.approx(other / 3)
        assert control["difference"]["mean"] == pytest.approx((counts["without"] - other) / 9)


def test_all_are_told_first_and_then_each(proof: wt.Verification, traces: list[wt.Trace]) -> None:
    document = proof.document()
    number = document["together"]["right"]["without"]["number"]
    said = repr(proof).split("\n")
    assert len(said) == 4
    assert said[0].startswith(f"Removing the {K} strongest opponents of the 3 queries together ")
    assert f"on average over the 3 queries and 3 seeds; {number:.1f} of the 3 were then" in said[0]
    assert said[1].startswith(f"Removing the {K} strongest opponents of the 3 queries together ")
    alone = [section.heading for section in sections_of([document])]
    assert alone == ["What removing the opponents did to 3 queries together"]
    shown = terminal(document, color=False)
    for text in TEXTS:
        assert text in shown
    beside = [section.kind for section in sections_of([traces[0].document(), document])]
    assert beside == ["verification", "trace", "verification", "trace", "verification"]
    page = render_html([document])
    assert "Change of the share predicted right when rows are left out" in page
    older = {name: value for name, value in document.items() if name != "together"}
    assert len(sections_of([older])) == 3


def test_one_look_decides_for_all(own: wt.Run, index: wt.Index) -> None:
    """Alone, two queries would have gone on: their trainings differ, but not their mean."""
    trace = index.trace(TEXTS, "film", top=3)
    sums = wt.influence(index, TEXTS, label="film").astype(np.float64).sum(0)
    rows = own.rows_of([index.ids[row] for row in np.argsort(sums, kind="stable")[:K]])

    def says(change: Change, place: int) -> float:
        effect = 0.4 * float((change.weights[rows] == 0).all())
        return 0.3 + effect + noise(change, 0, 0.01) + (0, 1, -1)[place] * noise(change, 1, 0.25)

    made = Made(says)
    given: dict[str, Any] = {"k": K, "sequential": True, "retrain": made, "workers": 1}
    found = wt.verify(trace, together=True, run=own, **given)
    document = found.document()
    assert document["together"]["looks"] == [3]
    assert document["together"]["answer"] == "effect"
    assert [query["answer"] for query in document["queries"]] == ["effect", None, None]
    assert document["retrainings"] == len(made.trained) == 3 * 4
    said = repr(found).split("\n")
    assert ["It was looked at after 3 of at most" in one for one in said] == [True] + 3 * [False]


def test_a_patch_has_figures_of_all_queries(
    own: wt.Run, index: wt.Index, traces: list[wt.Trace], tmp_path: Path
) -> None:
    patch = index.mislabels(top=4).patch("relabel")
    made = Made(lambda change, place: 0.4 + noise(change, place, 0.2))
    given: dict[str, Any] = {"repeats": 3, "retrain": made, "workers": 1, "run": own}
    found = wt.verify(traces, patch=patch, sequential=True, **given)
    together = found.document()["together"]
    means = np.mean([one["without"]["values"] for one in found.document()["queries"]], axis=0)
    np.testing.assert_allclose(together["without"]["values"], means)
    assert repr(found).startswith("The patch (4 rows relabelled) ")
    assert not verdict(together | {"label": "label"}, found.document()).shown
    found.save(tmp_path / "proof.md")
    assert "# What the patch did to 3 queries together" in (tmp_path / "proof.md").read_text()
    alone = wt.verify(traces[1], patch=patch, **given).document()
    assert "together" not in alone


def test_the_command_says_the_same(
    run: wt.Run, traces: list[wt.Trace], proof: wt.Verification, tmp_path: Path
) -> None:
    files = [tmp_path / "first.json", tmp_path / "second.json"]
    for trace, file in zip(traces, files, strict=True):
        trace.save(file)
    given = ("verify", *files, "--together", "--k", K, "--repeats", 3, "--workers", 1)
    found = json.loads(wordtrace(*given, "--json").stdout)
    same = proof.document()
    for name in ("together", "queries", "held_out", "retrainings"):
        assert found[name] == same[name]
    done = wordtrace("verify", files[0], "--together", "--query", 1, status=2)
    assert "--together is about all queries, and --query picks one" in done.stderr


def test_what_has_no_sum_is_refused(index: wt.Index, traces: list[wt.Trace]) -> None:
    first, second = traces
    with pytest.raises(
        InputError, match=r"can't be summed, and the traces are by .* and by bm25; g"
    ):
        wt.verify([first, replace(second, measure="bm25")], together=True, index=index)
    with pytest.raises(InputError, match=r"the traces are by \S+ with other options; give"):
        wt.verify([first, replace(second, top_k=3)], together=True, index=index)
    with pytest.raises(InputError, match=r"means over 2 trainings, which .* alone can't sum"):
        wt.verify(replace(first, trainings=2), together=True, index=index)
    with pytest.raises(InputError, match="patch is one change for all queries already; leave tog"):
        wt.verify(first, together=True, patch="fix.jsonl", index=index)

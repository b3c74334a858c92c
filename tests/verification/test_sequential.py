"""A study that looks after each seed, and stops when it has its answer."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

import wordtrace as wt
from tests.conftest import WORDS
from wordtrace.errors import InputError, MismatchError
from wordtrace.report.sections import sections_of
from wordtrace.report.verdicts import verdict
from wordtrace.retrainers.retrainer import Change, Said
from wordtrace.statistics.sequential import nominal_p
from wordtrace.verification.design import Design
from wordtrace.verification.paired import verify as verify_targets
from wordtrace.verification.target import Target

TEXT = "the striker and the coach win a match"


@dataclass
class Made:
    """A training that is only arithmetic: P(first class) of each seed, probe and rows left out."""

    says: Callable[[Change, int], float]
    settings: dict[str, Any] = field(default_factory=dict)
    trained: list[Change] = field(default_factory=list)

    def train(self, run: wt.Run, change: Change) -> Said:
        self.trained.append(change)
        first = np.array([self.says(change, place) for place in range(len(change.probes))])
        return Said(np.stack([first, (1 - first) / 2, (1 - first) / 2], axis=1))


def noise(change: Change, place: int, spread: float) -> float:
    """The chance of a training: the same for the same seed and number of rows left out."""
    left_out = int((change.weights == 0).sum())
    seeded = [change.seed, place, left_out, int(np.flatnonzero(change.weights == 0).sum())]
    return spread * float(np.random.default_rng(seeded).uniform(-1, 1))


@pytest.fixture(scope="module")
def trace(index: wt.Index) -> wt.Trace:
    return index.trace(TEXT, "film", top=30)


def effect_of(run: wt.Run, trace: wt.Trace, k: int, size: float, query: int = 0) -> Any:
    """What it adds when a query's strongest opponents are left out, all of them."""
    rows = run.rows_of([hit.id for hit in trace.queries[query].opponents[:k]])
    return lambda change: size * float((change.weights[rows] == 0).all())


def test_it_stops_as_soon_as_an_effect_is_shown(own: wt.Run, trace: wt.Trace) -> None:
    effect = effect_of(own, trace, 6, 0.4)
    made = Made(lambda change, place: 0.4 + effect(change) + noise(change, place, 0.01))
    found = wt.verify(trace, run=own, k=6, sequential=True, retrain=made, workers=1).document()
    (query,) = found["queries"]
    assert query["answer"] == "effect"
    assert query["looks"] == [3]
    assert found["seeds"] == query["seeds"] == [6, 7, 8]
    assert found["retrainings"] == len(made.trained) == 3 * 4
    assert found["saved"] == 9 * 4
    assert found["design"]["nominal_p"] == nominal_p(12)


def test_rows_drawn_at_random_are_not_shown(own: wt.Run) -> None:
    """Each row adds something of its own, and the training repeats all but exactly.

    By the intervals of the differences alone, several of 14 draws would be shown.
    """
    of_row = np.random.default_rng(5).normal(0, 0.02, len(own.train))

    def says(change: Change, place: int) -> float:
        return 0.4 + float(of_row[change.weights == 0].sum()) + noise(change, place, 0.0005)

    sets = [
        tuple(np.random.default_rng([one, 8]).choice(len(own.train), 6, replace=False).tolist())
        for one in range(14)
    ]
    targets = [
        Target(f"{TEXT} {place}", None, 0, "film", 0.4, rows) for place, rows in enumerate(sets)
    ]
    settings: dict[str, Any] = {"remove": "opponents", "k": 6, "measure": "x", "workers": 1}
    found = verify_targets(own, targets, Made(says), design=Design(8), **settings).document()
    shown = [verdict(query, found).shown for query in found["queries"]]
    alone = [
        all(control["difference"]["low"] > 0 for control in query["controls"])
        for query in found["queries"]
    ]
    assert (sum(shown), sum(alone)) == (0, 2)
    for query in found["queries"]:
        for control in query["controls"]:
            draws = control["draws"]
            assert draws["count"] == 8
            assert draws["p"] == (1 + draws["as_large"]) / 9


def test_its_intervals_are_as_wide_as_the_looks_need(own: wt.Run, trace: wt.Trace) -> None:
    made = Made(lambda change, place: 0.4 + noise(change, place, 0.2))
    found = wt.verify(
        trace, run=own, k=6, sequential=True, repeats=5, retrain=made, workers=1
    ).document()
    (query,) = found["queries"]
    assert query["looks"] == [3, 4, 5]
    assert query["answer"] is None
    assert found["saved"] == 0
    difference = query["controls"][0]["difference"]
    after, before = query["without"]["values"], query["controls"][0]["values"]
    expected = stats.ttest_rel(after, before).confidence_interval(1 - nominal_p(5))
    assert (difference["low"], difference["high"]) == pytest.approx(tuple(expected))
    usual = wt.verify(trace, run=own, k=6, repeats=5, retrain=made, workers=1).document()
    assert usual["design"] == {"kind": "fixed", "seeds": 5, "smallest": None, "nominal_p": None}
    assert usual["queries"][0]["controls"][0]["difference"]["high"] < difference["high"]


def test_it_stops_where_an_effect_is_smaller_than_matters(own: wt.Run, trace: wt.Trace) -> None:
    made = Made(lambda change, place: 0.4 + noise(change, place, 0.008))
    choices: dict[str, Any] = {"run": own, "k": 6, "retrain": made, "workers": 1}
    found = wt.verify(trace, sequential=True, smallest=0.1, **choices).document()
    (query,) = found["queries"]
    assert query["answer"] == "smaller"
    assert len(query["looks"]) < 4
    # A study of a fixed number of seeds says so too, and says nothing where nothing is asked.
    fixed = wt.verify(trace, smallest=0.1, **choices).document()
    assert fixed["queries"][0]["answer"] == "smaller"
    assert wt.verify(trace, **choices).document()["queries"][0]["answer"] is None


def test_an_effect_that_is_there_but_does_not_matter_is_called_smaller(
    own: wt.Run, trace: wt.Trace
) -> None:
    effect = effect_of(own, trace, 6, 0.02)
    made = Made(lambda change, place: 0.4 + effect(change) + noise(change, place, 0.0005))
    choices: dict[str, Any] = {"run": own, "k": 6, "sequential": True, "retrain": made}
    assert wt.verify(trace, workers=1, **choices).document()["queries"][0]["answer"] == "effect"
    small = wt.verify(trace, smallest=0.1, workers=1, **choices).document()
    assert small["queries"][0]["answer"] == "smaller"


def test_what_was_trained_between_looks_is_kept(own: wt.Run, trace: wt.Trace) -> None:
    def says(change: Change, place: int) -> float:
        if interrupt and len(made.trained) == 18:
            raise KeyboardInterrupt
        return 0.4 + noise(change, place, 0.2)

    made, interrupt = Made(says), True
    choices: dict[str, Any] = {"run": own, "k": 6, "sequential": True, "repeats": 6, "workers": 1}
    with pytest.raises(KeyboardInterrupt):
        wt.verify(trace, retrain=made, **choices)
    interrupt = False
    found = wt.verify(trace, retrain=made, **choices).document()
    assert found["queries"][0]["looks"] == [3, 4, 5, 6]
    assert found["retrainings"] == 24
    assert len(made.trained) == 24 + 1
    assert len({one.key for one in made.trained}) == 24


def test_each_target_stops_by_itself(own: wt.Run, index: wt.Index) -> None:
    """The models of all rows are shared; only what is open is trained on."""
    texts = [TEXT, "profit of the bank and the bank of growth"]
    trace = index.trace(texts, ["film", "film"], top=30)
    effect = effect_of(own, trace, 6, 0.4)

    def says(change: Change, place: int) -> float:
        return 0.4 + noise(change, place, 0.01 if place == 0 else 0.3) + effect(change)

    made = Made(says)
    found = wt.verify(
        trace, run=own, k=6, sequential=True, repeats=6, retrain=made, workers=1
    ).document()
    first, second = found["queries"]
    assert first["answer"] == "effect"
    assert first["looks"] == [3]
    assert second["looks"] == [3, 4, 5, 6]
    assert len(first["base"]["values"]) == 3
    assert found["seeds"] == second["seeds"] == list(range(6, 12))
    own_rows = {tuple(np.flatnonzero(one.weights == 0)) for one in made.trained if one.seed > 8}
    removed = [tuple(sorted(own.rows_of(one["removed"]).tolist())) for one in found["queries"]]
    assert removed[1] in own_rows
    assert removed[0] not in own_rows


def test_many_queries_share_their_models(own: wt.Run, index: wt.Index, tmp_path: Path) -> None:
    """20 traces at once need far fewer models than 20 times one, and find the same."""
    words = WORDS["sport"]
    texts = [f"{one} {other}" for one, other in zip(words * 2, words[3:] * 3, strict=False)][:20]
    traces = [index.trace(text, "sport", top=30) for text in texts]
    choices: dict[str, Any] = {"k": 4, "repeats": 2, "workers": 1}

    def says(change: Change, place: int) -> float:
        return 0.4 + noise(change, 0, 0.2)

    together, alone = Made(says), Made(says)
    found = wt.verify(traces, run=own, retrain=together, **choices).document()
    assert [one["text"] for one in found["queries"]] == texts
    singles = 0
    for place, trace in enumerate(traces):
        folder = tmp_path / f"alone-{place}"
        shutil.copytree(own.path, folder, ignore=shutil.ignore_patterns("*.sqlite*"))
        one = wt.verify(trace, run=wt.Run.open(folder), retrain=alone, **choices).document()
        assert one["queries"] == [found["queries"][place]]
        singles += one["retrainings"]
    assert singles == len(alone.trained) == 20 * 2 * 4
    assert found["retrainings"] == len(together.trained) < singles / 2


def test_traces_of_several_measures_are_told_apart(own: wt.Run, trace: wt.Trace) -> None:
    traces = [trace, replace(trace, measure="bm25")]
    made = Made(lambda change, place: 0.4 + noise(change, place, 0.2))
    choices: dict[str, Any] = {"run": own, "k": 3, "repeats": 2, "retrain": made, "workers": 1}
    found = wt.verify(traces, **choices).document()
    assert [one["measure"] for one in found["queries"]] == ["tracin-we-idf", "bm25"]
    assert found["measure"] == "tracin-we-idf and bm25"
    headings = [one.heading for one in sections_of([*(one.document() for one in traces), found])]
    assert [one.startswith("What removing") for one in headings] == [False, True, False, True]


def test_traces_of_other_runs_are_refused(own: wt.Run, trace: wt.Trace) -> None:
    other = replace(trace, run_fingerprint="0" * 40)
    with pytest.raises(MismatchError, match="trace 1 of 2 was not made from the run"):
        wt.verify([trace, other], run=own)
    with pytest.raises(InputError, match="there is no trace; give at least one"):
        wt.verify([], run=own)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"sequential": True, "repeats": 2}, "repeats is 2; a sequential study looks first after"),
        ({"smallest": 0.0}, "smallest is 0; it must be over 0"),
        ({"smallest": float("nan")}, "smallest is nan; it must be over 0"),
    ],
)
def test_a_design_that_makes_no_sense_is_refused(
    trace: wt.Trace, wrong: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        wt.verify(trace, **wrong)

"""What a checkpoint weighs is the same for every measure: the run's weighting."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.measures.test_layers import layers_of, parameters, queries_of
from tests.oracles import dense
from tests.tiny_models import RATES, SUMS, TinyRun, bert, tiny_run
from wordtrace import api
from wordtrace.act.closeness import Closeness
from wordtrace.analysis.word_gradients import agreements
from wordtrace.errors import InputError
from wordtrace.measures.names import measure
from wordtrace.measures.options import Options
from wordtrace.measures.protocol import make_queries
from wordtrace.measures.source import Streamed

#: The sums of the rates since the checkpoint before.
SINCE = np.diff([0.0, *SUMS])


@pytest.fixture(scope="module")
def tiny() -> TinyRun:
    return tiny_run(bert, 12)


def alone(run: TinyRun, place: int) -> TinyRun:
    """The run with one of its checkpoints, weighted by its rate."""
    return TinyRun(
        run.train, run.tokenizer, run.encoded, [run.models[place]], [run.checkpoints[place]]
    )


def test_the_sums_of_rates_are_no_multiple_of_the_rates() -> None:
    assert np.ptp(SINCE / RATES) > 1


@pytest.mark.parametrize(
    "name", ["tracin-we", "tracin-last", "tracin-second", "tracin-third+bias", "tracin-all"]
)
def test_tracin_is_autograd_weighted_by_sums_of_rates(tiny: Any, name: str) -> None:
    queries = queries_of(tiny)
    kind = name.removeprefix("tracin-").removesuffix("+bias")
    layers = layers_of(tiny, "first" if kind == "we" else kind)
    names = parameters(tiny, layers, bias=name.endswith("+bias"))
    right = np.zeros((len(queries), len(tiny.train)))
    for eta, point in zip(SINCE, tiny.checkpoints, strict=True):

        def flat(ids: Any, label: Any, point: Any = point) -> np.ndarray:
            model = tiny.model(point)
            found = dense.parameter_gradients(model, ids.tolist(), int(label), names)
            return np.concatenate([one.flatten().numpy() for one in found])

        asked = np.stack([flat(queries.encoded[q], queries.labels[q]) for q in range(len(queries))])
        for row in range(len(tiny.train)):
            right[:, row] += eta * (asked @ flat(tiny.encoded[row], tiny.train.labels[row]))
    found = measure(name).score(tiny.weighted("rate-sum"), queries)
    np.testing.assert_allclose(found, right, rtol=1e-3, atol=1e-5 * np.abs(right).max())


@pytest.mark.parametrize(
    "name",
    [
        "tracin-we-topk",
        "tracin-we-syn",
        "tracin-tfidf",
        "loss-saliency",
        "similarity",
        "tracin-first",
        "tracin-last+bias",
        "tracin:bert.pooler.dense",
    ],
)
def test_every_sum_over_checkpoints_is_weighted_so(tiny: Any, name: str) -> None:
    queries = queries_of(tiny)
    each = [measure(name).score(alone(tiny, place), queries) / RATES[place] for place in range(3)]
    for weighting, etas in (("rate", RATES), ("rate-sum", SINCE)):
        right = sum(eta * one for eta, one in zip(etas, each, strict=True))
        found = measure(name).score(tiny.weighted(weighting), queries)
        np.testing.assert_allclose(found, right, rtol=1e-3, atol=1e-5 * np.abs(right).max())


def test_closeness_and_agreement_by_word_are_weighted_so(tiny: Any) -> None:
    weighted, rows = tiny.weighted("rate-sum"), np.arange(len(tiny.train))
    queries = queries_of(tiny).take(np.array([0, 1]))
    names = [[str(one) for one in queries.encoded[place]] for place in (0, 1)]

    def close(run: Any) -> np.ndarray:
        held = Closeness(run, run.encoded, run.train.labels, run.train.ids, None)
        return held.influence(rows, rows)

    def agree(run: Any) -> np.ndarray:
        found = agreements(run, queries, names)
        return np.array([found[pair].similarity for pair in sorted(found)])

    for one in (close, agree):
        each = [one(alone(tiny, place)) / RATES[place] for place in range(3)]
        right = np.sum([eta * part for eta, part in zip(SINCE, each, strict=True)], axis=0)
        np.testing.assert_allclose(one(weighted), right, rtol=1e-4, atol=1e-6 * np.abs(right).max())


def test_a_baseline_beside_an_index_is_weighted_as_the_index(run: api.Run, tmp_path: Path) -> None:
    index = api.build_index(run, tmp_path / "i", weighting="rate-sum", workers=1)
    etas = [source.eta for source in index.folder.manifest.checkpoints]
    assert index.run.etas == etas
    text = "the striker of the market"
    asked = make_queries(run, [text], np.array([run.label_names.index("sport")]))
    (right,) = measure("tracin-last").score(index.run, asked)
    (plain,) = measure("tracin-last").score(run, asked)
    assert not np.allclose(plain, right, rtol=0.01)
    (query,) = index.trace(text, label="sport", baselines=["tracin-last"], top=5).queries
    listed = query.baselines["tracin-last"]
    assert listed
    for hit in listed:
        assert hit.score == pytest.approx(float(right[run.train.row_of(hit.id)]), rel=1e-5)


@pytest.mark.parametrize("top_k", [4, None])
def test_a_baseline_that_the_index_holds_streams_no_gradients(
    run: api.Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, top_k: int | None
) -> None:
    index = api.build_index(
        run, tmp_path / "i", top_k=top_k, dtype="float32", weighting="rate-sum", workers=1
    )
    text, name = "the striker of the market", "tracin-we" if top_k is None else "tracin-we-topk"
    asked = make_queries(run, [text], np.array([run.label_names.index("sport")]))
    (right,) = measure(name, Options(top_k=4)).score(index.run, asked)
    counted: list[int] = []
    real = Streamed.blocks
    monkeypatch.setattr(
        Streamed, "blocks", lambda self, place: (counted.append(place), real(self, place))[1]
    )
    (query,) = index.trace(text, label="sport", baselines=[name, "bm25"], top=5).queries
    assert not counted
    listed = query.baselines[name]
    assert len(listed) == 5
    for hit in listed:
        assert hit.score == pytest.approx(float(right[run.train.row_of(hit.id)]), rel=1e-4)
    assert min(abs(one.score) for one in listed) == pytest.approx(np.sort(abs(right))[-5], rel=1e-4)
    other = "tracin-we-topk" if top_k is None else "tracin-we"
    index.trace(text, label="sport", baselines=[other], top=5)
    assert counted == [0, 1, 2]


def test_what_an_index_does_not_hold_is_to_be_asked_of_a_run_that_is_weighted_as_it(
    run: api.Run, tmp_path: Path
) -> None:
    index = api.build_index(run, tmp_path / "i", weighting="rate-sum", workers=1)
    said = r"give index.run in its place, which is weighted by rate-sum, too \(.* by the rate\)"
    with pytest.raises(InputError, match=said):
        api.influence(index, ["the striker"], "tracin-last")


def test_a_run_with_other_weights_is_asked_with_them(run: api.Run) -> None:
    weighted, text = run.weighted("rate-sum"), "the striker of the market"
    asked = make_queries(run, [text], np.array([run.label_names.index("sport")]))
    right = measure("tracin-we").score(weighted, asked)
    assert not np.allclose(measure("tracin-we").score(run, asked), right, rtol=0.01)
    found = api.influence(weighted, [text], "tracin-we", label=["sport"])
    np.testing.assert_allclose(found, right, rtol=1e-5, atol=1e-6 * np.abs(right).max())


def test_an_unknown_weighting_is_refused(tiny: Any) -> None:
    with pytest.raises(InputError, match="must be rate-sum, rate or adam"):
        tiny.weighted("rates")

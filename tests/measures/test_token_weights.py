"""A weight for each token: in scores, words and self-influence, from a run and from its index."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction.text import TfidfTransformer

from tests.command import wordtrace
from tests.index.test_life import further
from tests.measures.test_against_autograd import queries_of
from tests.oracles import dense
from tests.oracles.weights import since
from wordtrace import api
from wordtrace.asking.asker import Asker
from wordtrace.asking.own import self_influence
from wordtrace.errors import InputError
from wordtrace.measures.names import measure
from wordtrace.measures.options import Options
from wordtrace.measures.position_products import Terms, position_products
from wordtrace.measures.protocol import Queries
from wordtrace.measures.token_weights import idf_squared
from wordtrace.measures.tracin_we import TracInWE
from wordtrace.report.sentences import trace_sentence

TEXT = "the striker of the club and the coach"


def bags(run: api.Run) -> np.ndarray:
    """Whether each training text holds each token, counted by hand."""
    held = np.zeros((len(run.train), run.tokenizer.size), np.int64)
    for row in range(len(run.train)):
        held[row, run.encoded[row]] = 1
    return held


def idf(run: api.Run) -> np.ndarray:
    """scikit-learn's smoothed idf of each token, float64."""
    return TfidfTransformer().fit(bags(run)).idf_


def gradients(run: api.Run, point: object, which: Queries, k: int) -> list[np.ndarray]:
    """Each text's gradient by token and dimension, over its k strongest positions; float64."""
    model = run.model(point)
    return [
        dense.top_k_gradient(model, which.encoded[at].tolist(), int(label), k).numpy()
        for at, label in enumerate(which.labels)
    ]


def trained(run: api.Run) -> Queries:
    train = run.train
    return Queries(train.texts, train.texts2, train.labels, run.encoded)


@pytest.fixture(scope="module")
def asked(run: api.Run, queries: list[str]) -> Queries:
    return queries_of(run, queries)


@pytest.fixture(scope="module")
def by_token(run: api.Run, asked: Queries) -> np.ndarray:
    """Each token's term: the examples' 4 strongest positions, all of the query's, as float64.

    Shape (queries, examples, vocabulary).
    """
    total = np.zeros((len(asked), len(run.train), run.tokenizer.size))
    for point in run.checkpoints:
        whole, cut = gradients(run, point, asked, 10**6), gradients(run, point, trained(run), 4)
        for q, one in enumerate(whole):
            for row, other in enumerate(cut):
                total[q, row] += since(run, point) * (one * other).sum(1)
    return total


@pytest.mark.proves("tracin-we-idf")
@pytest.mark.parametrize("source", ["run", "index"])
def test_scores_are_sums_of_each_tokens_product_times_its_idf_squared(
    run: api.Run, index: api.Index, asked: Queries, by_token: np.ndarray, source: str
) -> None:
    asker = Asker(run, index.folder) if source == "index" else Asker(run)
    answer = asker.ask(asked, "tracin-we-idf", top_k=4)
    assert answer.rows.indexed == (source == "index")
    expected = by_token @ idf(run) ** 2
    # Neither the weights nor the positions beyond the fourth of a query are without effect.
    assert not np.allclose(expected, by_token.sum(2), rtol=0.1)
    short = Asker(run).ask(asked, "tracin-we-topk", top_k=4, weights="idf").scores()
    assert not np.allclose(short, expected, rtol=1e-2)
    found = answer.scores()
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=2e-4, atol=2e-6 * np.abs(expected).max())
    if source == "run":
        alone = measure("tracin-we-idf", Options(top_k=4)).score(run, asked)
        np.testing.assert_allclose(alone, found, rtol=1e-6)


def test_words_and_checkpoints_sum_to_the_score(
    run: api.Run, index: api.Index, asked: Queries, by_token: np.ndarray
) -> None:
    expected = by_token * idf(run) ** 2
    answer = Asker(run, index.folder).ask(asked, "tracin-we-idf")
    rows = np.arange(len(run.train))
    words = answer.words([rows] * len(asked))
    scale = np.abs(expected).max()
    for q in range(len(asked)):
        for row in rows:
            for (token, other), value in words[q][row].items():
                assert token == other
                right = expected[q, row, token]
                assert value == pytest.approx(right, rel=1e-3, abs=1e-5 * scale)
    sums = np.array([[sum(found[row].values()) for row in rows] for found in words])
    np.testing.assert_allclose(sums, answer.scores(), rtol=1e-4, atol=1e-6 * np.abs(sums).max())
    parts = answer.by_checkpoint([rows] * len(asked))
    steps = np.array([[sum(found[row]) for row in rows] for found in parts])
    np.testing.assert_allclose(steps, sums, rtol=1e-4, atol=1e-6 * np.abs(sums).max())


@settings(max_examples=8)
@given(numbers=st.data())
def test_any_weights_weigh_the_terms_and_ones_change_nothing(
    run: api.Run, index: api.Index, asked: Queries, by_token: np.ndarray, numbers: st.DataObject
) -> None:
    size, asker = run.tokenizer.size, Asker(run, index.folder)
    weights = np.array(
        numbers.draw(st.lists(st.floats(0, 50, width=16), min_size=size, max_size=size))
    )
    found = asker.ask(asked, "tracin-we-idf", weights=weights).scores()
    expected = by_token @ weights
    np.testing.assert_allclose(
        found, expected, rtol=2e-4, atol=2e-6 * (np.abs(by_token) @ weights).max()
    )
    plain, ones = (
        asker.ask(asked, "tracin-we-topk", weights=one).scores() for one in ("", np.ones(size))
    )
    np.testing.assert_array_equal(plain, ones)


def test_all_positions_and_ones_are_tracin_we(run: api.Run, full_index: api.Index) -> None:
    """An index of all positions is taken as it is: nothing is cut."""
    ones = np.ones(run.tokenizer.size)
    found = api.scores(full_index, [TEXT], "tracin-we-idf", label="sport", weights=ones)
    plain = api.scores(full_index, [TEXT], "tracin-we", label="sport")
    assert full_index.trace(TEXT, measure="tracin-we-idf").source == "index"
    np.testing.assert_array_equal(found.values, plain.values)


def test_what_is_left_out_has_the_weight_0(run: api.Run, index: api.Index) -> None:
    whole = index.trace(TEXT, "sport", measure="tracin-we-idf", top=len(run.train))
    left = index.trace(
        *(TEXT, "sport"), measure="tracin-we-idf", top=len(run.train), without="special,stop"
    )
    words = {hit.id: hit.contributions for hit in [*whole.proponents, *whole.opponents]}
    assert len(left.proponents) > 3
    for hit in [*left.proponents, *left.opponents]:
        expected = sum(word.contribution for word in words[hit.id] if word.kind == "word")
        assert hit.score == pytest.approx(expected, rel=1e-4, abs=1e-6)


@pytest.mark.parametrize("choices", [{"dtype": "int8", "project": 7}, {"dtype": "float16"}])
def test_frequencies_are_those_of_the_examples_that_are_left(
    run: api.Run, tmp_path: Path, choices: dict[str, object]
) -> None:
    index = api.build_index(run, tmp_path / "x", top_k=4, shard_size=50, workers=1, **choices)
    index.add(further(), workers=1)
    index.remove([run.train.ids[row] for row in range(0, 60, 2)])
    asker = index.asker
    rows = np.setdiff1d(np.arange(index.folder.manifest.examples), index.folder.removed)
    held = np.zeros(run.tokenizer.size)
    for text in asker.rows.take(rows).texts:
        held[np.unique(run.tokenizer.encode([text]).ids)] += 1
    expected = [(math.log((1 + len(rows)) / (1 + count)) + 1) ** 2 for count in held]
    np.testing.assert_allclose(asker.weights("idf"), expected, rtol=1e-6)
    assert not np.allclose(expected, idf(run) ** 2, rtol=1e-3)
    answer = asker.ask(asker.queries([TEXT], "sport"), "tracin-we-idf")
    scores = answer.scores()[0]
    assert np.flatnonzero(scores).size > 10
    assert not scores[index.folder.removed].any()
    words = answer.words([rows])[0]
    sums = [sum(words[row].values()) for row in rows]
    np.testing.assert_allclose(sums, scores[rows], rtol=1e-4, atol=1e-6 * np.abs(scores).max())
    trace = index.trace(TEXT, "sport", measure="tracin-we-idf", words=True)
    for hit in [*trace.proponents, *trace.opponents]:
        total = sum(word.contribution for word in hit.contributions)
        assert total == pytest.approx(hit.score, rel=1e-4, abs=1e-7)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("tracin-we-idf", {"top_k": 3}),
        ("tracin-we", {"weights": "idf"}),
        ("tracin-we-idf", {"top_k": 5, "without": "special"}),
    ],
)
def test_self_influence_is_the_diagonal(
    run: api.Run, name: str, options: dict[str, object]
) -> None:
    asker = Asker(run)
    found = self_influence(asker, name, **options)
    diagonal = asker.ask(trained(run), name, **options).scores().diagonal()
    assert np.abs(found).max() > 0
    np.testing.assert_allclose(found, diagonal, rtol=1e-4, atol=1e-6 * diagonal.max())


def test_products_of_positions_are_weighted_like_their_tokens(run: api.Run) -> None:
    asked = queries_of(run, [TEXT] * 4).take(np.array([0]))
    rows = np.arange(3)
    examples = run.train.take(rows), run.encode(run.train.take(rows))
    weights = idf_squared(bags(run).sum(0), len(run.train))
    plain, weighted = (
        position_products(
            *(run, Terms(4, None, by, None), (asked.encoded, asked.labels)),
            *((examples[1], examples[0].labels), examples[0].ids),
        )
        for by in (None, weights)
    )
    for one, other in zip(plain, weighted, strict=True):
        assert one.any()
        np.testing.assert_allclose(other, one * weights[asked.encoded[0]], rtol=1e-6)


def test_what_can_have_no_weights_says_so(index: api.Index) -> None:
    with pytest.raises(InputError, match="tracin-last do not split into words, so weights has no"):
        index.trace(TEXT, measure="tracin-last", weights="idf")
    with pytest.raises(InputError, match="tracin-we-syn matches different tokens with each other"):
        index.trace(TEXT, measure="tracin-we-syn", weights="idf")
    with pytest.raises(InputError, match="weights is 'tf'; give idf, or in Python a number for"):
        index.trace(TEXT, weights="tf")
    with pytest.raises(InputError, match=r"weights has 2 numbers, but the vocabulary has \d+ tok"):
        index.trace(TEXT, weights=[1, 2])
    for wrong in ([1.0, -1], [math.nan], [math.inf]):
        with pytest.raises(InputError, match="weights has a number below 0, or one that is not"):
            index.trace(TEXT, weights=wrong)
    with pytest.raises(InputError, match=r"weights has the shape \(1, 2\); give one number for e"):
        index.trace(TEXT, weights=np.ones((1, 2)))
    trace = index.trace(TEXT, weights="idf", baselines=["bm25"])
    assert trace.queries[0].baselines["bm25"]


def test_a_trace_says_its_weights_and_is_asked_again_by_them(index: api.Index) -> None:
    numbers = np.linspace(0, 2, index.run.tokenizer.size, dtype=np.float32)
    trace = index.trace(TEXT, "sport", weights=numbers)
    document = json.loads(json.dumps(trace.document()))
    again = index.trace(TEXT, "sport", **document["options"])
    assert [hit.score for hit in again.proponents] == [hit.score for hit in trace.proponents]
    assert "each token weighted by a number given" in trace_sentence(document)


def test_by_command_as_in_python(index: api.Index) -> None:
    place = index.folder.path
    for typed, options in (
        (("--measure", "tracin-we-idf"), {"measure": "tracin-we-idf"}),
        (("--weights", "idf"), {"weights": "idf"}),
    ):
        said = json.loads(wordtrace("trace", place, TEXT, *typed, "--json").stdout)
        trace = index.trace(TEXT, words=True, **options)
        assert said["source"] == "index"
        listed = said["queries"][0]["proponents"]
        assert [one["id"] for one in listed] == [hit.id for hit in trace.proponents]
        assert [one["score"] for one in listed] == pytest.approx(
            [hit.score for hit in trace.proponents]
        )
    said = wordtrace("trace", place, TEXT, "--measure", "tracin-we-idf").stdout
    assert "tracin-we-idf (top 4 positions of each training text)" in " ".join(said.split())


def test_a_measure_says_how_queries_are_cut() -> None:
    assert TracInWE(4).query_top_k == 4
    assert TracInWE().query_top_k is None
    chosen = measure("tracin-we-idf", Options(top_k=7))
    assert isinstance(chosen, TracInWE)
    assert (chosen.top_k, chosen.query_top_k, chosen.weights) == (7, None, "idf")
    assert "idf²" in chosen.about.equation
    assert "all of the query's" in chosen.about.equation

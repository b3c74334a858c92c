"""Measures over token gradients: which tokens count, and which match (sections 2 and 5)."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from tests.measures.test_layers import any_run, queries_of  # noqa: F401
from tests.oracles.weights import since
from wordtrace import api
from wordtrace.asking.asker import Asker
from wordtrace.data.batches import document_frequency
from wordtrace.errors import InputError
from wordtrace.measures.names import measure
from wordtrace.measures.options import Options
from wordtrace.measures.protocol import Queries
from wordtrace.measures.source import Indexed, Streamed
from wordtrace.measures.synonyms import Pairs, TracInWESyn, match, synonyms
from wordtrace.measures.token_filters import Common, NoCommon
from wordtrace.measures.tracin_we import TracInWE


class Rest:
    """All tokens but the start and end tokens."""

    which = "the rest"

    def keeps(self, run) -> np.ndarray:
        return ~Common().keeps(run)


@pytest.mark.proves("tracin-common")
def test_tracin_we_is_common_and_the_rest(any_run) -> None:  # noqa: F811
    queries = queries_of(any_run)
    whole = measure("tracin-we").score(any_run, queries)
    common = measure("tracin-common").score(any_run, queries)
    rest = TracInWE(tokens=Rest()).score(any_run, queries)
    assert np.abs(common).max() > 0
    assert np.abs(rest).max() > 0
    np.testing.assert_allclose(common + rest, whole, rtol=1e-4, atol=1e-6 * np.abs(whole).max())


@pytest.mark.proves("tracin-we-noc")
def test_noc_leaves_out_special_and_frequent_tokens(run: api.Run) -> None:
    kept = NoCommon(0.2).keeps(run)
    counts = [
        sum(token in run.encoded[row] for row in range(len(run.train)))
        for token in range(run.tokenizer.size)
    ]
    for token, count in enumerate(counts):
        expected = token not in run.tokenizer.special and count <= 0.2 * len(run.train)
        assert kept[token] == expected
    the = run.tokenizer.encode(["the"]).ids[1]
    assert not kept[the]
    queries = queries_of(run)
    scores = measure("tracin-we-noc").score(run, queries)
    whole = measure("tracin-we").score(run, queries)
    assert not np.allclose(scores, whole)
    everything = measure("tracin-we-noc", Options(frequent=1.0)).score(run, queries)
    common = measure("tracin-common").score(run, queries)
    np.testing.assert_allclose(
        everything + common, whole, rtol=1e-4, atol=1e-6 * np.abs(whole).max()
    )


def test_noc_keeps_a_token_in_just_the_share_of_the_texts(run: api.Run) -> None:
    """In more of them it is left out; in as many it counts."""
    total = len(run.train)
    counts = document_frequency(run.encoded, run.tokenizer.size)
    counts[sorted(run.tokenizer.special)] = 0
    token = next(
        token for token in np.flatnonzero(counts) if counts[token] / total * total == counts[token]
    )
    assert NoCommon(counts[token] / total).keeps(run)[token]
    assert not NoCommon((counts[token] - 0.5) / total).keeps(run)[token]


def test_an_index_of_all_positions_answers_the_filtered_measures(
    run: api.Run, full_index: api.Index
) -> None:
    queries = queries_of(run)
    for name in ("tracin-first", "tracin-common", "tracin-we-noc"):
        streamed = measure(name).score(run, queries)
        indexed = Asker(run, full_index.folder).ask(queries, name).scores()
        np.testing.assert_allclose(indexed, streamed, rtol=1e-4, atol=1e-6 * np.abs(streamed).max())
        assert full_index.trace("the coach", measure=name).source == "index"


def test_common_needs_start_or_end_tokens(run: api.Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run.tokenizer, "special", frozenset())
    with pytest.raises(InputError, match="adds no start or end token"):
        measure("tracin-common").score(run, queries_of(run))


def by_hand(run, queries: Queries, k: int, cosine: float) -> np.ndarray:
    """Appendix H pair by pair, with SciPy's assignment on every pair of texts."""
    scores = np.zeros((len(queries), len(run.train)))
    for point in run.checkpoints:
        model = run.model(point)
        table = torch.nn.functional.normalize(next(model.embedding.parameters()).double(), dim=1)

        def tokens(encoded, labels, point=point) -> list[dict[int, torch.Tensor]]:
            asked = Queries(["x"] * len(labels), None, labels, encoded)
            from wordtrace.measures.accumulate import query_tokens

            found: list[dict[int, torch.Tensor]] = [{} for _ in labels]
            for token, holders, gradient in query_tokens(run, point, asked, k).groups():
                for at, one in zip(holders.tolist(), gradient, strict=True):
                    found[at][token] = one.double()
            return found

        held = tokens(run.encoded, run.train.labels)
        for q, query in enumerate(tokens(queries.encoded, queries.labels)):
            for row, example in enumerate(held):
                total = sum(float(example[w] @ query[w]) for w in example.keys() & query.keys())
                left = sorted(example.keys() - query.keys())
                right = sorted(query.keys() - example.keys())
                cost = np.zeros((len(left), len(right)))
                for i, w in enumerate(left):
                    for j, v in enumerate(right):
                        if float(table[w] @ table[v]) > cosine:
                            cost[i, j] = -abs(float(example[w] @ query[v]))
                for i, j in zip(*linear_sum_assignment(cost), strict=True):
                    if cost[i, j]:
                        total += float(example[left[i]] @ query[right[j]])
                scores[q, row] += since(run, point) * total
    return scores


@pytest.mark.proves("tracin-we-syn")
@pytest.mark.parametrize(("k", "cosine"), [(4, 0.3), (10, 0.1), (6, -1.0), (5, 0.7)])
def test_synonyms_against_an_assignment_for_every_pair(run: api.Run, k: int, cosine: float) -> None:
    queries = queries_of(run)
    right = by_hand(run, queries, k, cosine)
    if cosine < 0.5:
        assert not np.allclose(right, TracInWE(k).score(run, queries), rtol=1e-2)
    found = TracInWESyn(k, cosine).score(run, queries)
    np.testing.assert_allclose(found, right, rtol=1e-3, atol=1e-5 * np.abs(right).max())


def test_synonyms_over_one_are_top_k(any_run) -> None:  # noqa: F811
    queries = queries_of(any_run)
    for k in (1, 5):
        np.testing.assert_array_equal(
            TracInWESyn(k, 1.01).score(any_run, queries), TracInWE(k).score(any_run, queries)
        )


def test_synonyms_come_from_an_index_and_split_into_pairs(run: api.Run, index: api.Index) -> None:
    queries = queries_of(run)
    chosen = TracInWESyn(4, 0.2)
    source = Indexed(index.folder)
    asked = chosen.query_tokens(run, queries)
    scores = chosen.score_from(source, run, len(queries), asked)
    streamed = chosen.score(run, queries)
    np.testing.assert_allclose(scores, streamed, rtol=1e-4, atol=1e-6 * np.abs(streamed).max())
    rows = np.arange(len(run.train))
    words = chosen.words_from(source, run, asked, [rows] * len(queries))
    sums = np.array([[sum(found[row].values()) for row in rows] for found in words])
    np.testing.assert_allclose(sums, scores, rtol=1e-4, atol=1e-6 * np.abs(scores).max())
    assert any(one != other for found in words for row in rows for one, other in found[row])
    trace = index.trace("the striker", label="sport", measure="tracin-we-syn", synonym_cosine=0.2)
    assert trace.source == "index"
    assert trace.options == {"synonym_cosine": 0.2}
    pairs = [word for hit in trace.proponents for word in hit.contributions if word.query_token]
    assert pairs
    for word in pairs:
        assert word.query_token != word.token


def test_synonyms_are_cosines_over_the_threshold() -> None:
    table = torch.tensor([[1.0, 0], [2, 0.1], [0, 1], [-1, 0], [0, 0]])
    assert [found.tolist() for found in synonyms(table, [0, 2, 4], 0.7)] == [[1], [], []]
    assert [found.tolist() for found in synonyms(table, [0], 2)] == [[]]


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 1), st.integers(0, 2), st.integers(0, 4), st.integers(0, 4),
            st.floats(-2, 2, width=16),
        ),
        max_size=30,
        unique_by=lambda edge: edge[:4],
    )
)  # fmt: skip
def test_a_matching_is_one_to_one_and_of_largest_weight(edges: list[tuple]) -> None:
    columns = [np.array([edge[at] for edge in edges], np.int64) for at in range(4)]
    values = np.array([edge[4] for edge in edges], np.float32)
    found = match(Pairs(*columns, values))
    for query in (0, 1):
        for example in (0, 1, 2):
            here = (found.query == query) & (found.example == example)
            for side in (found.token[here], found.query_token[here]):
                assert len(set(side.tolist())) == len(side)
            weights = np.zeros((5, 5))
            for q, x, w, v, value in edges:
                if (q, x) == (query, example):
                    weights[w, v] = abs(value)
            best = weights[linear_sum_assignment(weights, maximize=True)].sum()
            assert np.abs(found.value[here]).sum() == pytest.approx(best, abs=1e-5)


def test_streaming_and_words_agree_on_a_filtered_measure(run: api.Run) -> None:
    queries = queries_of(run)
    chosen = TracInWE(tokens=NoCommon())
    scores = chosen.score(run, queries)
    rows = np.arange(len(run.train))
    words = chosen.words_from(
        Streamed(run, None), run, chosen.query_tokens(run, queries), [rows] * len(queries)
    )
    sums = np.array([[sum(found[row].values()) for row in rows] for found in words])
    np.testing.assert_allclose(sums, scores, rtol=1e-4, atol=1e-6 * np.abs(scores).max())

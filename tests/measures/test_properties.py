"""Invariants 2 to 4, and what each measure promises."""

from __future__ import annotations

from typing import Any

import bm25s
import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.conftest import COMMON, WORDS
from wordtrace import api
from wordtrace.asking.asker import Asker
from wordtrace.data.batches import Encoded
from wordtrace.errors import InputError
from wordtrace.measures.names import MEASURES, measure
from wordtrace.measures.protocol import Queries
from wordtrace.measures.source import Streamed
from wordtrace.measures.topn import strongest
from wordtrace.measures.tracin_we import TracInWE

ALL_WORDS = sorted({word for words in WORDS.values() for word in words} | set(COMMON))
TEXTS = st.lists(st.sampled_from(ALL_WORDS), min_size=1, max_size=20).map(" ".join)


def queries_of(run: api.Run, texts: list[str], label: str | None = None) -> Queries:
    return Asker(run).queries(texts, label)


@settings(max_examples=15)
@given(texts=st.lists(TEXTS, min_size=1, max_size=4), k=st.integers(1, 20))
def test_words_sum_to_the_score(run: api.Run, texts: list[str], k: int) -> None:
    asked = queries_of(run, texts)
    chosen = TracInWE(k)
    scores = chosen.score(run, asked)
    assume(scores.any())  # a text's single strongest position may be no other text's
    rows = np.arange(len(run.train))
    tokens = chosen.query_tokens(run, asked)
    words = chosen.words_from(Streamed(run, k), run, tokens, [rows] * len(texts))
    sums = np.array([[sum(words[q][row].values()) for row in rows] for q in range(len(texts))])
    np.testing.assert_allclose(sums, scores, rtol=1e-4, atol=1e-6 * np.abs(scores).max())


@settings(max_examples=15)
@given(text=TEXTS)
def test_top_k_of_at_least_the_length_is_tracin_we(run: api.Run, text: str) -> None:
    asked = queries_of(run, [text])
    longest = int(run.encoded.lengths.max())
    assert not np.array_equal(TracInWE(1).score(run, asked), TracInWE().score(run, asked))
    np.testing.assert_array_equal(TracInWE(longest).score(run, asked), TracInWE().score(run, asked))


@pytest.mark.parametrize("name", ["tracin-we", "tracin-we-topk", "tracin-last", "tracin-last+bias"])
def test_scores_are_symmetric_and_self_influence_is_never_negative(run: api.Run, name: str) -> None:
    asked = Queries(run.train.texts, None, run.train.labels, run.encoded)
    matrix = Asker(run).ask(asked, name).scores()
    assert np.abs(matrix - np.diag(np.diag(matrix))).max() > 0
    np.testing.assert_allclose(matrix, matrix.T, rtol=1e-3, atol=1e-5 * np.abs(matrix).max())
    assert (np.diag(matrix) >= 0).all()


def test_copies_of_a_row_stay_separate_rows_with_equal_scores(
    run: api.Run, queries: list[str]
) -> None:
    texts = run.train.texts
    copies = [row for row, text in enumerate(texts) if texts.count(text) > 1]
    assert len(copies) == 2
    scores = TracInWE().score(run, queries_of(run, queries))
    np.testing.assert_allclose(
        scores[:, copies[0]], scores[:, copies[1]], rtol=1e-4, atol=1e-5 * np.abs(scores).max()
    )
    assert scores[:, copies].any()


@settings(max_examples=10)
@given(seed=st.integers(0, 1000), tokens=st.sampled_from([1, 40, 10**6]))
def test_batches_padding_and_order_do_not_change_a_score(
    run: api.Run, queries: list[str], seed: int, tokens: int
) -> None:
    asked = queries_of(run, queries)
    expected = TracInWE(4).score(run, asked)
    rows = np.random.default_rng(seed).permutation(len(run.train))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("wordtrace.models.predict.TOKENS_A_BATCH", tokens)
        blocks = list(Streamed(run, 4, rows).blocks(0))
        assert (len(blocks) == 1) == (tokens == 10**6)
        tokens_asked = TracInWE(4).query_tokens(run, asked)
        found = TracInWE(4).score_from(Streamed(run, 4, rows), run, len(asked), tokens_asked)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6 * np.abs(expected).max())


def test_a_query_scores_the_same_alone_and_beside_longer_ones(
    run: api.Run, queries: list[str]
) -> None:
    together = TracInWE().score(run, queries_of(run, queries))
    alone = np.concatenate([TracInWE().score(run, queries_of(run, [text])) for text in queries])
    np.testing.assert_allclose(together, alone, rtol=1e-4, atol=1e-6 * np.abs(alone).max())


def test_without_the_examples_that_hold_a_word_it_has_no_posting(run: api.Run) -> None:
    token = run.tokenizer.encode(["market"]).ids[1]
    held = np.array([token in run.encoded[row] for row in range(len(run.train))])
    assert held.any()
    assert not held.all()
    with_it = [block.postings(int(token)) for _, block in Streamed(run, None).blocks(0)]
    without = Streamed(run, None, np.flatnonzero(~held)).blocks(0)
    assert sum(map(len, with_it)) > 0
    assert all(len(block.postings(int(token))) == 0 for _, block in without)


def test_a_text_that_shares_only_special_tokens_is_scored_by_them_alone(run: api.Run) -> None:
    asked = Queries(["zebra"], None, np.array([0]), run.tokenizer.encode(["zebra"]))
    tokens = TracInWE().query_tokens(run, asked)
    rows = np.arange(len(run.train))
    words = TracInWE().words_from(Streamed(run, None), run, tokens, [rows])[0]
    shared = {token for found in words.values() for token, _ in found}
    assert shared
    assert shared <= run.tokenizer.special | {run.tokenizer.inner.token_to_id("[UNK]")} | set(
        asked.encoded.ids.tolist()
    )


@given(
    st.lists(st.floats(-3, 3, width=32).map(lambda x: round(x, 1)), min_size=1, max_size=40),
    st.integers(1, 50),
)
def test_strongest_is_a_full_sort_cut_off(values: list[float], count: int) -> None:
    scores = np.array(values, np.float32)
    proponents, opponents = strongest(scores, count)
    rows = range(len(values))
    assert (
        proponents.tolist()
        == sorted((row for row in rows if scores[row] > 0), key=lambda row: (-scores[row], row))[
            :count
        ]
    )
    assert (
        opponents.tolist()
        == sorted((row for row in rows if scores[row] < 0), key=lambda row: (scores[row], row))[
            :count
        ]
    )


@pytest.mark.proves("bm25")
def test_bm25_ranks_by_shared_rare_words_with_the_labels_sign(run: api.Run) -> None:
    asked = queries_of(run, ["striker striker goal"], "sport")
    scores = measure("bm25").score(run, asked)[0]
    best = int(scores.argmax())
    assert {"striker", "goal"} & set(run.train.texts[best].split())
    agree = run.train.labels == asked.labels[0]
    assert (scores[agree] >= 0).all()
    assert (scores[~agree] <= 0).all()
    assert (scores > 0).any()


def test_bm25_splits_the_training_texts_once(run: api.Run, monkeypatch: pytest.MonkeyPatch) -> None:
    split: list[int] = []

    def tokenize(texts: list[str], **settings: Any) -> Any:
        split.append(len(texts))
        return whole(texts, **settings)

    whole = bm25s.tokenize
    monkeypatch.setattr(bm25s, "tokenize", tokenize)
    fresh = api.Run.open(run.path)
    for text in ("striker", "market"):
        measure("bm25").score(fresh, queries_of(fresh, [text]))
    assert split == [len(run.train), 1, 1]


def test_bm25_of_words_that_no_text_holds_is_zero(run: api.Run) -> None:
    assert not measure("bm25").score(run, queries_of(run, ["xylophone"])).any()


@pytest.mark.proves("random")
def test_random_is_seeded(run: api.Run) -> None:
    asked = queries_of(run, ["goal", "bank"])
    first = measure("random").score(run, asked)
    np.testing.assert_array_equal(first, measure("random").score(run, asked))
    assert first.shape == (2, len(run.train))
    assert abs(float(np.corrcoef(first)[0, 1])) < 0.3


@pytest.mark.parametrize("name", MEASURES)
def test_every_measure_gives_queries_by_examples_in_float32(run: api.Run, name: str) -> None:
    scores = api.influence(run, ["the goal of the bank", "actor"], name)
    assert scores.shape == (2, len(run.train))
    assert scores.dtype == np.float32
    assert np.isfinite(scores).all()


def test_an_unknown_measure_suggests_the_nearest(run: api.Run) -> None:
    with pytest.raises(InputError, match=r"no measure 'tracin-ew'; did you mean tracin-we\?.*bm25"):
        api.influence(run, ["goal"], "tracin-ew")


def test_a_diverged_gradient_names_the_example(run: api.Run) -> None:
    from wordtrace.errors import NumericalError
    from wordtrace.gradients import tokens
    from wordtrace.gradients.embedding import EmbeddingGradients

    gradient = torch.zeros(3, 2, 4)
    gradient[1, 0, 2] = float("nan")
    found = EmbeddingGradients(gradient, torch.zeros(3), torch.zeros(3, 2))
    norms = tokens.position_norms(found)
    with pytest.raises(NumericalError, match="example 'b' is NaN or infinite at step 9"):
        tokens.check_finite(found, norms, np.array([2, 1, 0]), ["a", "b", "c"], "step 9")


def test_an_empty_selection_scores_nothing(run: api.Run) -> None:
    assert list(Streamed(run, 2, np.empty(0, np.int64)).blocks(0)) == []
    assert Encoded(np.empty(0, np.int32), np.zeros(1, np.int64)).lengths.tolist() == []


@pytest.mark.parametrize("ties", [False, True])
def test_the_strongest_of_many_are_those_of_a_full_sort(ties: bool) -> None:
    generator = np.random.default_rng(2)
    scores = generator.standard_normal(200_003).astype(np.float32)
    scores[:150_000] = 0
    if ties:
        scores = np.round(scores, 1)
    scores[-1] = 9
    for count in (1, 20, 500):
        proponents, opponents = strongest(scores, count)
        np.testing.assert_array_equal(proponents, np.argsort(-scores, kind="stable")[:count])
        np.testing.assert_array_equal(opponents, np.argsort(scores, kind="stable")[:count])
        assert proponents[0] == 200_002
    few = np.where(np.arange(len(scores)) % 50_000 == 7, scores, 0).astype(np.float32)
    found = np.concatenate(strongest(few, 20))
    assert sorted(found) == np.flatnonzero(few).tolist()


def test_several_threads_score_as_one(run: api.Run, index: api.Index) -> None:
    queries = index.asker.queries(["the striker and the coach win a match", "bank of shares"])
    answer = index.asker.ask(queries)
    alone = answer.scores()
    torch.set_num_threads(3)
    try:
        np.testing.assert_array_equal(answer.scores(), alone)
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(1)

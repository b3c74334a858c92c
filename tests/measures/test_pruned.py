"""The strongest rows by bounds are those of reading everything."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.index.test_life import further
from wordtrace import api
from wordtrace.asking import search
from wordtrace.errors import CorruptError
from wordtrace.gradients.tokens import TokenGradients
from wordtrace.index.postings import Block, make_block
from wordtrace.measures import pruned
from wordtrace.measures.accumulate import QueryTokens, accumulate
from wordtrace.measures.pruned import strongest_rows
from wordtrace.measures.source import Indexed
from wordtrace.measures.topn import Ranking, rank

VOCABULARY, DIM = 40, 5


@dataclass
class Held:
    """Postings in memory: blocks by checkpoint."""

    etas: list[float]
    examples: int
    held: list[list[Block]]

    def blocks(self, checkpoint: int) -> Iterator[tuple[slice, Block]]:
        for block in self.held[checkpoint]:
            yield slice(block.first, block.first + block.count), block


def source(seed: int, examples: int, dtype: str, size: int, cosine: float) -> Held:
    """Texts of six words by Zipf's law, with heavy-tailed norms and directions of two classes."""
    made = np.random.default_rng(seed)
    chances = 1 / np.arange(1, VOCABULARY + 1)
    drawn = made.choice(VOCABULARY, (examples, 6), p=chances / chances.sum())
    held = []
    for _ in range(2):
        blocks = []
        for first in range(0, examples, size):
            rows = range(first, min(first + size, examples))
            pairs = [(row - first, token) for row in rows for token in sorted(set(drawn[row]))]
            example, token = (torch.tensor([pair[at] for pair in pairs]) for at in (0, 1))
            gradient = torch.from_numpy(made.normal(size=(len(pairs), DIM)).astype(np.float32))
            sign = torch.where(example % 2 == 0, 1.0, -1.0)
            gradient[:, 0] += cosine * 10 * sign
            gradient *= torch.from_numpy(made.exponential(size=len(rows)) ** 3)[example, None]
            parts = [(torch.arange(len(rows)), TokenGradients(example, token, gradient.float()))]
            blocks.append(make_block(parts, first, len(rows), VOCABULARY, dtype))
        held.append(blocks)
    return Held([0.3, 0.07], examples, held)


def query(seed: int, tokens: list[int], steep: float) -> list[QueryTokens]:
    """A query's gradients: the rarer the token, the larger."""
    made = np.random.default_rng(seed)
    found = []
    for _ in range(2):
        gradient = made.normal(size=(len(tokens), DIM)) + np.eye(DIM)[0] * 9
        gradient *= (np.array(tokens)[:, None] + 1.0) ** steep
        found.append(
            QueryTokens(
                tokens,
                list(range(len(tokens) + 1)),
                torch.zeros(len(tokens), dtype=torch.int64),
                torch.from_numpy(gradient.astype(np.float32)),
            )
        )
    return found


def everything(held: Held, asked: list[QueryTokens], removed: np.ndarray) -> np.ndarray:
    scores = np.zeros((1, held.examples), np.float32)
    for place, eta in enumerate(held.etas):
        for rows, block in held.blocks(place):
            accumulate(scores, block, asked[place], eta, rows.start)
    scores[:, removed] = 0
    return scores[0]


def sizes(held: Held) -> list[np.ndarray]:
    """The norm of all that is stored of each example."""
    found = []
    for blocks in held.held:
        squares = np.zeros(held.examples)
        for block in blocks:
            stored = block.direction.double() * block.norm.double()[:, None]
            each = stored.square().sum(1).numpy()
            squares[block.first :][: block.count] = np.bincount(block.example, each, block.count)
        found.append((np.sqrt(squares) * 1.00001).astype(np.float32))
    return found


def same(found: Ranking, scores: np.ndarray, top: int) -> None:
    right = rank(scores, top)
    close = {"rtol": 1e-4, "atol": 1e-5 * np.abs(scores).max(initial=0)}
    for rows, values, expected in (
        (found.proponents, found.proponent_scores, right.proponent_scores),
        (found.opponents, found.opponent_scores, right.opponent_scores),
    ):
        assert len(rows) == len(expected) == len(set(rows.tolist()))
        np.testing.assert_allclose(values, expected, **close)
        np.testing.assert_allclose(scores[rows], expected, **close)


@settings(max_examples=40)
@given(
    seed=st.integers(0, 10_000),
    examples=st.integers(1, 500),
    dtype=st.sampled_from(["float32", "float16", "int8"]),
    size=st.sampled_from([70, 600]),
    tokens=st.lists(st.integers(0, VOCABULARY - 1), min_size=3, max_size=30, unique=True),
    steep=st.sampled_from([0.0, 1.0, 2.0, 3.0]),
    top=st.sampled_from([1, 2, 5, 1000]),
    gone=st.sampled_from([0, 3]),
    cosine=st.sampled_from([1.0, 100.0]),
)
def test_the_ranking_is_that_of_reading_everything(
    seed: int,
    examples: int,
    dtype: str,
    size: int,
    tokens: list[int],
    steep: float,
    top: int,
    gone: int,
    cosine: float,
) -> None:
    held, asked = source(seed, examples, dtype, size, cosine), query(seed, sorted(tokens), steep)
    whole = everything(held, asked, np.empty(0, np.int64))
    removed = np.sort(np.argsort(-np.abs(whole))[:gone])
    scores = everything(held, asked, removed)
    found, _ = pruned.strongest_rows(held, sizes(held), asked, top, removed)
    same(found, scores, top)


@pytest.mark.parametrize(
    "choices",
    [
        {"dtype": "float16"},
        {"dtype": "int8", "project": 5},
        {"dtype": "float32", "project": 5, "projection": "random"},
    ],
)
def test_an_indexes_sizes_are_not_under_those_of_what_is_stored(
    run: api.Run, tmp_path: Path, choices: dict[str, object]
) -> None:
    index = api.build_index(run, tmp_path / "x", top_k=4, shard_size=50, workers=1, **choices)
    index.add(further(), workers=1)
    folder = index.folder
    held = [list(folder.blocks(place)) for place in range(3)]
    stored = sizes(Held([], folder.manifest.examples, held))
    for found, right in zip(Indexed(folder).sizes, stored, strict=True):
        assert (found >= right / 1.00001).all()
        assert np.median(found / right) < 3


def test_frequent_tokens_of_little_weight_are_left_unread() -> None:
    held, tokens = source(1, 3000, "float16", 1000, 1.0), list(range(0, VOCABULARY, 2))
    asked = query(1, tokens, 2.0)
    found, read = pruned.strongest_rows(held, sizes(held), asked, 3, np.empty(0, np.int64))
    same(found, everything(held, asked, np.empty(0, np.int64)), 3)
    total = sum(
        len(block.postings(token)) for place in (0, 1) for _, block in held.blocks(place)
        for token in tokens
    )  # fmt: skip
    assert read < total / 2


def test_an_index_is_searched_by_bounds_for_weighted_measures(
    run: api.Run, index: api.Index, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The rows, scores and words of a trace are those without bounds, with rows removed, too."""
    shutil.copytree(index.folder.path, tmp_path / "index")
    changed = api.Index.open(tmp_path / "index", run.path)
    changed.remove([run.train.ids[row] for row in range(0, 40, 3)])
    texts = ["the striker of the club and the coach", "profit of the bank and the bank of growth"]
    asked: list[int] = []

    def counted(*given: Any) -> Any:
        asked.append(len(given[2][0].tokens))
        return strongest_rows(*given)

    plain = changed.trace(texts, measure="tracin-we-idf", words=True)
    monkeypatch.setattr(search, "strongest_rows", counted)
    monkeypatch.setattr(search, "_MANY", 0)
    monkeypatch.setattr(pruned, "_FEW", 0.8)
    found = changed.trace(texts, measure="tracin-we-idf", words=True)
    assert len(asked) == 2
    for one, other in zip(found.queries, plain.queries, strict=True):
        for mine, right in ((one.proponents, other.proponents), (one.opponents, other.opponents)):
            assert [hit.id for hit in mine] == [hit.id for hit in right]
            for hit, expected in zip(mine, right, strict=True):
                assert hit.score == pytest.approx(expected.score, rel=1e-4)
                assert sum(word.contribution for word in hit.contributions) == pytest.approx(
                    hit.score, rel=1e-4
                )
    changed.trace(texts, measure="tracin-we-topk")
    assert len(asked) == 2


def test_a_row_that_leads_by_an_unread_token_alone_is_found() -> None:
    """Its score equals the bound: were that any tighter, the row would be lost."""
    rows, frequent, rare = 4000, 2000, 120
    example = torch.cat([torch.arange(frequent), torch.arange(rare)])
    token = torch.cat([torch.zeros(frequent), torch.ones(rare)]).long()
    gradient = torch.zeros(frequent + rare, DIM)
    gradient[:frequent, 0] = 0.01
    gradient[frequent:, 0] = torch.tensor([1.0, -1.0]).repeat(rare // 2)
    gradient[frequent - 1, 0], gradient[frequent - 2, 0] = 1.3, -1.2
    order = torch.argsort(example, stable=True)
    parts = [(torch.arange(rows), TokenGradients(example[order], token[order], gradient[order]))]
    held = Held([1.0], rows, [[make_block(parts, 0, rows, 2)]])
    one = query(1, [0, 1], 0.0)[0]
    one.gradient[:] = torch.eye(DIM)[0]
    found, read = pruned.strongest_rows(held, sizes(held), [one], 1, np.empty(0, np.int64))
    assert read == rare
    assert found.proponents.tolist() == [frequent - 1]
    assert found.opponents.tolist() == [frequent - 2]
    assert found.scores.tolist() == pytest.approx([1.3, -1.2])


def test_a_damaged_shard_is_named_as_such() -> None:
    held = source(1, 200, "float32", 1000, 1.0)
    held.held[1][0].example[:] = 5000
    with pytest.raises(CorruptError, match="a shard of the index is damaged"):
        pruned.strongest_rows(
            *(held, sizes(source(1, 200, "float32", 1000, 1.0))),
            *(query(1, list(range(VOCABULARY)), 1.0), 3, np.empty(0, np.int64)),
        )

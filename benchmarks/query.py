"""Scoring against its floor, the paper's loop, and the peers."""

from __future__ import annotations

import importlib
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks import corpus
from benchmarks.measure import in_turn, middle, ratio
from benchmarks.peers import notebook
from wordtrace import api
from wordtrace.explain.question import ask
from wordtrace.explain.tracer import Tracer
from wordtrace.gradients import tokens as gradients
from wordtrace.gradients.embedding import embedding_gradients
from wordtrace.index.postings import Block
from wordtrace.measures.accumulate import QueryTokens, accumulate, query_tokens
from wordtrace.measures.protocol import Queries
from wordtrace.measures.source import Streamed
from wordtrace.measures.tracin_we import TracInWE
from wordtrace.models.protocol import to_batch


def measure(folder: Path, count: int = 10_000, repeats: int = 7) -> list[dict[str, Any]]:
    """Score 40 queries, then 1, over an index of one checkpoint; compare with floor and loop."""
    run = corpus.trained(folder, count)
    found = []
    for top_k in (10, None):
        index = api.build_index(run, folder / f"index-{top_k}-{count}", top_k=top_k)
        name = "all tokens" if top_k is None else f"top {top_k}"
        block = next(iter(index.folder.blocks(0)))
        for number in (40, 1):
            queries = Tracer(run, None).queries(ask(run, corpus.queries(number)))
            tokens = TracInWE(top_k).query_tokens(run, queries)[0]
            eta = run.checkpoints[0].learning_rate
            scores = np.zeros((number, len(run.train)), np.float32)
            seconds = in_turn(
                {
                    "score": lambda t=tokens, s=scores, b=block, e=eta: accumulate(s, b, t, e),
                    "floor": lambda t=tokens, b=block: read_once(b, t),
                },
                repeats,
            )
            scores[:] = 0
            touched = accumulate(scores, block, tokens, eta)
            pairs = number * len(run.train)
            row: dict[str, Any] = {
                "what": f"score {number} quer{'y' if number == 1 else 'ies'}, {name}",
                "examples": len(run.train),
                "seconds": middle(seconds["score"]),
                "seconds_a_pair": middle(seconds["score"]) / pairs,
                "postings_touched": touched,
                "over": "reading the touched postings once",
                "ratio": ratio(seconds["score"], seconds["floor"]),
            }
            found.append(row)
            if number == 40:
                found.append(_loop(run, queries, top_k, scores, eta, row["seconds_a_pair"], name))
    return found


def read_once(block: Block, queries: QueryTokens) -> int:
    """Read every byte of the postings that the queries touch, the sum of their 64-bit words."""
    total = 0
    for token in queries.tokens:
        postings = block.postings(token)
        total += int(postings.direction.view(torch.int64).sum())
        total += int(postings.norm.view(torch.int32).sum())
        total += int(postings.example.sum())
    return total


def _loop(
    run: api.Run,
    queries: Queries,
    top_k: int | None,
    scores: np.ndarray,
    eta: float,
    ours: float,
    name: str,
) -> dict[str, Any]:
    """Time the notebook's loop on a part of the pairs and compare the results."""
    rows = np.arange(0, len(run.train), 50)
    asked = np.arange(10)
    model = run.model(run.checkpoints[0])
    train = _kept(model, run.encoded.take(rows), run.train.labels[rows], top_k)
    query = _kept(model, queries.encoded.take(asked), queries.labels[asked], top_k)
    start = time.perf_counter()
    expected = notebook.scores(train, query, eta)
    seconds = (time.perf_counter() - start) / expected.size
    mine = scores[:10, rows]
    # float16 directions on our side: near-equal, relative to the largest score.
    np.testing.assert_allclose(mine, expected, atol=2e-3 * np.abs(expected).max())
    return {
        "what": f"the paper's notebook loop, {name}",
        "examples": len(rows),
        "seconds_a_pair": seconds,
        "over": "ours, 40 queries",
        "ratio": {"median": seconds / ours, "low": seconds / ours, "high": seconds / ours},
    }


def _kept(model: Any, encoded: Any, labels: Any, top_k: int | None) -> list[notebook.Kept]:
    found = []
    for row in range(len(encoded)):
        batch = to_batch(encoded, labels, np.array([row]))
        here = embedding_gradients(model, batch)
        order = gradients.position_norms(here)[0].sort(descending=True, stable=True).indices
        chosen = order[:top_k]
        found.append((batch.ids[0][chosen].numpy(), here.gradient[0][chosen].numpy()))
    return found


def peer(folder: Path, name: str, count: int = 512, asked: int = 8, repeats: int = 3) -> Any:
    """A peer end to end on a part of the data, gradients included on both sides."""
    module = importlib.import_module(f"benchmarks.peers.{name}")
    run = corpus.trained(folder, 10_000)
    queries = Tracer(run, None).queries(ask(run, corpus.queries(asked)))
    rows = np.arange(count)
    checkpoint = run.checkpoints[0]
    kept: dict[str, Any] = {}

    def ours() -> None:
        tokens = query_tokens(run, checkpoint, queries, None)
        scores = np.zeros((asked, count), np.float32)
        for place, block in Streamed(run, None, rows, quiet=True).blocks(0):
            part = np.zeros((asked, block.count), np.float32)
            accumulate(part, block, tokens, checkpoint.learning_rate)
            scores[:, place] = part
        kept["ours"] = scores

    def theirs() -> None:
        kept["theirs"] = module.scores(run, rows, queries, checkpoint)

    seconds = in_turn({"theirs": theirs, "ours": ours}, repeats)
    largest = np.abs(kept["theirs"]).max()
    np.testing.assert_allclose(kept["ours"], kept["theirs"], atol=1e-5 * largest)
    return {
        "what": f"{module.NAME}, {count} × {asked}, end to end",
        "examples": count,
        "seconds": middle(seconds["theirs"]),
        "over": f"ours, gradients included ({middle(seconds['ours']):.3f} s)",
        "ratio": ratio(seconds["theirs"], seconds["ours"]),
    }


def trace(folder: Path, count: int = 10_000, repeats: int = 20) -> dict[str, Any]:
    """One text, words and all, over all checkpoints: what `seconds` in the JSON means."""
    run = corpus.trained(folder, count)
    index = api.build_index(run, folder / f"index-10-{count}", top_k=10)
    texts = corpus.queries(repeats + 3)
    seconds = sorted(index.trace(text, top=20).seconds for text in texts)
    return {
        "what": f"trace of one text with words, top 10, {len(run.checkpoints)} checkpoints",
        "examples": len(run.train),
        "seconds": seconds[len(seconds) // 2],
        "slowest": seconds[-1],
    }

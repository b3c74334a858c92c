"""How much of the ranking survives what is left out of an index: measured on a sample."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from wordtrace.data.batches import Encoded, by_length
from wordtrace.gradients import tokens as gradients
from wordtrace.gradients.embedding import embedding_gradients
from wordtrace.gradients.tokens import TokenGradients
from wordtrace.index.manifest import WeighedCheckpoint
from wordtrace.index.postings import Block, make_block
from wordtrace.models import predict
from wordtrace.models.protocol import to_batch
from wordtrace.run.run import Run

TOP = 20
_ROWS, _QUERIES, _SEED = 2000, 40, 23

Kept = list[tuple[Tensor, TokenGradients]]


@dataclass(frozen=True)
class Fidelity:
    """Scores of what is stored beside exact ones.

    Attributes
    ----------
    spearman
        Spearman's rank correlation over the sampled examples, a mean over the queries.
    overlap
        The share of the exact 20 strongest proponents, and opponents, that are listed, too.
    rows, queries
        The size of the sample.
    """

    spearman: float
    overlap: float
    rows: int
    queries: int

    def document(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {**asdict(self), "top": TOP}


@dataclass(frozen=True)
class Sample:
    """Gradients of some training examples and some queries, at each checkpoint, kept apart."""

    examples: list[Kept]
    queries: list[Kept]
    sizes: tuple[int, int]
    vocabulary: int

    def blocks(
        self, dtype: str = "float32", bases: Sequence[Tensor] | None = None
    ) -> tuple[list[Block], list[Block]]:
        """Return the postings of examples, as stored, and of queries, at each checkpoint."""
        found: tuple[list[Block], list[Block]] = ([], [])
        for side, kept in enumerate((self.examples, self.queries)):
            for place, parts in enumerate(kept):
                basis = None if bases is None else bases[place]
                stored = "float32" if side else dtype
                size = self.sizes[side]
                found[side].append(make_block(parts, 0, size, self.vocabulary, stored, basis))
        return found


def sample(run: Run, top_k: int | None, precision: str = "float32") -> Sample:
    """Draw training rows, and as queries held-out rows (else further training rows).

    The gradients of the training rows are computed in `precision`, those of queries in float32.
    """
    order = np.random.default_rng(_SEED).permutation(len(run.train))
    rows = np.sort(order[:_ROWS])
    labels = run.train.labels
    held = run.held_out
    if held is not None and len(held):
        asked = run.tokenizer.encode(held.texts[:_QUERIES], held.texts2 and held.texts2[:_QUERIES])
        theirs = held.labels[:_QUERIES]
    else:
        further = order[_ROWS : _ROWS + _QUERIES]
        chosen = np.sort(further if len(further) else order[:_QUERIES])
        asked, theirs = _encoded(run, chosen), labels[chosen]
    mine = _encoded(run, rows)
    # Checkpoint by checkpoint, so that one model is in memory at a time.
    kept = [
        (
            _kept(run, place, mine, labels[rows], top_k, precision),
            _kept(run, place, asked, theirs, top_k),
        )
        for place in range(len(run.checkpoints))
    ]
    return Sample(
        [examples for examples, _ in kept],
        [queries for _, queries in kept],
        (len(mine), len(asked)),
        run.tokenizer.size,
    )


def scores(
    sources: Sequence[WeighedCheckpoint], examples: Sequence[Block], queries: Sequence[Block]
) -> npt.NDArray[np.float64]:
    """Return Σ_c η_c Σ_w g_w · g′_w, shape (queries, examples), token by token."""
    total = np.zeros((queries[0].count, examples[0].count))
    for source, block, asked in zip(sources, examples, queries, strict=True):
        for token in asked.token_offsets.diff().nonzero().flatten().tolist():
            mine, theirs = block.postings(token), asked.postings(token)
            if len(mine):
                left = theirs.direction.double() * theirs.norm.unsqueeze(1)
                right = mine.direction.double() * mine.norm.unsqueeze(1)
                cells = np.ix_(theirs.example.numpy(), mine.example.numpy())
                total[cells] += source.eta * (left @ right.T).numpy()
    return total


def compare(exact: npt.NDArray[np.float64], found: npt.NDArray[np.float64]) -> Fidelity:
    """Compare two matrices of scores, shape (queries, examples), row by row."""
    from scipy.stats import spearmanr

    correlations, shares = [], []
    for one, other in zip(exact, found, strict=True):
        if np.ptp(one) > 0 and np.ptp(other) > 0:
            correlations.append(float(spearmanr(one, other).statistic))
        for sign in (1, -1):
            right = _top(sign * one)
            if len(right):
                shares.append(len(np.intersect1d(right, _top(sign * other))) / len(right))
    return Fidelity(
        round(float(np.mean(correlations or [1.0])), 4),
        round(float(np.mean(shares or [1.0])), 4),
        exact.shape[1],
        exact.shape[0],
    )


def measure(
    drawn: Sample,
    sources: Sequence[WeighedCheckpoint],
    dtype: str,
    bases: Sequence[Tensor] | None,
    computed: Sample | None = None,
) -> Fidelity:
    """Compare what an index stores with top-k computed and kept in float32, in all dimensions.

    `computed` is the sample in the index's precision, where that is another one.
    """
    exact = scores(sources, *drawn.blocks())
    return compare(exact, scores(sources, *(computed or drawn).blocks(dtype, bases)))


def _top(scores: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    order: npt.NDArray[np.int64] = np.argsort(-scores, kind="stable")[:TOP]
    return order[scores[order] > 0]


def _encoded(run: Run, rows: npt.NDArray[np.int64]) -> Encoded:
    examples = run.train.take(rows)
    return run.tokenizer.encode(examples.texts, examples.texts2)


def _kept(
    run: Run,
    place: int,
    encoded: Encoded,
    labels: npt.NDArray[np.int64],
    top_k: int | None,
    precision: str = "float32",
) -> Kept:
    point = run.checkpoints[place]
    model = run.model_alone(point)
    parts = []
    for rows in by_length(encoded.lengths, 1024, predict.tokens_a_batch(model)):
        batch = to_batch(encoded, labels, rows, predict.device_of(model))
        found = embedding_gradients(model, batch, scale=run.row_scale(point), precision=precision)
        norms = gradients.position_norms(found)
        kept = gradients.token_gradients(batch, found, norms, top_k).cpu()
        parts.append((torch.from_numpy(rows), kept))
    return parts

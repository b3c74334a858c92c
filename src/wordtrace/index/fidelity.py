"""How much of the ranking is kept although an index leaves things out, measured on a sample."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from wordtrace.data.batches import Encoded
from wordtrace.data.examples import Examples
from wordtrace.gradients.stream import gradient_stream
from wordtrace.gradients.tokens import TokenGradients
from wordtrace.index.manifest import WeighedCheckpoint
from wordtrace.index.postings import Block, make_block
from wordtrace.run.checkpoint import Checkpoint
from wordtrace.run.run import Run

TOP = 20
_ROWS, _QUERIES, _SEED = 2000, 40, 23

Kept = list[tuple[Tensor, TokenGradients]]


@dataclass(frozen=True)
class Fidelity:
    """How closely scores from what is stored follow the exact scores.

    Attributes
    ----------
    spearman
        Spearman's rank correlation over the sampled examples, averaged over the queries.
    overlap
        The share of the exact 20 strongest proponents and 20 strongest opponents that are among the
        20 strongest by what is stored, too.
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
    """Gradients at each checkpoint of some training examples and, separately, some queries."""

    examples: list[Kept]
    queries: list[Kept]
    sizes: tuple[int, int]
    vocabulary: int

    def blocks(
        self, dtype: str = "float32", bases: Sequence[Tensor] | None = None
    ) -> tuple[list[Block], list[Block]]:
        """Return at each checkpoint the postings of the examples, as stored, and of the queries."""
        found: tuple[list[Block], list[Block]] = ([], [])
        for side, kept in enumerate((self.examples, self.queries)):
            for place, parts in enumerate(kept):
                basis = None if bases is None else bases[place]
                stored = "float32" if side else dtype
                size = self.sizes[side]
                found[side].append(make_block(parts, 0, size, self.vocabulary, stored, basis))
        return found


def sample(run: Run, top_k: int | None, precision: str = "float32") -> Sample:
    """Draw training rows, and held-out rows (or else further training rows) as queries.

    The gradients of the training rows are computed in `precision`, those of the queries in float32.

    Raises
    ------
    NumericalError
        When a loss or gradient is NaN or infinite; the message names the example.
    """
    order = np.random.default_rng(_SEED).permutation(len(run.train))
    mine = run.train.take(np.sort(order[:_ROWS]))
    held = run.held_out
    if held is not None and len(held):
        asked = held.take(np.arange(min(_QUERIES, len(held))))
    else:
        further = order[_ROWS : _ROWS + _QUERIES]
        asked = run.train.take(np.sort(further if len(further) else order[:_QUERIES]))
    sides = [(one, run.encode(one)) for one in (mine, asked)]
    examples, queries = [], []
    # This goes by checkpoint, so that only one model is in memory at a time.
    for point in run.checkpoints:
        run.model_alone(point)
        examples.append(_kept(run, point, *sides[0], top_k, precision))
        queries.append(_kept(run, point, *sides[1], top_k))
    return Sample(examples, queries, (len(mine), len(asked)), run.tokenizer.size)


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

    `computed` is the sample in the index's precision, where this is not float32.
    """
    exact = scores(sources, *drawn.blocks())
    return compare(exact, scores(sources, *(computed or drawn).blocks(dtype, bases)))


def _top(scores: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    order: npt.NDArray[np.int64] = np.argsort(-scores, kind="stable")[:TOP]
    return order[scores[order] > 0]


def _kept(
    run: Run,
    point: Checkpoint,
    examples: Examples,
    encoded: Encoded,
    top_k: int | None,
    precision: str = "float32",
) -> Kept:
    stream = gradient_stream(
        run, point, encoded, examples.labels, examples.ids, precision=precision
    )
    return [(torch.from_numpy(found.rows), found.tokens(top_k)) for found in stream]

"""Influence functions over all word embeddings, with their Gauss–Newton matrix as the Hessian."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from threading import RLock
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from wordtrace.measures.accumulate import QueryTokens, query_tokens
from wordtrace.measures.embedding_curvature import Curvature, bytes_of, make_curvature
from wordtrace.measures.influence_functions import plain
from wordtrace.measures.protocol import About, Queries, Scores
from wordtrace.measures.token_weights import FloatArray, Weights, weights_of_run
from wordtrace.measures.word_level import TokenPairs
from wordtrace.run.run import Run

IntArray = npt.NDArray[np.int64]

#: Row → its score's part at each checkpoint.
Parts = dict[int, tuple[float, ...]]


@dataclass(frozen=True)
class InfluenceWE:
    """+Σ_c η_c ∂ℓ(x)ᵀ (H_c + λ_c I)⁻¹ ∂ℓ(x′) over all word embeddings.

    H_c is the Gauss–Newton matrix, a mean over the training examples, of the embeddings at the
    checkpoint c. It is summed over checkpoints as TracIn-WE is, so that the two differ in H alone:
    λ times the score tends to TracIn-WE as λ grows.

    Attributes
    ----------
    damping
        λ at each checkpoint; None takes `times` the mean of H's eigenvalues there (see
        :func:`.make_curvature`).
    memory
        Bytes of working memory.
    weights
        A weight for each token, by which its part of a score is multiplied: "idf", or a number for
        each token of the vocabulary; "" for none (see :mod:`.token_weights`).
    """

    damping: float | None = None
    times: float = 10.0
    memory: int = 1 << 30
    weights: Weights = ""

    about: ClassVar = About(
        equation="Σ_c η_c ∇ℓᵀ (H_c + λI)⁻¹ ∇ℓ′ over all word embeddings, H_c their Gauss–Newton "
        "matrix",
        needs="the checkpoints",
        cost="once: n·c·(classes - 1) backward passes, and c times s³ to factorise, "
        "s = n·(classes - 1), or conjugate gradients where s² does not fit in the memory; then "
        "c·s² a query",
        by_word=True,
        reads_texts=False,
    )

    def score(self, run: Run, queries: Queries) -> Scores:
        """Return influences, float32, shape (queries, examples)."""
        return Curvatures(run, self).ask(queries, weights_of_run(self.weights, run)).scores()


class Curvatures:
    """The systems of a run's checkpoints; kept for further questions if all fit in the memory."""

    def __init__(self, run: Run, measure: InfluenceWE) -> None:
        self.run, self.measure = run, measure
        self._kept: dict[int, Curvature] = {}
        self._making = RLock()

    def at(self, place: int) -> Curvature:
        """Return the system at a checkpoint.

        Raises
        ------
        InputError
            For a model that does not give each text one class, or was trained with another loss
            than plain cross-entropy.
        NumericalError
            When the damped matrix is singular.
        """
        with self._making:
            if place not in self._kept:
                point, how = self.run.checkpoints[place], self.measure
                self.run.require_classes("influence-we")
                plain(self.run.model(point))
                made = make_curvature(self.run, point, how.damping, how.times, how.memory)
                if bytes_of(made) * len(self.run.checkpoints) > how.memory:
                    return made
                self._kept[place] = made
            return self._kept[place]

    def ask(self, queries: Queries, weights: FloatArray | None = None) -> Influences:
        """Solve for the queries' gradients at each checkpoint.

        Parameters
        ----------
        weights
            float32, shape (vocabulary,): what each token's part of a score is multiplied by; None
            for 1.
        """
        solved = []
        for place, point in enumerate(self.run.checkpoints):
            curvature = self.at(place)
            asked = query_tokens(self.run, point, queries, None)
            y = curvature.solve(asked, len(queries))
            if place not in self._kept:
                curvature = curvature.without_roots()
            solved.append(Solved(curvature, asked, y))
        return Influences(self.run.etas, len(queries), solved, weights)


@dataclass(frozen=True)
class Solved:
    """Queries solved for at one checkpoint: their gradients, and y of :mod:`.embedding_curvature`.

    Attributes
    ----------
    y
        float64, shape (queries, examples, C − 1).
    """

    curvature: Curvature
    asked: QueryTokens
    y: Tensor

    def scores(self, weights: Tensor | None) -> Tensor:
        """Return ∂ℓ(x)ᵀ (H + λI)⁻¹ ∂ℓ(x′), float64, shape (queries, examples)."""
        slopes = self.curvature.slopes
        if weights is None:
            return self.y[:, :, 0] * (slopes * len(slopes))
        parts = []
        for queries in self.curvature.parts(len(self.y)):
            found = self.curvature.solution(self.asked, self.y, queries)
            found.values.mul_(weights[found.tokens][:, None, None])
            products = self.curvature.products(found)[:, :, 0]
            parts.append(products * slopes)
        return torch.cat(parts)

    def words(
        self, wanted: Sequence[IntArray], weights: Tensor | None
    ) -> Iterator[tuple[int, int, int, float]]:
        """Yield (query, row, token, part of the score) of the rows wanted for each query."""
        every = np.unique(np.concatenate(wanted))
        pieces = list(self.curvature.roots.pieces(rows=every))
        if not pieces:
            return
        example = torch.cat([piece.example for piece in pieces])
        token = torch.cat([piece.token for piece in pieces])
        first = torch.cat([piece.gradient[:, 0].double() for piece in pieces])
        first *= self.curvature.slopes[example][:, None]
        if weights is not None:
            first *= weights[token][:, None]
        for queries in self.curvature.parts(len(wanted)):
            found = self.curvature.solution(self.asked, self.y, queries, token)
            place = torch.searchsorted(found.tokens, token)
            for at, query in enumerate(queries):
                here = torch.isin(example, torch.from_numpy(wanted[query])).nonzero().flatten()
                values = (first[here] * found.values[place[here], at]).sum(1)
                rows, tokens = example[here].tolist(), token[here].tolist()
                for row, one, value in zip(rows, tokens, values.tolist(), strict=True):
                    yield query, row, one, value


@dataclass(frozen=True)
class Influences:
    """The influence of all training examples on some queries, as a whole and by word.

    Attributes
    ----------
    etas
        The weight of each checkpoint.
    count
        The number of queries.
    """

    etas: Sequence[float]
    count: int
    solved: Sequence[Solved]
    weights: FloatArray | None

    def scores(self) -> Scores:
        """Return influences, float32, shape (queries, examples)."""
        total = sum(
            eta * one.scores(self._weights) for eta, one in zip(self.etas, self.solved, strict=True)
        )
        assert isinstance(total, Tensor)
        found: Scores = total.float().numpy()
        return found

    def words(self, wanted: Sequence[IntArray]) -> list[dict[int, TokenPairs]]:
        """Split the scores of the rows wanted for each query by the example's tokens.

        The query need not hold such a token: others that it holds act through it.
        """
        found: list[dict[int, TokenPairs]] = [{int(row): {} for row in rows} for rows in wanted]
        for eta, one in zip(self.etas, self.solved, strict=True):
            for query, row, token, value in one.words(wanted, self._weights):
                if value:
                    words = found[query][row]
                    words[token, token] = words.get((token, token), 0.0) + eta * value
        return found

    def by_checkpoint(self, wanted: Sequence[IntArray]) -> list[Parts]:
        """Split the same scores by checkpoint."""
        pairs = zip(self.etas, self.solved, strict=True)
        steps = [(eta * one.scores(self._weights)).numpy() for eta, one in pairs]
        return [
            {int(row): tuple(float(step[query, row]) for step in steps) for row in rows}
            for query, rows in enumerate(wanted)
        ]

    @property
    def _weights(self) -> Tensor | None:
        return None if self.weights is None else torch.from_numpy(self.weights).double()

"""Influence through the word embeddings with a cheap Hessian, which changes the query alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from threading import Lock
from typing import ClassVar
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt
import torch

from wordtrace.execute.progress import track
from wordtrace.gradients.curvature import position_curvature
from wordtrace.measures import solve
from wordtrace.measures.accumulate import QueryTokens
from wordtrace.measures.influence_functions import plain
from wordtrace.measures.protocol import About, Queries, Scores
from wordtrace.measures.source import PostingSource, Streamed
from wordtrace.measures.token_weights import Weights, weights_of_run
from wordtrace.measures.tracin_we import TracInWE
from wordtrace.measures.word_level import TokenPairs
from wordtrace.run.run import Run

FloatMatrix = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Factors:
    """H at one checkpoint as diag(f) ⊗ S.

    Attributes
    ----------
    frequency
        float64, shape (vocabulary,): f, how often each token stands in a training text, a mean.
    values, vectors
        float64, shapes (dim,) and (dim, dim): the eigenvalues and eigenvectors of S, the mean over
        all positions of the Gauss–Newton matrix of the vector looked up there.
    mean
        The mean of H's eigenvalues, of those that :func:`.make_curvature` counts.
    """

    frequency: FloatMatrix
    values: FloatMatrix
    vectors: FloatMatrix
    mean: float

    def solved(self, asked: QueryTokens, damping: float) -> QueryTokens:
        """Return (f_w S + λI)⁻¹ g_w for each token gradient g_w of some queries."""
        token = np.repeat(np.asarray(asked.tokens, np.int64), np.diff(asked.offsets))
        scale = self.frequency[token][:, None] * self.values + damping
        found = (asked.gradient.double().numpy() @ self.vectors) / scale @ self.vectors.T
        return replace(asked, gradient=torch.from_numpy(found).float())


#: Each run's factors by checkpoint, made once, however many questions are asked.
_FACTORS: WeakKeyDictionary[Run, dict[int, Factors]] = WeakKeyDictionary()
_making = Lock()


@dataclass(frozen=True)
class InfluenceKFAC:
    """+Σ_c η_c Σ_{w ∈ x ∩ x′} ∂ℓ(x)/∂Θ_w · (f_w S_c + λ_c I)⁻¹ ∂ℓ(x′)/∂Θ_w.

    The Gauss–Newton matrix of the embeddings, if the vectors at any two positions had nothing to do
    with each other (K-FAC: Martens and Grosse 2015; for embeddings the factor of inputs is
    diagonal). It leads from no token to another.

    Attributes
    ----------
    top_k
        Only this many positions of each training text count; None for all. Of a query all count.
    damping
        λ at each checkpoint; None takes `times` the mean of H's eigenvalues there.
    weights
        See :class:`.TracInWE`.
    """

    top_k: int | None = None
    damping: float | None = None
    times: float = 10.0
    weights: Weights = ""

    query_top_k: ClassVar = None
    about: ClassVar = About(
        equation="Σ_c η_c Σ_w ∂ℓ/∂Θ_w · (f_w S_c + λI)⁻¹ ∂ℓ′/∂Θ_w, f_w the token's frequency, S_c "
        "the mean Gauss–Newton matrix of a position",
        needs="an index and the checkpoints",
        cost="once: n·c·(classes - 1) backward passes; then as tracin-we-idf",
        by_word=True,
        reads_texts=False,
    )

    def score(self, run: Run, queries: Queries) -> Scores:
        """Return influences, float32, shape (queries, examples), from gradients computed now."""
        asked = self.query_tokens(run, queries)
        weights = weights_of_run(self.weights, run)
        if weights is not None:
            asked = [one.weighted(weights) for one in asked]
        return self.score_from(Streamed(run, self.top_k), run, len(queries), asked)

    def query_tokens(self, run: Run, queries: Queries) -> list[QueryTokens]:
        """Return the queries' token gradients, solved for, at each checkpoint.

        Raises
        ------
        InputError
            For a model that does not give each text one class, or was trained with another loss
            than plain cross-entropy.
        """
        asked = TracInWE().query_tokens(run, queries)
        return [
            one.solved(tokens, solve.damping_of(one.mean, 1, self.damping, self.times))
            for one, tokens in zip(factors_of(run), asked, strict=True)
        ]

    def score_from(
        self, source: PostingSource, run: Run, count: int, asked: Sequence[QueryTokens]
    ) -> Scores:
        """Return influences, float32, shape (`count` queries, examples), from a source."""
        return TracInWE(self.top_k).score_from(source, run, count, asked)

    def words_from(
        self,
        source: PostingSource,
        run: Run,
        asked: Sequence[QueryTokens],
        wanted: Sequence[npt.NDArray[np.int64]],
    ) -> list[dict[int, TokenPairs]]:
        """Split the scores of the rows wanted for each query by shared token."""
        return TracInWE(self.top_k).words_from(source, run, asked, wanted)


def factors_of(run: Run) -> list[Factors]:
    """Return the factors at each checkpoint; made once for a run."""
    run.require_classes("influence-we-kfac")
    with _making:
        held = _FACTORS.setdefault(run, {})
        for place, point in enumerate(run.checkpoints):
            if place not in held:
                plain(run.model(point))
                name = f"Curvature {place + 1}/{len(run.checkpoints)}"
                with track(name, len(run.train) * (len(run.label_names) - 1), "passes") as advance:
                    matrix = position_curvature(run, point, advance)
                held[place] = _factors(run, matrix)
        return [held[place] for place in range(len(run.checkpoints))]


def _factors(run: Run, matrix: FloatMatrix) -> Factors:
    """Make the factors from S; numbers below zero are rounding's."""
    ids, examples = run.encoded.ids, len(run.train)
    values, vectors = np.linalg.eigh(matrix)
    trace = float(np.trace(matrix)) * len(ids) / examples
    counted = min(examples * (len(run.label_names) - 1), len(np.unique(ids)) * len(matrix))
    frequency = np.bincount(ids, minlength=run.tokenizer.size) / examples
    return Factors(frequency, values.clip(0), vectors, trace / counted)

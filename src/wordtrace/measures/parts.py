"""The parts of I = L(x) · S(x, x′) · L(x′), each alone (appendix G), and similar embeddings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from wordtrace.data.batches import Encoded
from wordtrace.gradients.last_layer import factors
from wordtrace.measures.protocol import About, Queries, Scores
from wordtrace.models import predict
from wordtrace.run.run import Run


@dataclass(frozen=True)
class LossSaliency:
    """Σ_c η_c ‖∂ℓ(x)/∂f‖: how much the model could still learn from x, whatever the query.

    Never negative: it has no opponents.
    """

    about: ClassVar = About(
        equation="Σ_c η_c ‖δ‖ (appendix G)",
        needs="the checkpoints",
        cost="n·c forward passes",
        reads_texts=False,
    )

    def score(self, run: Run, queries: Queries) -> Scores:
        """Return scores, the same row for each query, float32, shape (queries, examples)."""
        total = np.zeros(len(run.train), np.float32)
        for checkpoint, eta in zip(run.checkpoints, run.etas, strict=True):
            _, delta = factors(run.model(checkpoint), run.encoded, run.train.labels)
            norms = np.linalg.norm(delta, axis=1).astype(np.float32)
            total += norms * np.float32(eta)
        return np.tile(total, (len(queries), 1))


@dataclass(frozen=True)
class GradientSimilarity:
    """±Σ_c η_c (a · a′), a the last layer's input; negative where the labels differ."""

    about: ClassVar = About(
        equation="±Σ_c η_c (a · a′), the sign by the labels' agreement (appendix G)",
        needs="the checkpoints",
        cost="n·c forward passes and one matrix product",
        reads_texts=False,
    )

    def score(self, run: Run, queries: Queries) -> Scores:
        """Return signed similarities, float32, shape (queries, examples)."""
        scores = np.zeros((len(queries), len(run.train)), np.float32)
        for checkpoint, eta in zip(run.checkpoints, run.etas, strict=True):
            model = run.model(checkpoint)
            a = predict.last_layer_inputs(model, run.encoded)
            asked = predict.last_layer_inputs(model, queries.encoded)
            scores += (asked @ a.T) * np.float32(eta)
        return _signed(scores, run, queries)


@dataclass(frozen=True)
class EmbeddingSimilarity:
    """±cos of the texts' mean word embeddings in the final model; negative where labels differ.

    Start and end tokens are left out. It knows the model's words, but nothing of its layers.
    """

    about: ClassVar = About(
        equation="±cos(mean of Θ_w over x, the same over x′), the sign by the labels' agreement",
        needs="the final model's embedding",
        cost="a lookup of n texts and one matrix product",
        reads_texts=False,
        passes=False,
    )

    def score(self, run: Run, queries: Queries) -> Scores:
        """Return signed cosines, float32, shape (queries, examples)."""
        (table,) = run.model(run.final).embedding.parameters()
        words = table.detach().float().cpu().numpy()
        special = np.array(sorted(run.tokenizer.special), np.int64)
        found = mean_directions(words, queries.encoded, special) @ (
            mean_directions(words, run.encoded, special).T
        )
        return _signed(found, run, queries)


def mean_directions(
    table: npt.NDArray[np.float32], encoded: Encoded, left_out: npt.NDArray[np.int64]
) -> npt.NDArray[np.float32]:
    """Return the direction of each text's mean embedding, shape (texts, dim); 0 for none."""
    from scipy import sparse

    counted = ~np.isin(encoded.ids, left_out)
    shape = (len(encoded), len(table))
    bags = sparse.csr_array(
        (counted.astype(np.float32), encoded.ids.astype(np.int64), encoded.offsets), shape=shape
    )
    sums = np.asarray(bags @ table, np.float32)
    norms = np.linalg.norm(sums, axis=1, keepdims=True)
    return np.asarray(sums / np.where(norms > 0, norms, 1), np.float32)


def _signed(scores: Scores, run: Run, queries: Queries) -> Scores:
    for row, label in zip(scores, queries.labels, strict=True):
        row[~run.labelling.agree(run.train.labels, label)] *= -1
    return scores

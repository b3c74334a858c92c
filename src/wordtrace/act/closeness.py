"""How similarly examples act on a model: the influence between examples, block by block."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from wordtrace.data.batches import Encoded
from wordtrace.execute.progress import track
from wordtrace.gradients.stream import gradient_stream
from wordtrace.measures.token_weights import FloatArray
from wordtrace.run.run import Run

Matrix = npt.NDArray[np.float32]


@dataclass(frozen=True)
class _Held:
    """Token gradients at one checkpoint, by token, then example."""

    eta: float
    token: npt.NDArray[np.int64]
    example: npt.NDArray[np.int64]
    gradient: Matrix


class Closeness:
    """Influence among some examples, each with its label: Σ_c η_c Σ_w g_w(x) · g_w(x′).

    Parameters
    ----------
    encoded, labels
        The examples and their labels.
    ids
        The examples' ids, for messages.
    top_k
        How many positions of a text count; None for all.
    weights
        float32, shape (vocabulary,): what each token's product is multiplied by; None for 1.
    """

    def __init__(
        self,
        run: Run,
        encoded: Encoded,
        labels: npt.NDArray[np.int64],
        ids: list[str],
        top_k: int | None = 10,
        weights: FloatArray | None = None,
    ) -> None:
        self.count = len(labels)
        self._held: list[_Held] = []
        # Both texts of a pair are of these examples: each takes the root of a token's weight.
        roots = None if weights is None else np.sqrt(weights)[:, None]
        with track("Gradients", len(labels) * len(run.checkpoints), "gradients") as advance:
            for point, eta in zip(run.checkpoints, run.etas, strict=True):
                parts: list[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], Matrix]] = []
                for found in gradient_stream(run, point, encoded, labels, ids):
                    kept = found.tokens(top_k)
                    example = found.rows[kept.example.numpy()]
                    parts.append((kept.token.numpy(), example, kept.gradient.numpy()))
                    advance(len(found.rows))
                token, example, gradient = (np.concatenate(one) for one in zip(*parts, strict=True))
                order = np.lexsort((example, token))
                gradient = gradient if roots is None else gradient * roots[token]
                self._held.append(_Held(eta, token[order], example[order], gradient[order]))
        self.norms = self._norms()

    def influence(self, rows: npt.NDArray[np.int64], others: npt.NDArray[np.int64]) -> Matrix:
        """Return influences between examples, float32, shape (rows, others); both are rising."""
        found = np.zeros((len(rows), len(others)), np.float32)
        for held, one, other in self._shared(rows, others):
            g, h = held.gradient[one], held.gradient[other]
            places = np.searchsorted(rows, held.example[one])
            found[np.ix_(places, np.searchsorted(others, held.example[other]))] += (
                held.eta * g
            ) @ h.T
        return found

    def distance(self, rows: npt.NDArray[np.int64], others: npt.NDArray[np.int64]) -> Matrix:
        """Return max(1 − I(x, x′)/√(I(x, x) I(x′, x′)), 0), or 1 if one has no gradient."""
        sizes = np.outer(self.norms[rows], self.norms[others])
        shared = np.divide(
            self.influence(rows, others),
            sizes,
            out=np.zeros(sizes.shape, np.float32),
            where=sizes > 0,
        )
        result: Matrix = np.maximum(1 - shared, 0)
        return result

    def words(self, one: int, other: int) -> dict[int, float]:
        """Return each shared token's part of the influence between two examples."""
        found: dict[int, float] = {}
        for held, a, b in self._shared(np.array([one]), np.array([other])):
            token = int(held.token[a[0]])
            product = held.eta * float(held.gradient[a[0]] @ held.gradient[b[0]])
            found[token] = found.get(token, 0.0) + product
        return found

    def _shared(
        self, rows: npt.NDArray[np.int64], others: npt.NDArray[np.int64]
    ) -> Iterator[tuple[_Held, npt.NDArray[np.int64], npt.NDArray[np.int64]]]:
        """Yield, for each checkpoint and each token that both hold, the places of its gradients."""
        for held in self._held:
            one, other = (np.flatnonzero(np.isin(held.example, some)) for some in (rows, others))
            tokens = np.intersect1d(held.token[one], held.token[other])
            bounds = [
                np.searchsorted(held.token[part], [tokens, tokens + 1]) for part in (one, other)
            ]
            for place in range(len(tokens)):
                (a, b), (c, d) = (bound[:, place] for bound in bounds)
                yield held, one[a:b], other[c:d]

    def _norms(self) -> npt.NDArray[np.float64]:
        squares = np.zeros(self.count)
        for held in self._held:
            own = np.einsum("ij,ij->i", held.gradient, held.gradient, dtype=np.float64)
            np.add.at(squares, held.example, held.eta * own)
        return np.sqrt(squares)

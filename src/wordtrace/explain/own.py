"""The influence of examples on themselves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from wordtrace.explain.tracer import Tracer
from wordtrace.measures.names import measure
from wordtrace.measures.options import Options
from wordtrace.measures.protocol import Queries
from wordtrace.measures.tracin_we import TracInWE
from wordtrace.run.run import Run

FloatArray = npt.NDArray[np.float32]

# Training rows asked at once.
_ROWS = 256


def self_influence(tracer: Tracer, name: str, **options: Any) -> FloatArray:
    """Return the influence of the training rows on themselves, float32, shape (rows,).

    TracIn-WE and its parts take one pass; all other measures a score for each two training rows.

    Parameters
    ----------
    name, **options
        A measure and the fields of :class:`Options`.
    """
    chosen = measure(name, Options(**options))
    parts: list[FloatArray] = []
    first = 0
    for queries in _training(tracer.run):
        if isinstance(chosen, TracInWE):
            parts.append(squares(tracer, chosen, queries))
        else:
            scores = tracer.score(queries, name, **options)
            parts.append(scores.diagonal(first).copy())
        first += len(queries)
    return np.concatenate(parts)


def squares(tracer: Tracer, chosen: TracInWE, queries: Queries) -> FloatArray:
    """Return Σ_c η_c Σ_w ‖g_w‖² of each query: TracIn-WE of a text and itself."""
    total = np.zeros(len(queries), np.float64)
    tokens = chosen.query_tokens(tracer.run, queries)
    for eta, held in zip(tracer.scorer.etas, tokens, strict=True):
        each = held.gradient.double().square().sum(1).numpy()
        total += eta * np.bincount(held.query.numpy(), each, len(queries))
    return total.astype(np.float32)


def _training(run: Run) -> Iterator[Queries]:
    train = run.train
    every = Queries(train.texts, train.texts2, train.labels, run.encoded)
    for start in range(0, len(train), _ROWS):
        yield every.take(np.arange(start, min(start + _ROWS, len(train))))

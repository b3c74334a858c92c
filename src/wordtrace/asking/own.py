"""The influence of examples on themselves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from wordtrace.asking.asker import Asker
from wordtrace.errors import InputError
from wordtrace.measures.names import measure
from wordtrace.measures.options import Options
from wordtrace.measures.protocol import Queries
from wordtrace.measures.tracin_we import TracInWE
from wordtrace.run.run import Run

FloatArray = npt.NDArray[np.float32]

# How many training rows are asked at once.
_ROWS = 256


def self_influence(
    asker: Asker, name: str, queries: Queries | None = None, **options: Any
) -> FloatArray:
    """Return the influence of examples on themselves, float32, shape (examples,).

    TracIn-WE and its parts take one pass. All other measures compute a score for every pair of
    training rows.

    Parameters
    ----------
    queries
        The examples; by default the run's training rows, for which every measure works.
    name, **options
        A measure and the fields of :class:`Options`.

    Raises
    ------
    InputError
        For examples other than the training rows with a measure other than TracIn-WE and its parts.
    """
    chosen = measure(name, Options(**options))
    if isinstance(chosen, TracInWE):
        batches = _training(asker.run) if queries is None else [queries]
        return np.concatenate([_squares(asker, chosen, batch) for batch in batches])
    if queries is not None:
        raise InputError(f"{name} gives the self-influence of training rows alone; give no inputs.")
    way, parts, first = asker.way(name, **options), [], 0
    for batch in _training(asker.run):
        parts.append(way.ask(batch).scores().diagonal(first).copy())
        first += len(batch)
    return np.concatenate(parts)


def _squares(asker: Asker, chosen: TracInWE, queries: Queries) -> FloatArray:
    """Return Σ_c η_c Σ_w ‖g_w‖² of each query: TracIn-WE between a text and itself."""
    total = np.zeros(len(queries), np.float64)
    tokens = chosen.query_tokens(asker.run, queries)
    for eta, held in zip(asker.run.etas, tokens, strict=True):
        each = held.gradient.double().square().sum(1).numpy()
        total += eta * np.bincount(held.query.numpy(), each, len(queries))
    return total.astype(np.float32)


def _training(run: Run) -> Iterator[Queries]:
    train = run.train
    every = Queries(train.texts, train.texts2, train.labels, run.encoded)
    for start in range(0, len(train), _ROWS):
        yield every.take(np.arange(start, min(start + _ROWS, len(train))))

"""The influence of examples on themselves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from wordtrace.asking.asker import Asker
from wordtrace.asking.ways import ByWord
from wordtrace.errors import InputError
from wordtrace.measures.accumulate import QueryTokens
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
    way = asker.way(name, **options)
    if isinstance(way, ByWord) and isinstance(way.measure, TracInWE):
        batches = _training(asker.run) if queries is None else [queries]
        return np.concatenate([_own(way, way.measure, batch) for batch in batches])
    if queries is not None:
        raise InputError(f"{name} gives the self-influence of training rows alone; give no inputs.")
    parts, first = [], 0
    for batch in _training(asker.run):
        parts.append(way.ask(batch).scores().diagonal(first).copy())
        first += len(batch)
    return np.concatenate(parts)


def _own(way: ByWord, chosen: TracInWE, queries: Queries) -> FloatArray:
    """Return Σ_c η_c Σ_w weight(w) g_w · g′_w of each text: TracIn-WE between it and itself.

    g has the positions that count in an example, g′ those that count in a query.
    """
    total = np.zeros(len(queries), np.float64)
    asked = chosen.query_tokens(way.run, queries)
    held = asked
    if chosen.query_top_k != chosen.top_k:
        held = TracInWE(chosen.top_k, chosen.tokens).query_tokens(way.run, queries)
    if way.terms.weights is not None:
        asked = [one.weighted(way.terms.weights) for one in asked]
    if way.terms.bases is not None:
        held, asked = (
            [one.projected(basis) for one, basis in zip(some, way.terms.bases, strict=True)]
            for some in (held, asked)
        )
    for eta, one, other in zip(way.run.etas, held, asked, strict=True):
        # Each pair of a token and a text stands once in either.
        _, here, there = np.intersect1d(
            *(_pairs(one, len(queries)), _pairs(other, len(queries))),
            assume_unique=True,
            return_indices=True,
        )
        each = (one.gradient.double()[here] * other.gradient.double()[there]).sum(1).numpy()
        total += eta * np.bincount(one.query.numpy()[here], each, len(queries))
    return total.astype(np.float32)


def _pairs(tokens: QueryTokens, count: int) -> npt.NDArray[np.int64]:
    """Return a number for each entry's token and query, int64, shape (entries,)."""
    token = np.repeat(np.asarray(tokens.tokens, np.int64), np.diff(tokens.offsets))
    pairs: npt.NDArray[np.int64] = token * count + tokens.query.numpy()
    return pairs


def _training(run: Run) -> Iterator[Queries]:
    train = run.train
    every = Queries(train.texts, train.texts2, train.labels, run.encoded)
    for start in range(0, len(train), _ROWS):
        yield every.take(np.arange(start, min(start + _ROWS, len(train))))

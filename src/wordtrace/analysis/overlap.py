"""Whether rankings differ from query to query, or list the same few examples (appendix G)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from wordtrace.analysis.correlation import spearman
from wordtrace.analysis.overlap_result import Matrix, MeasureOverlap, Overlap, Recurrence, Recurrent
from wordtrace.analysis.tops import (
    Tops,
    distinct_by_chance,
    most_by_chance,
    share,
    share_across,
)
from wordtrace.asking.asker import Asker
from wordtrace.asking.question import Text
from wordtrace.data.examples import Examples
from wordtrace.errors import InputError, NumericalError, option
from wordtrace.execute.progress import track
from wordtrace.measures.protocol import Scores
from wordtrace.run.run import Run

#: The parts of I = L(x) · S(x, x′) · L(x′) that every measure is compared with.
SALIENCY, SIMILARITY = "loss-saliency", "similarity"
MEASURES = ("tracin-we-idf", "tracin-last")

_NO_MEASURE = f"there is no measure to compare; name at least one by {option('measures')}."


def overlap(
    run: Run | str | Path,
    queries: Examples | Text | Sequence[Text],
    measures: str | Sequence[str] = MEASURES,
    top: int = 100,
    *,
    label: str | Sequence[str] | None = None,
    listed: int = 10,
    **options: Any,
) -> Overlap:
    """Compare the strongest examples of several measures on a run's training data.

    Parameters
    ----------
    queries
        Texts, pairs, or Examples.
    measures
        Names; one alone may be a string.
    top
        The length of a query's list.
    label
        The label to explain: one for all queries, or a list with one for each. By default the
        Examples' own labels, else the model's predictions.
    listed
        How many recurrent examples to name.
    **options
        Options of the measures: the fields of :class:`.measures.options.Options`.

    Raises
    ------
    InputError
        For an unknown measure or label, an empty query, or a `top` over the number of examples.

    Examples
    --------
    >>> found = wt.overlap(run, ["the coach wins", "shares fall"], ["bm25", "tracin-last"], top=5)
    >>> [one.measure for one in found.measures]
    ['bm25', 'tracin-last']
    """
    opened = Run.open(run) if isinstance(run, str | Path) else run
    names = [measures] if isinstance(measures, str) else list(measures)
    if not names:
        raise InputError(_NO_MEASURE)
    asker = Asker(opened)
    # All names are looked up before the first is computed: some measures take hours.
    ways = {name: asker.way(name, **options) for name in [*names, SALIENCY, SIMILARITY]}
    _check_top(top, listed, len(opened.train))
    asked = asker.queries(queries, label)
    scores: dict[str, Scores] = {}
    with track("Scoring", len(ways), "measures") as advance:
        for name, way in ways.items():
            scores[name] = way.ask(asked).scores()
            advance(1)
    found = overlap_of(
        {name: scores[name] for name in dict.fromkeys(names)},
        opened.labelling.codes(asked.labels),
        scores[SALIENCY],
        scores[SIMILARITY],
        top,
        examples=opened.train,
        listed=listed,
    )
    return replace(found, run=str(opened.path), misread=opened.misread)


def overlap_of(
    scores: Mapping[str, Scores],
    query_labels: Sequence[int] | npt.NDArray[np.int64],
    saliency: Scores,
    similarity: Scores,
    top: int = 100,
    *,
    examples: Examples | None = None,
    listed: int = 10,
) -> Overlap:
    """Compare score matrices, each of shape (queries, examples).

    Parameters
    ----------
    scores
        The score matrices by the measure's name.
    query_labels
        int64, shape (queries,): the labels explained.
    saliency, similarity
        The scores of the parts alone.
    top
        The length of a query's list.
    examples
        The training examples, to name the recurrent ones; else their rows do.
    listed
        How many recurrent examples to name.

    Raises
    ------
    InputError
        When there is nothing to compare, shapes differ, or `top` is not from 1 to the number of
        examples.
    NumericalError
        For a score that is NaN or infinite.
    """
    if not scores:
        raise InputError(_NO_MEASURE)
    named = {**scores, f"{SALIENCY} alone": saliency, f"{SIMILARITY} alone": similarity}
    shape = (len(query_labels), saliency.shape[-1])
    for name, one in named.items():
        _check_scores(name, one, shape)
    _check_top(top, listed, shape[1])
    labels = np.asarray(query_labels, np.int64)
    salient, similar = (_both(part, top) for part in (saliency, similarity))
    lists = []
    measures = []
    for name, one in scores.items():
        tops, proponents = _both(one, top)
        lists.append(tops)
        measures.append(
            MeasureOverlap(
                measure=name,
                saliency=share(tops, salient[0]),
                saliency_proponents=share(proponents, salient[1]),
                similarity=share(tops, similar[0]),
                similarity_proponents=share(proponents, similar[1]),
                recurrence=_recurrence(tops, labels, examples, listed),
            )
        )
    overlaps = tuple(tuple(share(one, other).overlap for other in lists) for one in lists)
    correlation = spearman(list(scores.values()))
    return Overlap(top, shape[0], shape[1], tuple(measures), overlaps, _matrix(correlation))


def _both(scores: Scores, top: int) -> tuple[Tops, Tops]:
    return Tops(scores, top), Tops(scores, top, "proponents")


def _recurrence(
    tops: Tops, labels: npt.NDArray[np.int64], examples: Examples | None, listed: int
) -> Recurrence:
    counts = tops.counts
    order = np.argsort(-counts, kind="stable")[:listed]
    return Recurrence(
        pairs=share_across(tops),
        different_labels=share_across(tops, labels),
        distinct=int((counts > 0).sum()),
        distinct_by_chance=distinct_by_chance(tops),
        most_by_chance=most_by_chance(tops),
        examples=tuple(
            _named(int(row), int(counts[row]), examples) for row in order if counts[row]
        ),
    )


def _named(row: int, count: int, examples: Examples | None) -> Recurrent:
    if examples is None:
        return Recurrent(str(row), count)
    return Recurrent(
        examples.ids[row],
        count,
        examples.labelling.spell(examples.labels[row]),
        examples.texts[row],
        None if examples.texts2 is None else examples.texts2[row],
    )


def _matrix(values: npt.NDArray[np.float64]) -> Matrix:
    return tuple(tuple(None if np.isnan(one) else float(one) for one in row) for row in values)


def _check_top(top: int, listed: int, examples: int) -> None:
    if not 1 <= top <= examples:
        raise InputError(
            f"{option('top')} is {top}, but there are {examples:,} training examples; "
            f"give a number from 1 to {examples}."
        )
    if listed < 0:
        raise InputError(f"{option('listed')} is {listed}; give 0 or more.")


def _check_scores(name: str, scores: Scores, shape: tuple[int, int]) -> None:
    if scores.shape != shape:
        raise InputError(
            f"the scores of {name} have the shape {scores.shape}, not {shape} (queries, examples); "
            "score the same queries and examples by each measure."
        )
    if not np.isfinite(scores).all():
        query, row = np.argwhere(~np.isfinite(scores))[0].tolist()
        raise NumericalError(
            f"the score of {name} for query {query} and training row {row} is NaN or infinite."
        )

"""A study's figures as a JSON document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from wordtrace.data.examples import Examples
from wordtrace.evaluation.agreement import leave_out
from wordtrace.evaluation.candidates import Sign
from wordtrace.evaluation.deletion import Deletion, Effects, FloatArray, auc
from wordtrace.evaluation.efficiency import efficiency
from wordtrace.evaluation.truth import Truth
from wordtrace.measures.protocol import Scores
from wordtrace.statistics import crossed


def figures(
    study: Deletion,
    effects: Mapping[tuple[str, Sign], Effects],
    matrices: Mapping[str, Scores],
    signs: Sequence[Sign],
    spread: float = 1.0,
) -> dict[str, Any]:
    """Return what was removed and what that did, by measure and beside each other.

    Parameters
    ----------
    spread
        What an effect may be as large as (:func:`bound_of`).
    """
    sizes = study.sizes
    return {
        "removed": _counts(study),
        "measures": {
            name: {
                sign: _line(sizes, effects[name, sign].named, effects[name, sign].random, spread)
                for sign in signs
            }
            for name in matrices
        },
        "controls": _controls(sizes, effects, spread),
        "comparisons": _comparisons(list(matrices), signs, effects, spread),
        "leave_out": leave_out(study, matrices),
        "efficiency": efficiency(study, {key: study.outcomes(key) for key in study.lines}, spread),
    }


def bound_of(effects: FloatArray, spread: float, differences: int = 1) -> float:
    """Return the most that an effect can be, for its interval.

    Parameters
    ----------
    spread
        1 for probabilities; of numbers, which have no bounds, the spread of the training numbers.
    differences
        How many effects are differenced, 1 or 2.
    """
    return max(differences * spread, float(np.abs(effects).max(initial=0.0)))


def about(
    asked: Examples, base: FloatArray | None, places: Sequence[int], truth: Truth | None
) -> list[dict[str, Any]]:
    """Return the queries, with what is measured by models of all rows, and by those of halves.

    Parameters
    ----------
    base, places
        Shape (queries of deletion curves,), and which these are; no other query has a model of all
        rows.
    """
    whole = {} if base is None else dict(zip(places, base.tolist(), strict=True))
    *_, last = [None] if truth is None else truth.outcomes.values()
    return [
        {
            "id": asked.ids[place],
            "text": asked.texts[place],
            "label": asked.labelling.spell(asked.labels[place]),
            "probability": whole.get(place),
            "of_halves": None if last is None else float(last[place].mean()),
        }
        for place in range(len(asked))
    ]


def _line(
    sizes: Sequence[int], named: FloatArray, control: FloatArray | None, spread: float
) -> dict[str, Any]:
    areas, bound = auc(named), bound_of(named, spread)
    found: dict[str, Any] = {
        "auc": {**crossed.mean(areas, bound).document(), "sd": crossed.spread(areas)},
        "curve": [
            {"k": k, **crossed.mean(named[at], bound).document()} for at, k in enumerate(sizes)
        ],
        "by_query": areas.mean(1).tolist(),
    }
    if control is not None:
        over = areas - auc(control)
        found["over_random"] = crossed.mean(over, bound_of(over, spread, 2)).document()
    return found


def _controls(
    sizes: Sequence[int], effects: Mapping[tuple[str, Sign], Effects], spread: float
) -> dict[str, Any]:
    """Return the controls' own curves, of the line with the most seeds: draws are shared."""
    longest = max(effects.values(), key=lambda one: one.named.shape[2])
    found = {"random": _line(sizes, longest.random, None, spread)}
    if not np.isnan(longest.own_class).any():
        found["own class"] = _line(sizes, longest.own_class, None, spread)
    return found


def _comparisons(
    names: Sequence[str],
    signs: Sequence[Sign],
    effects: Mapping[tuple[str, Sign], Effects],
    spread: float,
) -> list[dict[str, Any]]:
    """Return the differences of areas of each two measures, on the same queries and seeds."""
    found = []
    for sign in signs:
        for place, first in enumerate(names):
            for second in names[place + 1 :]:
                a, b = (auc(effects[name, sign].named) for name in (first, second))
                both = min(a.shape[1], b.shape[1])
                apart = a[:, :both] - b[:, :both]
                difference = crossed.mean(apart, bound_of(apart, spread, 2))
                found.append(
                    {
                        "sign": sign,
                        "first": first,
                        "second": second,
                        **difference.document(),
                        "excludes_zero": difference.low > 0 or difference.high < 0,
                    }
                )
    return found


def _counts(study: Deletion) -> dict[str, dict[str, list[list[int]]]]:
    found: dict[str, dict[str, list[list[int]]]] = {}
    for (name, sign), line in study.lines.items():
        counts = [[len(rows) for rows in by_query] for by_query in line.rows]
        found.setdefault(name, {})[sign] = counts
    return found

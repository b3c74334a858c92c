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
from wordtrace.measures.protocol import Scores
from wordtrace.statistics import crossed


def figures(
    study: Deletion,
    effects: Mapping[tuple[str, Sign], Effects],
    matrices: Mapping[str, Scores],
    signs: Sequence[Sign],
    halves: list[dict[str, Any]],
    judged: dict[str, Any] | None,
) -> dict[str, Any]:
    """Return what was removed and what that did, by measure and beside each other.

    Parameters
    ----------
    halves
        The linear datamodeling scores (:func:`.datamodel`).
    judged
        How well self-influence finds mislabelled rows (:func:`.judge`), or None.
    """
    sizes = study.sizes
    return {
        "removed": _counts(study),
        "measures": {
            name: {
                sign: _line(sizes, effects[name, sign].named, effects[name, sign].random)
                for sign in signs
            }
            for name in matrices
        },
        "controls": _controls(sizes, effects),
        "comparisons": _comparisons(list(matrices), signs, effects),
        "leave_out": leave_out(study, matrices),
        "lds": halves,
        "mislabelled": judged,
        "efficiency": efficiency(study, {key: study.outcomes(key) for key in study.lines}),
    }


def about(study: Deletion, asked: Examples) -> list[dict[str, Any]]:
    """Return the queries, with p(label) by the models of all rows."""
    base = study.base().mean(1)
    return [
        {
            "id": asked.ids[place],
            "text": asked.texts[place],
            "label": asked.label_names[int(asked.labels[place])],
            "probability": float(base[place]),
        }
        for place in range(len(asked))
    ]


def _line(sizes: Sequence[int], named: FloatArray, control: FloatArray | None) -> dict[str, Any]:
    areas = auc(named)
    found: dict[str, Any] = {
        "auc": {**crossed.mean(areas, 1).document(), "sd": crossed.spread(areas)},
        "curve": [{"k": k, **crossed.mean(named[at], 1).document()} for at, k in enumerate(sizes)],
        "by_query": areas.mean(1).tolist(),
    }
    if control is not None:
        found["over_random"] = crossed.mean(areas - auc(control), 2).document()
    return found


def _controls(sizes: Sequence[int], effects: Mapping[tuple[str, Sign], Effects]) -> dict[str, Any]:
    """Return the controls' own curves, of the line with the most seeds: draws are shared."""
    longest = max(effects.values(), key=lambda one: one.named.shape[2])
    found = {"random": _line(sizes, longest.random, None)}
    if not np.isnan(longest.own_class).any():
        found["own class"] = _line(sizes, longest.own_class, None)
    return found


def _comparisons(
    names: Sequence[str], signs: Sequence[Sign], effects: Mapping[tuple[str, Sign], Effects]
) -> list[dict[str, Any]]:
    """Return the differences of areas of each two measures, on the same queries and seeds."""
    found = []
    for sign in signs:
        for place, first in enumerate(names):
            for second in names[place + 1 :]:
                a, b = (auc(effects[name, sign].named) for name in (first, second))
                both = min(a.shape[1], b.shape[1])
                difference = crossed.mean(a[:, :both] - b[:, :both], 2)
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

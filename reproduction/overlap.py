"""Appendix G: what the strongest rows of TracIn-last share with its parts, and across queries.

The paper's claims, on toxicity with BERT: of the 100 strongest rows by TracIn-last, 49 are among
the 100 with the largest loss saliency, and 22 among the 100 most similar ones by the last layer;
and for one query its first proponent is among the 20 strongest proponents or opponents of 39 of
40 queries. So TracIn-last ranks rows by how wrong they are, much the same for all queries.

Here the same is counted for TracIn-WE and the default measure, too, beside what chance gives:
with fewer training rows than the paper's 50,000, lists of 100 overlap more by chance. The first
proponent of each query is followed, not of one.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import wordtrace as wt
from reproduction import bars, encoders
from reproduction.data import Given
from reproduction.record import Finding

MEASURES = ("tracin-last", "tracin-we", "tracin-we-idf")
#: Of the 100 strongest rows by TracIn-last; and of 40 queries.
PAPER = {"saliency": 0.49, "similarity": 0.22, "recurring": 39 / 40}
#: The lists' length, and how many of either sign are searched for another query's first proponent.
TOP = {"smoke": 10, "cpu": 100, "gpu": 100, "paper": 100}
SIDE = {"smoke": 4, "cpu": 20, "gpu": 20, "paper": 20}


def run(size: str, work: Path, given: Given | None = None, workers: int | None = None) -> Finding:
    """Compare the lists of three measures with the parts of TracIn-last, and with each other."""
    model = encoders.trained("toxicity", size, work, given)
    rows = shares(model, TOP[size], SIDE[size])
    return Finding(
        "overlap",
        rows,
        {
            "measure": "{measure}",
            "with loss saliency": "{saliency:.0%}",
            "with last-layer similarity": "{similarity:.0%}",
            "lists of two queries": "{queries:.0%}",
            "of queries of other labels": "{labels:.0%}",
            "first proponent in others' lists": "{recurring:.0%}",
        },
        f"Lists of {TOP[size]}; the last column's of {SIDE[size]} proponents and {SIDE[size]} "
        f"opponents. {model.said()}",
        model.about(),
        bars.drawn(
            [one["measure"] for one in rows],
            {
                said: [one[name] for one in rows]
                for name, said in (
                    ("saliency", "with loss saliency"),
                    ("similarity", "with last-layer similarity"),
                    ("recurring", "first proponent in others' lists"),
                )
            },
            "share",
        ),
    )


def costs(size: str) -> tuple[int, float]:
    """Return models and seconds."""
    return encoders.costs(size, "toxicity")


def shares(model: encoders.Trained, top: int, side: int) -> list[dict[str, Any]]:
    """Return, by measure, what its strongest rows share with others', as means over the queries."""
    found = wt.overlap(model.run, model.queries, list(MEASURES), top=top)
    with model.index() as index:
        # An index answers measures by word without another pass over the training rows.
        again = {
            one: recurring(
                wt.influence(model.run if one == "tracin-last" else index, model.queries, one), side
            )
            for one in MEASURES
        }
    paper = {"measure": "paper: TracIn-last", "queries": None, "labels": None, **PAPER}
    chance = dict.fromkeys(("saliency", "similarity", "queries", "labels"), top / found.examples)
    return [
        *(
            {
                "measure": one.measure,
                "saliency": one.saliency.overlap,
                "similarity": one.similarity.overlap,
                "queries": one.recurrence.pairs.overlap,
                "labels": one.recurrence.different_labels.overlap,
                "recurring": again[one.measure],
            }
            for one in found.measures
        ),
        {"measure": "chance", **chance, "recurring": min(1.0, 2 * side / found.examples)},
        paper,
    ]


def recurring(scores: npt.NDArray[np.float32], side: int) -> float:
    """Return in which share of the other queries' lists a query's first proponent is, on average.

    A query's list are its `side` strongest proponents and as many opponents.
    """
    order = np.argsort(-scores, axis=1, kind="stable")
    listed = np.zeros(scores.shape, bool)
    np.put_along_axis(listed, order[:, :side], True, axis=1)
    np.put_along_axis(listed, order[:, -side:], True, axis=1)
    others = listed[:, order[:, 0]].sum(axis=0) - 1
    return float(others.mean() / (len(scores) - 1))

"""Tables 8 and 11 to 16, counted: what the strongest rows have to do with the query.

The paper shows two queries a data set and leaves the rest to the reader: rows by TracIn-last have
the right label but nothing else in common with the query, and the same ones come up again; rows
by TracIn-WE share telling words with it.

Here this is counted over all queries, for two proponents and two opponents each, beside random
rows: how often a proponent has the query's label, and an opponent another one; which part of the
query's tokens the row holds, without those that are in over a fifth of the training texts; and
how many different rows are listed at all, among as many as could be.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

import wordtrace as wt
from reproduction import bars, encoders
from reproduction.data import NAMES, Given
from reproduction.examples import TOP, traces
from reproduction.record import Finding

#: The paper has no figures for this.
PAPER: tuple[float, ...] = ()


def run(size: str, work: Path, given: Given | None = None, workers: int | None = None) -> Finding:
    """Count over all queries of each data set."""
    models = [encoders.trained(name, size, work, given) for name in NAMES]
    rows = [
        row
        for model in models
        for row in counted(model.name, model.run, traces(model, model.queries))
    ]
    return Finding(
        "related",
        rows,
        {
            "data": "{data}",
            "rows": "{measure}",
            "proponents of the query's label": "{agree:.0%}",
            "opponents of another label": "{differ:.0%}",
            "of the query's telling tokens": "{held:.1%}",
            "different rows": "{distinct:.0%}",
        },
        " ".join(model.said() for model in models),
        encoders.several(models),
        bars.drawn(
            [f"{one['data']}: {one['measure']}" for one in rows],
            {
                "of the query's telling tokens": [one["held"] for one in rows],
                "different rows": [one["distinct"] for one in rows],
            },
            "share",
        ),
    )


def costs(size: str) -> tuple[int, float]:
    """Return models and seconds."""
    return encoders.costs(size, *NAMES)


def counted(name: str, model: wt.Run, found: dict[str, wt.Trace]) -> list[dict[str, Any]]:
    """Return for each measure, and for random rows, what they have to do with their query."""
    tokens = Tokens(model)
    train = model.train
    label_of = dict(zip(train.ids, train.labels.tolist(), strict=True))
    by_measure = {
        measure: (
            [(query, hit.id) for query in trace for hit in query.proponents],
            [(query, hit.id) for query in trace for hit in query.opponents],
        )
        for measure, trace in found.items()
    }
    draw = np.random.default_rng(0)
    queries = [query for query in next(iter(found.values())) for _ in range(TOP)]
    some, others = (
        [(query, train.ids[draw.integers(len(train))]) for query in queries] for _ in range(2)
    )
    rows = []
    for measure, (proponents, opponents) in {**by_measure, "random": (some, others)}.items():
        agree, differ = (
            [model.label_names[label_of[id]] == query.label for query, id in pairs]
            for pairs in (proponents, opponents)
        )
        both = [*proponents, *opponents]
        rows.append(
            {
                "data": name,
                "measure": measure,
                "agree": _mean(agree),
                "differ": 1 - _mean(differ),
                "held": _mean([tokens.held(query, id) for query, id in both]),
                "distinct": len({id for _, id in both}) / len(both),
            }
        )
    return rows


class Tokens:
    """The telling tokens of texts: those in at most a fifth of the training texts."""

    def __init__(self, model: wt.Run) -> None:
        self._tokenizer, train = model.tokenizer, model.train
        encoded = model.encoded
        own = [set(encoded[row].tolist()) for row in range(len(train))]
        counts = Counter(token for some in own for token in some)
        self._common = {token for token, count in counts.items() if count > len(train) / 5}
        self._own = dict(zip(train.ids, own, strict=True))

    def held(self, query: Any, row: str) -> float:
        """Return which part of a query's telling tokens a training row holds."""
        texts2 = None if query.text2 is None else [query.text2]
        asked = set(self._tokenizer.encode([query.text], texts2)[0].tolist()) - self._common
        return len(asked & self._own[row]) / len(asked) if asked else 0.0


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if len(values) else 0.0

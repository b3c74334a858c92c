"""Appendix D: what each measure costs, preparing a training point and scoring a pair.

The paper's figures are of a CNN, 50,000 training points and 10 test points, on a machine that it
does not name. So each time here also stands as a ratio to one forward and backward pass of a
training point on the same machine, in the same batches.

Time is taken of the answer to few queries and to many. What more queries add is the scoring of
pairs, after as much has been taken off for preparing a query as for preparing a training point.
All is summed over the run's checkpoints, as a user has it. Influence functions on the second
layer are timed on fewer rows: they build a matrix of 6,400 times 6,400 numbers. The index is what
this project adds: prepared once, it answers TracIn-WE later without the model.

The paper counts 6,400 parameters of the second layer, as here (128 dimensions, 10 filters, kernel
5), and 440 of the last one; 10 filters and 4 classes make 40.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional

import wordtrace as wt
from reproduction import bars
from reproduction.data import Given, load
from reproduction.record import Finding, described
from reproduction.settings import Setting

# There is no public way to the batches of which one pass is the unit of these times.
from wordtrace.data.batches import by_length
from wordtrace.models.protocol import to_batch

#: The paper's names, seconds a training point, seconds a pair.
PAPER = {
    "tracin-we": ("TracIn-WE", 0.004, 4e-4),
    "tracin-second": ("TracIn-Sec", 0.004, 3e-5),
    "tracin-last": ("TracIn-Last", 0.003, 8e-6),
    "influence:convolutions.0": ("Inf-Sec", 3.52, 1e-1),
    "influence-last": ("Inf-Last", 0.002, 2e-5),
}


#: What else is timed: the default measure, and what the index answers.
OURS = {"tracin-we-idf": "TracIn-WE, idf weights", "index": "TracIn-WE from an index"}

_CNN = {"epochs": 2, "max_length": 48, "checkpoints": 3}
SETTINGS = {
    "smoke": Setting(
        60, 12, training={"epochs": 1, "max_length": 32, "dim": 16}, repeats=1, seconds=1
    ),
    "cpu": Setting(2000, 300, training=_CNN, repeats=3, seconds=4),
    "gpu": Setting(10_000, 1000, training=_CNN, repeats=3, seconds=15),
    "paper": Setting(50_000, 1000, training=_CNN, repeats=3, seconds=120),
}
#: Rows of influence functions on the second layer, and the fewer queries.
SECOND = {"smoke": 20, "cpu": 250, "gpu": 250, "paper": 1000}
FEW = {"smoke": 2, "cpu": 10, "gpu": 10, "paper": 10}


def run(size: str, work: Path, given: Given | None = None, workers: int | None = None) -> Finding:
    """Time each measure on the paper's CNN."""
    setting, few = SETTINGS[size], FEW[size]
    train, queries = load("agnews", size, setting.rows, setting.queries, given)
    model = wt.train(train, work / "run_times", eval_data=queries, **setting.choices())
    part = load("agnews", size, SECOND[size], setting.queries, given)[0]
    small = wt.train(part, work / "run_times-second", eval_data=queries, **setting.choices())
    unit = one_pass(model, setting.repeats)
    rows: list[dict[str, Any]] = [
        {"name": "one forward and backward pass", "rows": len(train), "point": unit}
    ]
    for measure, name in {**{one: PAPER[one][0] for one in PAPER}, **OURS}.items():
        asked = small if measure == "influence:convolutions.0" else model
        if measure == "index":
            found = cost_from_index(model, queries, few, setting.repeats, work / "run_times-index")
        else:
            found = cost(asked, queries, measure, few, 1 if asked is small else setting.repeats)
        rows.append(
            {
                "name": name,
                "rows": len(asked.train),
                "point": found.point,
                "pair": found.pair or None,
            }
            | _paper(measure)
        )
    for one in rows:
        one["passes"] = one["point"] / unit
    return Finding(
        "run-times",
        rows,
        {
            "measure": "{name}",
            "rows": "{rows:,}",
            "a training point (s)": "{point:.2g}",
            "in passes": "{passes:.2g}",
            "a pair (s)": "{pair:.2g}",
            "paper: a training point (s)": "{paper_point:.2g}",
            "paper: a pair (s)": "{paper_pair:.2g}",
        },
        f"agnews, the paper's CNN, {len(model.checkpoints)} checkpoints, {few} and {len(queries)} "
        f"queries, the shortest of {setting.repeats} times, in one process. No time a pair is "
        "given where more queries took no longer.",
        {"data": described(train, queries), "seeds": [0], "models": 2},
        bars.drawn(
            [one["name"] for one in rows[1:]],
            {
                "a training point": [one["point"] for one in rows[1:]],
                "a pair": [one["pair"] for one in rows[1:]],
            },
            "seconds",
            logarithmic=True,
        ),
    )


def costs(size: str) -> tuple[int, float]:
    """Return models and seconds."""
    return 2, 15 * SETTINGS[size].seconds


@dataclass(frozen=True)
class Cost:
    """Seconds of a measure: preparing a training point, and scoring a pair."""

    point: float
    pair: float

    @classmethod
    def of(cls, rows: int, few: tuple[int, float], many: tuple[int, float]) -> Cost:
        """Solve for both from two times, each of (queries, seconds).

        A time is (rows + queries) · point + rows · queries · pair.
        """
        (q, t), (r, u) = few, many
        # Cramer's rule for the two equations.
        determinant = (rows + q) * rows * r - (rows + r) * rows * q
        point = (t * rows * r - u * rows * q) / determinant
        pair = ((rows + q) * u - (rows + r) * t) / determinant
        return cls(point, max(0.0, pair))


def _paper(measure: str) -> dict[str, float | None]:
    _, point, pair = PAPER.get(measure, ("", None, None))
    return {"paper_point": point, "paper_pair": pair}


def cost(run: wt.Run, queries: wt.Examples, measure: str, few: int, repeats: int) -> Cost:
    """Time a measure from the run alone."""
    return _timed(
        len(run.train),
        queries,
        few,
        repeats,
        lambda asked: wt.influence(run, asked, measure),
    )


def cost_from_index(run: wt.Run, queries: wt.Examples, few: int, repeats: int, out: Any) -> Cost:
    """Time the building of an index of all positions, and its answers."""
    start = time.perf_counter()
    with wt.build_index(run, out, top_k=None, workers=1, overwrite=True) as index:
        built = time.perf_counter() - start
        answers = _timed(
            *(len(run.train), queries, few, repeats),
            lambda asked: wt.influence(index, asked, "tracin-we"),
        )
    return Cost(built / len(run.train), answers.pair)


def one_pass(run: wt.Run, repeats: int) -> float:
    """Return the seconds of one forward and backward pass of a training point."""
    model = run.model(run.final)
    model.module.requires_grad_(True)
    labels = torch.as_tensor(run.train.labels)

    def through() -> None:
        for rows in by_length(run.encoded.lengths, 256, 1 << 13):
            model.module.zero_grad()
            scores = model.logits(to_batch(run.encoded, run.train.labels, rows))
            torch.autograd.backward(functional.cross_entropy(scores, labels[rows]))

    return _fastest(through, repeats) / len(run.train)


def _timed(
    rows: int,
    queries: wt.Examples,
    few: int,
    repeats: int,
    answer: Callable[[wt.Examples], Any],
) -> Cost:
    some = queries.take(range(few))
    times = [(len(asked), _fastest(partial(answer, asked), repeats)) for asked in (some, queries)]
    return Cost.of(rows, *times)


def _fastest(thing: Callable[[], Any], repeats: int) -> float:
    """Return the shortest of several times: other programs can only add to it."""
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        thing()
        seconds.append(time.perf_counter() - start)
    return min(seconds)

"""Verifying a removal by paired retrainings: with it, without it, and with controls."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from wordtrace.errors import InputError, option
from wordtrace.execute.protocol import Executor
from wordtrace.results.result import told
from wordtrace.run.run import Run
from wordtrace.statistics.comparison import Comparison
from wordtrace.verification.design import Design
from wordtrace.verification.removal import Rows, random_rows, refuse_empty, same_labels
from wordtrace.verification.result import FORMAT, VERSION, Verification
from wordtrace.verification.retrainer import Retrainer
from wordtrace.verification.retrainings import Retrainings, seeds_of
from wordtrace.verification.rounds import Rounds


@dataclass(frozen=True)
class Target:
    """A query, and the training rows to remove for it.

    Attributes
    ----------
    label
        The class for which the probability is measured.
    predicted, probability
        The label that the recorded run predicts, and its probability of `label`.
    rows
        The training rows, strongest first.
    """

    text: str
    text2: str | None
    label: int
    predicted: str
    probability: float
    rows: Rows


def verify(
    run: Run,
    targets: Sequence[Target],
    retrainer: Retrainer,
    *,
    remove: str,
    k: int,
    measure: str,
    design: Design | None = None,
    workers: int | None = None,
    executor: str | Executor = "processes",
    address: str | None = None,
) -> Verification:
    """Retrain with and without each target's rows, and without as many other rows.

    For each seed, four models share their initial weights and the order of the rows: one of all
    rows ("base"), one without the target's rows, one without random rows, and one without random
    rows of the same labels. The run's own seed, with which the queries were picked, is never used.
    Results are kept in the run's folder: an interrupted verification goes on, and two verifications
    share what they have in common.

    Parameters
    ----------
    design
        How many seeds, and when a target needs no more of them; by default 5 and never.

    Raises
    ------
    InputError
        When there is nothing to remove, or too much.
    """
    _check(run, targets)
    start = time.perf_counter()
    design = design or Design()
    seeds = seeds_of(run, design.seeds)
    probes = tuple((target.text, target.text2) for target in targets)
    retrainings = Retrainings(run, probes, retrainer, workers, executor, address)
    rounds = Rounds(retrainings, design, seeds, [_removals(run, one, seeds) for one in targets])
    compare = Comparison(p=design.p)

    def query(place: int, count: int) -> dict[str, Any]:
        base, without = rounds.base(count), rounds.without(place, count)
        return _query(run, targets[place], place, base, without, compare)

    rounds.run(lambda place, count: design.answer(query(place, count)))
    counts = [looks[-1] for looks in rounds.looks]
    queries = [
        query(place, count) | {"seeds": seeds[:count], **rounds.stopped(place)}
        for place, count in enumerate(counts)
    ]
    base, without = rounds.base(counts[0]), rounds.without(0, counts[0])
    asked = run.held_out is not None and len(targets) == 1 and base[0]["accuracy"] is not None
    return Verification(
        {
            "format": FORMAT,
            "version": VERSION,
            "run": str(run.path),
            **told(run.misread),
            "measure": measure,
            "remove": remove,
            "k": k,
            "repeats": max(counts),
            "seeds": seeds[: max(counts)],
            "design": design.document(),
            "retrainings": len(rounds.results),
            "saved": rounds.saved(),
            "seconds": time.perf_counter() - start,
            "interval": compare.method(max(counts)),
            "queries": queries,
            "held_out": _held_out(run, base, without, compare) if asked else None,
        }
    )


def _removals(run: Run, target: Target, seeds: Sequence[int]) -> dict[str, list[Rows]]:
    """Return the rows to leave out for each seed: those of the target and of each control."""
    labels = run.train.labels
    removed = tuple(sorted(target.rows))
    return {
        "without": [removed] * len(seeds),
        "random": [random_rows(labels, len(removed), seed) for seed in seeds],
        "same labels": [same_labels(labels, removed, seed) for seed in seeds],
    }


def _check(run: Run, targets: Sequence[Target]) -> None:
    if not targets:
        raise InputError("there is nothing to verify: the trace has no queries.")
    for target in targets:
        if not target.rows:
            raise InputError(
                f"there is nothing to remove for {target.text[:40]!r}: no training example "
                f"of that sign; try the other {option('remove')}."
            )
        refuse_empty(run.train.labels, target.rows)


def _query(
    run: Run,
    target: Target,
    place: int,
    base: list[dict[str, Any]],
    removed: dict[str, list[dict[str, Any]]],
    compare: Comparison,
) -> dict[str, Any]:
    def outcome(results: list[dict[str, Any]]) -> dict[str, Any]:
        rows = np.array([result["probabilities"][place] for result in results])
        values = rows[:, target.label]
        right = int((rows.argmax(1) == target.label).sum())
        return {"mean": float(values.mean()), "values": values.tolist(), "right": right}

    before = outcome(base)
    outcomes = {name: outcome(results) for name, results in removed.items()}
    for one in outcomes.values():
        one["change"] = compare.difference(one["values"], before["values"], bound=1).document()
    controls = []
    for name in ("random", "same labels"):
        difference = compare.difference(
            outcomes["without"]["values"], outcomes[name]["values"], bound=2
        )
        controls.append(
            {
                "name": name,
                **outcomes[name],
                "difference": difference.document(),
                "excludes_zero": difference.excludes_zero,
            }
        )
    document: dict[str, Any] = {"text": target.text}
    if target.text2 is not None:
        document["text2"] = target.text2
    return document | {
        "label": run.label_names[target.label],
        "predicted": target.predicted,
        "probability": target.probability,
        "removed": [run.train.ids[row] for row in target.rows],
        "base": before,
        "without": outcomes["without"],
        "controls": controls,
    }


def _held_out(
    run: Run,
    base: list[dict[str, Any]],
    removed: dict[str, list[dict[str, Any]]],
    compare: Comparison,
) -> dict[str, Any]:
    def outcome(results: list[dict[str, Any]]) -> dict[str, Any]:
        values = [float(result["accuracy"]) for result in results]
        return {"mean": float(np.mean(values)), "values": values}

    before = outcome(base)
    held_out = run.manifest.held_out
    assert held_out is not None
    found = {}
    for name, results in removed.items():
        one = outcome(results)
        change = compare.difference(one["values"], before["values"], bound=1)
        found[name] = {**one, "change": change.document()}
    return {
        "rows": held_out.rows,
        "base": before,
        "without": found.pop("without"),
        "controls": [{"name": name, **one} for name, one in found.items()],
    }

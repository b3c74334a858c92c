"""Verifying a removal by paired retrainings: with it, without it, and with controls."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from wordtrace.errors import InputError, option
from wordtrace.execute.protocol import Executor
from wordtrace.models.tokenizer import Span
from wordtrace.results.result import told
from wordtrace.run.run import Run
from wordtrace.statistics.paired import estimate, method
from wordtrace.verification.outcomes import bound_of, measured, no_bound, outcome
from wordtrace.verification.removal import Rows, alike_rows, pool_of, random_rows
from wordtrace.verification.result import FORMAT, VERSION, Verification
from wordtrace.verification.retrain import Retraining
from wordtrace.verification.retrainer import Retrainer, look_of
from wordtrace.verification.retrainings import Retrainings, seeds_of


@dataclass(frozen=True, eq=False)
class Target:
    """A query, and the training rows to remove for it.

    Attributes
    ----------
    label
        What is measured: a label as :class:`.Labelling` has it.
    predicted, probability
        The label that the recorded run predicts, and its probability of `label`; None of a number.
    rows
        The training rows, strongest first.
    shown
        A conversation as people read it, where `text` is its document; else None.
    span
        The part of an answer that was traced; the whole answer is measured.
    """

    text: str
    text2: str | None
    label: Any
    predicted: str
    probability: float | None
    rows: Rows
    shown: str | None = None
    span: Span | None = None


#: What the model of each seed predicted for the probes and for the held-out rows.
Answers = list[dict[str, Any]]


def verify(
    run: Run,
    targets: Sequence[Target],
    retrainer: Retrainer,
    *,
    remove: str,
    k: int,
    measure: str,
    repeats: int = 5,
    workers: int | None = None,
    executor: str | Executor = "processes",
    address: str | None = None,
) -> Verification:
    """Retrain with and without each target's rows, and without as many other rows.

    For each of `repeats` seeds, four models share their initial weights and the order of the rows:
    one of all rows ("base"), one without the target's rows, one without random rows, and one
    without random rows that are like them (:func:`.removal.pool_of`). The run's own seed, with
    which the queries were picked, is never used. Results are kept in the run's folder: an
    interrupted verification goes on, and two verifications share what they have in common.

    Raises
    ------
    InputError
        When there is nothing to remove, too much, or fewer than two repeats.
    """
    _check(run, targets, repeats)
    start = time.perf_counter()
    seeds = seeds_of(run, repeats)
    probes = tuple((target.text, target.text2) for target in targets)
    retrainings = Retrainings(run, probes, retrainer, workers, executor, address)
    sets = [_removals(run, target, seeds) for target in targets]
    count, base, without = _trained(retrainings, seeds, sets)
    queries = [
        _query(run, target, place, base, answers)
        for place, (target, answers) in enumerate(zip(targets, without, strict=True))
    ]
    judged = base[0]["accuracy"] is not None or base[0].get("loss") is not None
    asked = run.held_out is not None and len(targets) == 1 and judged
    return Verification(
        {
            "format": FORMAT,
            "version": VERSION,
            "run": str(run.path),
            **told(run.misread, look_of(retrainer)),
            "measure": measure,
            "remove": remove,
            "k": k,
            "repeats": repeats,
            "seeds": seeds,
            "retrainings": count,
            "seconds": time.perf_counter() - start,
            "interval": method(repeats),
            "measured": measured(run),
            "queries": queries,
            "held_out": _held_out(run, base, without[0]) if asked else None,
        }
    )


def _removals(run: Run, target: Target, seeds: Sequence[int]) -> dict[str, list[Rows]]:
    """Return the rows to leave out for each seed: those of the target and of each control."""
    pool, removed = pool_of(run), tuple(sorted(target.rows))
    return {
        "without": [removed] * len(seeds),
        "random": [random_rows(pool, len(removed), seed, removed) for seed in seeds],
        pool.control: [alike_rows(pool, removed, seed) for seed in seeds],
    }


def _trained(
    retrainings: Retrainings, seeds: Sequence[int], sets: Sequence[dict[str, list[Rows]]]
) -> tuple[int, Answers, list[dict[str, Answers]]]:
    """Train each model once; return their number, those of all rows, and each target's others."""

    def tasks(rows_by_seed: Sequence[Rows]) -> list[Retraining]:
        return [
            retrainings.task(seed, rows) for seed, rows in zip(seeds, rows_by_seed, strict=True)
        ]

    nothing: list[Rows] = [()] * len(seeds)
    wanted = tasks(nothing)
    for by_name in sets:
        for rows_by_seed in by_name.values():
            wanted += tasks(rows_by_seed)
    every = list({one.key: one for one in wanted}.values())
    results = retrainings.run(every)

    def found(rows_by_seed: Sequence[Rows]) -> Answers:
        return [results[task.key] for task in tasks(rows_by_seed)]

    without = [{name: found(rows) for name, rows in by_name.items()} for by_name in sets]
    return len(every), found(nothing), without


def _check(run: Run, targets: Sequence[Target], repeats: int) -> None:
    if repeats < 2:
        raise InputError(
            f"{option('repeats')} is {repeats}; at least 2 are needed to tell an effect from "
            "chance."
        )
    if not targets:
        raise InputError("there is nothing to verify: the trace has no queries.")
    for target in targets:
        if not target.rows:
            raise InputError(
                f"there is nothing to remove for {target.text[:40]!r}: no training example "
                f"of that sign; try the other {option('remove')}."
            )
        pool_of(run).refuse_empty(target.rows)


def _query(
    run: Run,
    target: Target,
    place: int,
    base: list[dict[str, Any]],
    removed: dict[str, list[dict[str, Any]]],
) -> dict[str, Any]:
    def found(results: list[dict[str, Any]]) -> dict[str, Any]:
        rows = np.array([result["probabilities"][place] for result in results])
        return outcome(run, rows, target.label)

    before = found(base)
    outcomes = {name: found(results) for name, results in removed.items()}
    changes = {name: np.subtract(one["values"], before["values"]) for name, one in outcomes.items()}
    for name, one in outcomes.items():
        one["change"] = estimate(changes[name], bound_of(run, changes[name])).document()
    controls = []
    for name in outcomes:
        if name == "without":
            continue
        beside = changes["without"] - changes[name]
        difference = estimate(beside, bound_of(run, beside, differences=2))
        controls.append(
            {
                "name": name,
                **outcomes[name],
                "difference": difference.document(),
                "excludes_zero": difference.excludes_zero,
            }
        )
    document: dict[str, Any] = {"text": target.shown or target.text}
    if target.text2 is not None:
        document["text2"] = target.text2
    if target.span is not None:
        document["span"] = list(target.span)
    return document | {
        "label": run.labelling.spell(target.label),
        "predicted": target.predicted,
        "probability": target.probability,
        "removed": [run.train.ids[row] for row in target.rows],
        "base": before,
        "without": outcomes["without"],
        "controls": controls,
    }


def _held_out(
    run: Run, base: list[dict[str, Any]], removed: dict[str, list[dict[str, Any]]]
) -> dict[str, Any]:
    name = "loss" if base[0]["accuracy"] is None else "accuracy"

    def outcome(results: list[dict[str, Any]]) -> dict[str, Any]:
        values = [float(result[name]) for result in results]
        return {"mean": float(np.mean(values)), "values": values}

    before = outcome(base)
    held_out = run.manifest.held_out
    assert held_out is not None
    found = {}
    for key, results in removed.items():
        one = outcome(results)
        changes = np.subtract(one["values"], before["values"]).tolist()
        bound = 1 if name == "accuracy" else no_bound(changes, before["mean"])
        change = estimate(changes, bound)
        found[key] = {**one, "change": change.document()}
    return {
        "rows": held_out.rows,
        "measured": name,
        "base": before,
        "without": found.pop("without"),
        "controls": [{"name": name, **one} for name, one in found.items()],
    }

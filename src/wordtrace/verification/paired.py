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
from wordtrace.retrainers.outcomes import bound_of, measured, no_bound, outcome
from wordtrace.retrainers.retrain import Rows
from wordtrace.retrainers.retrainer import Retrainer, look_of
from wordtrace.run.run import Run
from wordtrace.statistics.comparison import Comparison
from wordtrace.verification.beginning import begin, tried
from wordtrace.verification.design import Design
from wordtrace.verification.removal import alike_rows, pool_of, random_rows
from wordtrace.verification.result import FORMAT, VERSION, Verification
from wordtrace.verification.retrainings import Retrainings, seeds_of
from wordtrace.verification.rounds import Rounds


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
    measure
        What ranked the rows, where the targets of a study differ in that.
    """

    text: str
    text2: str | None
    label: Any
    predicted: str
    probability: float | None
    rows: Rows
    shown: str | None = None
    span: Span | None = None
    measure: str | None = None


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
    rows that are like them (:func:`.removal.pool_of`). The run's own seed, with which the queries
    were picked, is never used. Results are kept in the run's folder: an interrupted verification
    goes on, and two verifications share what they have in common.

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
    # What a removal does to other texts is told where it is one.
    retrainings = Retrainings(
        *(run, probes, retrainer, workers, executor, address), held_out=len(targets) == 1
    )
    rounds = Rounds(retrainings, design, seeds, [_removals(run, one, seeds) for one in targets])
    begun = begin(retrainings, seeds, rounds.planned(tried(retrainings, seeds)))
    rounds.results |= begun.results
    compare = Comparison(begun.paired, design.p)

    def query(place: int, count: int) -> dict[str, Any]:
        base, without = rounds.base(count), rounds.without(place, count)
        return _query(run, targets[place], place, base, without, compare)

    rounds.run(lambda place, count: design.answer(query(place, count)), begun.plan)
    queries = [
        query(place, looks[-1]) | {"seeds": seeds[: looks[-1]], **rounds.stopped(place)}
        for place, looks in enumerate(rounds.looks)
    ]
    most = max(looks[-1] for looks in rounds.looks)
    return Verification(
        {
            "format": FORMAT,
            "version": VERSION,
            "run": str(run.path),
            **told(run.misread, look_of(retrainer)),
            "measure": measure,
            "remove": remove,
            "k": k,
            "repeats": most,
            "seeds": seeds[:most],
            "design": design.document(),
            **begun.told(),
            "retrainings": len(rounds.results) + (begun.repeats is not None),
            "saved": rounds.saved(),
            "seconds": time.perf_counter() - start,
            "interval": compare.method(most),
            "measured": measured(run),
            "queries": queries,
            "held_out": _held_out(rounds, compare),
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


def _check(run: Run, targets: Sequence[Target]) -> None:
    if not targets:
        raise InputError("there is nothing to verify: the trace has no queries.")
    for target in targets:
        if not target.rows:
            raise InputError(
                f"there is nothing to remove for {(target.shown or target.text)[:40]!r}: no "
                f"training example of that sign; try the other {option('remove')}."
            )
        pool_of(run).refuse_empty(target.rows)


def _query(
    run: Run,
    target: Target,
    place: int,
    base: list[dict[str, Any]],
    removed: dict[str, list[dict[str, Any]]],
    compare: Comparison,
) -> dict[str, Any]:
    def found(results: list[dict[str, Any]]) -> dict[str, Any]:
        rows = np.array([result["probabilities"][place] for result in results])
        return outcome(run, rows, target.label)

    before = found(base)
    outcomes = {name: found(results) for name, results in removed.items()}
    changes = {name: np.subtract(one["values"], before["values"]) for name, one in outcomes.items()}
    for name, one in outcomes.items():
        bound = bound_of(run, changes[name])
        one["change"] = compare.difference(one["values"], before["values"], bound).document()
    controls = []
    for name in outcomes:
        if name == "without":
            continue
        bound = bound_of(run, changes["without"] - changes[name], differences=2)
        without, control = outcomes["without"]["values"], outcomes[name]["values"]
        difference = compare.difference(without, control, bound)
        draws = compare.draws(without, control, before["values"], difference, bound)
        controls.append(
            {
                "name": name,
                **outcomes[name],
                "difference": difference.document(),
                "excludes_zero": difference.excludes_zero,
                "draws": draws.document(),
            }
        )
    document: dict[str, Any] = {"text": target.shown or target.text}
    if target.text2 is not None:
        document["text2"] = target.text2
    if target.span is not None:
        document["span"] = list(target.span)
    if target.measure is not None:
        document["measure"] = target.measure
    return document | {
        "label": run.labelling.spell(target.label),
        "predicted": target.predicted,
        "probability": target.probability,
        "removed": [run.train.ids[row] for row in target.rows],
        "base": before,
        "without": outcomes["without"],
        "controls": controls,
    }


def _held_out(rounds: Rounds, compare: Comparison) -> dict[str, Any] | None:
    """Return what the removal did on held-out rows; None where there are none, or many targets."""
    held_out = rounds.retrainings.on.manifest.held_out
    if held_out is None or len(rounds.sets) != 1:
        return None
    count = rounds.looks[0][-1]
    base, removed = rounds.base(count), rounds.without(0, count)
    name = "loss" if base[0]["accuracy"] is None else "accuracy"
    if base[0].get(name) is None:
        return None

    def outcome(results: list[dict[str, Any]]) -> dict[str, Any]:
        values = [float(result[name]) for result in results]
        return {"mean": float(np.mean(values)), "values": values}

    before = outcome(base)
    found = {}
    for key, results in removed.items():
        one = outcome(results)
        changes = np.subtract(one["values"], before["values"]).tolist()
        bound = 1 if name == "accuracy" else no_bound(changes, before["mean"])
        change = compare.difference(one["values"], before["values"], bound)
        found[key] = {**one, "change": change.document()}
    return {
        "rows": held_out.rows,
        "measured": name,
        "base": before,
        "without": found.pop("without"),
        "controls": [{"name": name, **one} for name, one in found.items()],
    }

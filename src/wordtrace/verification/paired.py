"""Verifying a change of rows by paired retrainings: with it, without it, and with controls."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from wordtrace.execute.protocol import Executor
from wordtrace.results.result import told
from wordtrace.retrainers.outcomes import bound_of, measured, no_bound, outcome
from wordtrace.retrainers.retrainer import Retrainer, look_of
from wordtrace.run.run import Run
from wordtrace.statistics.comparison import Comparison
from wordtrace.verification.beginning import begin, tried
from wordtrace.verification.changed_rows import alike_changes, random_changes
from wordtrace.verification.design import Design
from wordtrace.verification.looks import show
from wordtrace.verification.removal import pool_of
from wordtrace.verification.result import FORMAT, VERSION, Verification
from wordtrace.verification.retrainings import Retrainings, seeds_of
from wordtrace.verification.rounds import Rounds, Sets
from wordtrace.verification.target import Target, check

#: What is removed where a patch says it.
PATCH = "patch"


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
    """Retrain with and without each target's change, and with as many other rows changed.

    For each seed, four models share their initial weights and the order of the rows: one of all
    rows ("base"), one without the target's rows, one without random rows, and one without random
    rows that are like them (:func:`.removal.pool_of`). What is relabelled is compared with other
    rows that get the same labels (:mod:`.changed_rows`). The run's own seed, with which the queries
    were picked, is never used. Results are kept in the run's folder: an interrupted verification
    goes on, and two verifications share what they have in common.

    Parameters
    ----------
    remove
        What is removed for the targets: "opponents", "proponents"; or "patch", which is one change
        for all of them.
    design
        How many seeds, and when a target needs no more of them; by default 5 and never.

    Raises
    ------
    InputError
        When there is nothing to remove, or too much.
    """
    check(run, targets)
    start = time.perf_counter()
    design = design or Design()
    seeds = seeds_of(run, design.seeds)
    probes = tuple((target.text, target.text2) for target in targets)
    # What a change does to other texts is told where it is one.
    one_change = len({target.changed for target in targets}) == 1
    retrainings = Retrainings(
        *(run, probes, retrainer, workers, executor, address),
        held_out=len(targets) == 1 or (remove == PATCH and one_change),
    )
    rounds = Rounds(retrainings, design, seeds, [_changes(run, one, seeds) for one in targets])
    begun = begin(retrainings, seeds, rounds.planned(tried(retrainings, seeds)))
    rounds.results |= begun.results
    compare = Comparison(begun.paired, design.p)

    def query(place: int, count: int) -> dict[str, Any]:
        base, without = rounds.base(count), rounds.without(place, count)
        found = _query(run, targets[place], place, base, without, compare)
        if remove != PATCH:
            found["removed"] = [run.train.ids[row] for row in targets[place].rows]
        return found

    def answer(place: int, count: int) -> str | None:
        found = query(place, count)
        show(place, count, found)
        return design.answer(found)

    rounds.run(answer, begun.plan)
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
            **(_patched(run, targets[0]) if remove == PATCH else {}),
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


def _changes(run: Run, target: Target, seeds: Sequence[int]) -> Sets:
    """Return what is changed for each seed: the rows of the target, and those of each control."""
    pool, wanted = pool_of(run), target.changed
    return {
        "without": [wanted] * len(seeds),
        "random": [random_changes(pool, wanted, seed) for seed in seeds],
        pool.control: [alike_changes(pool, wanted, seed) for seed in seeds],
    }


def _patched(run: Run, target: Target) -> dict[str, Any]:
    """Return the rows of a patch, by id."""
    ids, spell = run.train.ids, run.labelling.spell
    return {
        "patch": {
            "removed": [ids[row] for row in target.rows],
            "relabelled": {
                ids[row]: label if isinstance(label, str) else spell(label)
                for row, label in target.relabelled
            },
        }
    }


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
        "base": before,
        "without": outcomes["without"],
        "controls": controls,
    }


def _held_out(rounds: Rounds, compare: Comparison) -> dict[str, Any] | None:
    """Return what the change did on held-out rows; None without such rows, or with many changes."""
    held_out = rounds.retrainings.on.manifest.held_out
    if held_out is None or not rounds.retrainings.held_out:
        return None
    count = max(looks[-1] for looks in rounds.looks)
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

"""Verifying a change of rows by paired retrainings: with it, without it, and with controls."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from wordtrace.execute.protocol import Executor
from wordtrace.results.result import told
from wordtrace.retrainers.outcomes import measured, no_bound
from wordtrace.retrainers.retrainer import Retrainer, look_of
from wordtrace.run.run import Run
from wordtrace.statistics.comparison import Comparison
from wordtrace.verification.beginning import begin, tried
from wordtrace.verification.changed_rows import alike_changes, random_changes
from wordtrace.verification.design import Design
from wordtrace.verification.findings import Findings
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
    together: bool = False,
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
    together
        Whether the targets have one and the same removal, so that what it does to all of them is
        what the study looks at.
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
    several = len(targets) > 1
    together = together and several
    # What a change does to other texts, and to all queries, is told where it is one.
    one_change = together or remove == PATCH
    retrainings = Retrainings(
        *(run, probes, retrainer, workers, executor, address),
        held_out=one_change or not several,
    )
    # One decision for all queries is about one set of models.
    changes = [_changes(run, one, seeds) for one in (targets[:1] if together else targets)]
    rounds = Rounds(retrainings, design, seeds, changes)
    begun = begin(retrainings, seeds, rounds.planned(tried(retrainings, seeds)))
    rounds.results |= begun.results
    compare = Comparison(begun.paired, design.p)
    names = remove != PATCH
    findings = Findings(targets, rounds, compare, names, several and one_change, together)
    rounds.run(findings.answer, begun.plan)
    most = rounds.most
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
            **findings.whole(),
            "queries": findings.queries(),
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


def _held_out(rounds: Rounds, compare: Comparison) -> dict[str, Any] | None:
    """Return what the change did on held-out rows; None without such rows, or with many changes."""
    held_out = rounds.retrainings.on.manifest.held_out
    if held_out is None or not rounds.retrainings.held_out:
        return None
    said = rounds.said(0, rounds.most)
    base = said["base"]
    name = "loss" if base[0]["accuracy"] is None else "accuracy"
    if base[0].get(name) is None:
        return None

    def outcome(results: list[dict[str, Any]]) -> dict[str, Any]:
        values = [float(result[name]) for result in results]
        return {"mean": float(np.mean(values)), "values": values}

    before = outcome(base)
    found = {}
    for key, results in said.items():
        if key == "base":
            continue
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

"""Verifying a removal: paired retrainings with and without it, and beside controls."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from wordtrace.data import frames
from wordtrace.disk import atomic
from wordtrace.errors import InputError, option
from wordtrace.execute.protocol import Executor
from wordtrace.run.run import Run
from wordtrace.verification.intervals import estimate, method
from wordtrace.verification.removal import Rows, random_rows, same_labels
from wordtrace.verification.retrain import Retraining
from wordtrace.verification.tasks import run_tasks, seeds_of

FORMAT, VERSION = "wordtrace-verification", 1

_TABLE = pa.schema(
    {
        **dict.fromkeys(("query", "label", "left_out"), pa.string()),
        "seed": pa.int64(),
        **dict.fromkeys(("base", "probability", "change"), pa.float64()),
    }
)


@dataclass(frozen=True)
class Target:
    """A query and the training rows whose removal is to be proven.

    Attributes
    ----------
    label
        The class whose probability is watched.
    predicted, probability
        What the recorded run says: its label, and its probability of `label`.
    rows
        Training rows, strongest first.
    """

    text: str
    text2: str | None
    label: int
    predicted: str
    probability: float
    rows: Rows


@dataclass(frozen=True)
class Verification(frames.Tabular):
    """What removing did, against its controls; :meth:`document` is the whole of it."""

    result: Mapping[str, Any]

    def document(self) -> dict[str, Any]:
        """Return the verification as a JSON document."""
        return dict(self.result)

    def __repr__(self) -> str:
        from wordtrace.report.sentences import verification_sentences

        return "\n".join(verification_sentences(self.document()))

    def _repr_html_(self) -> str:
        from wordtrace.report.page import render_fragment

        return render_fragment(self.document())

    def table(self) -> Any:
        """Return a row a query, kind of removal and seed as a pyarrow table.

        Columns: query (its number from 0), label, left_out ("opponents", "proponents", or a
        control's name), seed, base (the probability of the label by a model of all rows),
        probability (without those that are left out), change.
        """
        rows = [
            {
                "query": str(place),
                "label": query["label"],
                "left_out": name,
                "seed": seed,
                "base": base,
                "probability": value,
                "change": value - base,
            }
            for place, query in enumerate(self.result["queries"])
            for name, outcome in (
                (self.result["remove"], query["without"]),
                *((control["name"], control) for control in query["controls"]),
            )
            for seed, base, value in zip(
                self.result["seeds"], query["base"]["values"], outcome["values"], strict=True
            )
        ]
        return pa.Table.from_pylist(rows, schema=_TABLE)

    def to_json(self) -> str:
        """Return :meth:`document` as text."""
        return json.dumps(self.result, ensure_ascii=False, allow_nan=False, indent=1)

    def save(self, path: str | Path) -> None:
        """Write it as JSON, or, where `path` ends in .html, as a page."""
        if Path(path).suffix == ".html":
            from wordtrace.report.page import render_html

            atomic.write_text(Path(path), render_html([self.document()]))
        else:
            atomic.write_json(Path(path), self.result)


def verify(
    run: Run,
    targets: Sequence[Target],
    *,
    remove: str,
    k: int,
    measure: str,
    repeats: int = 5,
    workers: int | None = None,
    executor: str | Executor = "processes",
    address: str | None = None,
) -> Verification:
    """Retrain with and without each target's rows, and without as many others.

    For each of `repeats` seeds (never the run's own, on which the queries were picked) these
    models share initial weights and the order of the rows: all rows ("base"), without the
    target's, without random rows, and without random rows of the same labels. Results are kept
    in the run's folder: an interrupted verification goes on, and two verifications share what
    they have in common.

    Raises
    ------
    InputError
        When there is nothing to remove, too much, or fewer than two repeats.
    """
    _check(run, targets, repeats)
    start = time.perf_counter()
    seeds = seeds_of(run, repeats)
    labels = run.train.labels
    sets: list[dict[str, list[Rows]]] = []
    for target in targets:
        removed = tuple(sorted(target.rows))
        sets.append(
            {
                "without": [removed] * repeats,
                "random": [random_rows(len(labels), len(removed), seed) for seed in seeds],
                "same labels": [same_labels(labels, removed, seed) for seed in seeds],
            }
        )
    probes = tuple((target.text, target.text2) for target in targets)

    def task(seed: int, rows: Rows) -> Retraining:
        return Retraining(str(run.path), run.fingerprint, seed, rows, probes)

    wanted = [task(seed, ()) for seed in seeds]
    for per_target in sets:
        for rows_by_seed in per_target.values():
            wanted += [task(seed, rows) for seed, rows in zip(seeds, rows_by_seed, strict=True)]
    tasks = list({one.key: one for one in wanted}.values())
    results = run_tasks(run, tasks, workers, executor=executor, address=address)

    def found(rows_by_seed: list[Rows]) -> list[dict[str, Any]]:
        return [
            results[task(seed, rows).key] for seed, rows in zip(seeds, rows_by_seed, strict=True)
        ]

    base = found([()] * repeats)
    queries = [
        _query(run, target, place, base, {name: found(rows) for name, rows in per_target.items()})
        for place, (target, per_target) in enumerate(zip(targets, sets, strict=True))
    ]
    held_out = None
    if run.held_out is not None and len(targets) == 1:
        held_out = _held_out(run, base, {name: found(rows) for name, rows in sets[0].items()})
    return Verification(
        {
            "format": FORMAT,
            "version": VERSION,
            "run": str(run.path),
            "measure": measure,
            "remove": remove,
            "k": k,
            "repeats": repeats,
            "seeds": seeds,
            "retrainings": len(tasks),
            "seconds": time.perf_counter() - start,
            "interval": method(repeats),
            "queries": queries,
            "held_out": held_out,
        }
    )


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
        kept = np.delete(run.train.labels, list(target.rows))
        if len(np.unique(kept)) < len(np.unique(run.train.labels)):
            raise InputError(
                f"removing {len(target.rows)} rows would leave a label without examples; "
                f"give a smaller {option('k')}."
            )


def _query(
    run: Run,
    target: Target,
    place: int,
    base: list[dict[str, Any]],
    removed: dict[str, list[dict[str, Any]]],
) -> dict[str, Any]:
    def outcome(results: list[dict[str, Any]]) -> dict[str, Any]:
        rows = np.array([result["probabilities"][place] for result in results])
        values = rows[:, target.label]
        right = int((rows.argmax(1) == target.label).sum())
        return {"mean": float(values.mean()), "values": values.tolist(), "right": right}

    before = outcome(base)
    outcomes = {name: outcome(results) for name, results in removed.items()}
    changes = {name: np.subtract(one["values"], before["values"]) for name, one in outcomes.items()}
    for name, one in outcomes.items():
        one["change"] = estimate(changes[name], bound=1).document()
    controls = []
    for name in ("random", "same labels"):
        difference = estimate(changes["without"] - changes[name], bound=2)
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
    run: Run, base: list[dict[str, Any]], removed: dict[str, list[dict[str, Any]]]
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
        change = estimate(np.subtract(one["values"], before["values"]).tolist(), bound=1)
        found[name] = {**one, "change": change.document()}
    return {
        "rows": held_out.rows,
        "base": before,
        "without": found.pop("without"),
        "controls": [{"name": name, **one} for name, one in found.items()],
    }

"""Which change of the training data sets misclassified texts right (appendix L), by retraining."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from wordtrace.act.curves import curve, enough
from wordtrace.act.fix_result import Fix
from wordtrace.act.treatments import Treatment, treatments
from wordtrace.data.examples import Examples
from wordtrace.errors import InputError, option
from wordtrace.execute.protocol import Executor
from wordtrace.explain.tracer import Tracer
from wordtrace.models import predict
from wordtrace.run.run import Run
from wordtrace.verification.removal import random_rows
from wordtrace.verification.retrain import Retraining
from wordtrace.verification.tasks import run_tasks, seeds_of

FORMAT, VERSION = "wordtrace-fix", 1

ACTIONS = ("remove", "blank", "relabel")
BASE, RANDOM = "retraining alone", "random rows"


def fix(
    tracer: Tracer,
    queries: Examples,
    *,
    k: Sequence[int] = (10, 50, 100),
    actions: Sequence[str] = ("remove", "blank"),
    measures: Sequence[str] = ("influence-last",),
    repeats: int = 5,
    band: tuple[float, float] | None = None,
    limit: int | None = None,
    workers: int | None = None,
    executor: str | Executor = "processes",
    address: str | None = None,
) -> Fix:
    """Change the strongest opponents of misclassified queries, retrain, count what comes right.

    Parameters
    ----------
    queries
        With right labels; those that the final model gets right are left out.
    k
        How many opponents to change.
    actions
        "remove" the rows; "blank" in each the word that harms most; "relabel" each as the
        strongest of its own opponents are labelled.
    measures
        Others whose opponents are removed for comparison.
    repeats
        Seeds.
    band
        Only queries whose predicted label has a probability within, as (0.3, 0.7) in the paper.
    limit
        At most so many queries.

    Raises
    ------
    InputError
        For an unknown action, a k out of range, or when no query is misclassified.
    """
    run = tracer.run
    _check(run, k, actions, repeats)
    asked = _misclassified(run, queries, band, limit)
    start = time.perf_counter()
    seeds = seeds_of(run, repeats)
    probes = tuple(
        (text, None if asked.texts2 is None else asked.texts2[place])
        for place, text in enumerate(asked.texts)
    )
    chosen = treatments(tracer, asked, sorted(set(k)), actions, measures)

    def task(seed: int, change: Treatment) -> Retraining:
        return Retraining(
            str(run.path),
            run.fingerprint,
            seed,
            change.removed,
            probes,
            change.relabelled,
            change.blanked,
        )

    nothing = Treatment()
    control = {
        (size, seed): Treatment(removed=random_rows(len(run.train), size, seed))
        for size in sorted(set(k))
        for seed in seeds
    }
    tasks = [task(seed, nothing) for seed in seeds]
    tasks += [task(seed, change) for (_, seed), change in control.items()]
    tasks += [task(seed, change) for change in chosen.values() for seed in seeds]
    results = run_tasks(run, tasks, workers, executor=executor, address=address)
    labels = asked.labels

    def right(place: int, changes: Sequence[Treatment]) -> npt.NDArray[np.bool_]:
        rows = [
            results[task(seed, change).key]["probabilities"][place]
            for seed, change in zip(seeds, changes, strict=True)
        ]
        found: npt.NDArray[np.bool_] = np.asarray(rows).argmax(1) == labels[place]
        return found

    def accuracy(changes: Sequence[Treatment]) -> list[float | None]:
        pairs = zip(seeds, changes, strict=True)
        return [results[task(seed, change).key]["accuracy"] for seed, change in pairs]

    places = range(len(asked))
    base = np.stack([right(place, [nothing] * repeats) for place in places])
    methods = list(dict.fromkeys(name for name, _, _ in chosen))
    table: dict[str, dict[int, npt.NDArray[np.bool_]]] = {}
    kept: dict[str, dict[int, list[list[float | None]]]] = {}
    for name in methods:
        table[name] = {
            size: np.stack([right(p, [chosen[name, size, p]] * repeats) for p in places])
            for size in sorted(set(k))
        }
        kept[name] = {
            size: [accuracy([chosen[name, size, p]] * repeats) for p in places]
            for size in sorted(set(k))
        }
    table[RANDOM] = {
        size: np.stack([right(p, [control[size, seed] for seed in seeds]) for p in places])
        for size in sorted(set(k))
    }
    kept[RANDOM] = {
        size: [accuracy([control[size, seed] for seed in seeds])] for size in sorted(set(k))
    }
    held = [value for value in accuracy([nothing] * repeats) if value is not None]
    # Where retraining alone is enough, no change is needed.
    smallest = [
        None
        if enough(base[place])
        else min(
            (
                (size, methods.index(name), name)
                for name in methods
                for size, found in table[name].items()
                if enough(found[place])
            ),
            default=None,
        )
        for place in places
    ]
    patches = tuple(
        None if one is None else chosen[one[2], one[0], place].patch(run.train, one[2], one[0])
        for place, one in enumerate(smallest)
    )
    document = {
        "format": FORMAT,
        "version": VERSION,
        "run": str(run.path),
        "seeds": seeds,
        "repeats": repeats,
        "retrainings": len({one.key for one in tasks}),
        "seconds": time.perf_counter() - start,
        "band": list(band) if band else None,
        "base": curve(base),
        "held_out_accuracy": float(np.mean(held)) if held else None,
        "curves": {
            name: [
                {
                    "k": size,
                    **curve(found),
                    "difference": curve(found, base),
                    "held_out_change": _change(kept[name][size], held),
                }
                for size, found in by_size.items()
            ]
            for name, by_size in table.items()
        },
        "queries": [
            {
                **_about(run, asked, place),
                "base": int(base[place].sum()),
                "right": {
                    name: {str(size): int(found[place].sum()) for size, found in by_size.items()}
                    for name, by_size in table.items()
                },
                "suffices": None if one is None else {"method": one[2], "k": one[0]},
                "without_change": enough(base[place]),
            }
            for place, one in enumerate(smallest)
        ],
    }
    return Fix(document, patches)


def _check(run: Run, k: Sequence[int], actions: Sequence[str], repeats: int) -> None:
    for action in actions:
        if action not in ACTIONS:
            raise InputError(f"{option('actions')} holds {action!r}; known: {', '.join(ACTIONS)}.")
    if not actions:
        raise InputError(f"there is no change to try; name one by {option('actions')}.")
    if not k or not all(1 <= size < len(run.train) for size in k):
        raise InputError(
            f"{option('k')} is {', '.join(map(str, k))}; give 1 to {len(run.train) - 1}."
        )
    if repeats < 2:
        raise InputError(f"{option('repeats')} is {repeats}; give 2 or more.")


def _misclassified(
    run: Run, queries: Examples, band: tuple[float, float] | None, limit: int | None
) -> Examples:
    if band is not None and not 0 <= band[0] < band[1] <= 1:
        raise InputError(
            f"{option('band')} is {band[0]} to {band[1]}; give two rising probabilities."
        )
    if limit is not None and limit < 1:
        raise InputError(f"{option('limit')} is {limit}; give 1 or more.")
    if (queries.labels < 0).any():
        raise InputError(f"{queries.source}: every query needs its right label.")
    unknown = [name for name in queries.label_names if name not in run.label_names]
    held = {queries.label_names[one] for one in set(queries.labels.tolist())}
    if held & set(unknown):
        raise InputError(
            f"{queries.source} has the label {min(held & set(unknown))!r}, the run no."
        )
    order = [run.label_names.index(n) if n in run.label_names else -1 for n in queries.label_names]
    labels = np.array(order, np.int64)[queries.labels]
    encoded = run.tokenizer.encode(queries.texts, queries.texts2)
    probability = predict.probabilities(predict.logits(run.model(run.final), encoded))
    wanted = probability.argmax(1) != labels
    if band is not None:
        sure = probability.max(1)
        wanted &= (sure >= band[0]) & (sure <= band[1])
    rows = np.flatnonzero(wanted)[:limit]
    if not len(rows):
        within = f" with a probability from {band[0]} to {band[1]}" if band else ""
        raise InputError(
            f"no query of {queries.source} is misclassified{within}: there is nothing to fix."
        )
    part = queries.take(rows)
    return Examples.of(
        part.texts, labels[rows], run.label_names, ids=part.ids, texts2=part.texts2,
        source=queries.source,
    )  # fmt: skip


def _about(run: Run, asked: Examples, place: int) -> dict[str, Any]:
    encoded = run.tokenizer.encode(
        asked.texts[place : place + 1],
        None if asked.texts2 is None else asked.texts2[place : place + 1],
    )
    probability = predict.probabilities(predict.logits(run.model(run.final), encoded))[0]
    found: dict[str, Any] = {"id": asked.ids[place], "text": asked.texts[place]}
    if asked.texts2 is not None:
        found["text2"] = asked.texts2[place]
    label = int(asked.labels[place])
    return found | {
        "label": run.label_names[label],
        "predicted": run.label_names[int(probability.argmax())],
        "probability": float(probability[label]),
    }


def _change(values: list[list[float | None]], base: list[float]) -> float | None:
    flat = [value for one in values for value in one if value is not None]
    return float(np.mean(flat) - np.mean(base)) if flat and base else None

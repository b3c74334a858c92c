"""Finding by retraining which change of the data corrects wrong predictions (appendix L)."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from wordtrace.act.fix_result import FORMAT, VERSION, Fix
from wordtrace.act.numbering import as_the_run
from wordtrace.act.treatments import treatments
from wordtrace.act.trials import RANDOM, BoolArray, Trials, try_out
from wordtrace.data.examples import Examples
from wordtrace.errors import InputError, option
from wordtrace.execute.protocol import Executor
from wordtrace.explain.tracer import Tracer
from wordtrace.models import predict
from wordtrace.results.result import told
from wordtrace.run.run import Run
from wordtrace.statistics.crossed import interval
from wordtrace.statistics.shares import share_interval, surely_over_half
from wordtrace.verification.choice import Retrain, retrainer_for
from wordtrace.verification.retrainer import look_of
from wordtrace.verification.retrainings import Retrainings, probes_of, seeds_of

ACTIONS = ("remove", "blank", "relabel")


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
    retrain: Retrain | None = None,
) -> Fix:
    """Change the strongest opponents of misclassified queries, retrain, and count the successes.

    Parameters
    ----------
    queries
        Queries with their right labels; those that the final model gets right are left out.
    k
        How many opponents to change, as a list of numbers to try.
    actions
        "remove" removes the rows; "blank" takes out of each row the word that harms most;
        "relabel" gives each row the label of its own strongest opponents.
    measures
        Other measures to compare with: their opponents are removed, too.
    repeats
        The number of seeds.
    band
        Only queries with a probability of the predicted label in this range, such as (0.3, 0.7) in
        the paper.
    limit
        At most so many queries.
    retrain
        What trains instead of the run's own training; as for :func:`wordtrace.verify`.

    Raises
    ------
    InputError
        For an unknown action, a k out of range, or when no query is misclassified.
    """
    run = tracer.run
    _check(run, k, actions, repeats)
    retrainer = retrainer_for(run, retrain, "fix", executor)
    asked = _misclassified(run, queries, band, limit)
    start = time.perf_counter()
    retrainings = Retrainings(run, probes_of(asked), retrainer, workers, executor, address)
    sizes, seeds = sorted(set(k)), seeds_of(run, repeats)
    chosen = treatments(tracer, asked, sizes, actions, measures)
    trials = try_out(retrainings, asked, chosen, sizes, seeds)
    smallest = [_smallest(trials, place) for place in range(len(asked))]
    patches = tuple(
        None if one is None else chosen[*one, place].patch(run.train, *one)
        for place, one in enumerate(smallest)
    )
    document = {
        "format": FORMAT,
        "version": VERSION,
        "run": str(run.path),
        **told(run.misread, look_of(retrainer)),
        "seeds": seeds,
        "repeats": repeats,
        "retrainings": trials.retrainings,
        "seconds": time.perf_counter() - start,
        "band": list(band) if band else None,
        "base": _share(trials.base),
        "held_out_accuracy": float(np.mean(trials.base_accuracy)) if trials.base_accuracy else None,
        "curves": _curves(trials),
        "queries": [_query(run, asked, trials, place, one) for place, one in enumerate(smallest)],
    }
    return Fix(document, patches)


def _smallest(trials: Trials, place: int) -> tuple[str, int] | None:
    """Return the method and k of the smallest change that suffices for a query, if any does.

    Where retraining alone is enough, no change is needed.
    """
    if surely_over_half(trials.base[place]):
        return None
    methods = [name for name in trials.right if name != RANDOM]
    found = [
        (size, order, name)
        for order, name in enumerate(methods)
        for size, right in trials.right[name].items()
        if surely_over_half(right[place])
    ]
    if not found:
        return None
    size, _, name = min(found)
    return name, size


def _curves(trials: Trials) -> dict[str, list[dict[str, Any]]]:
    return {
        name: [
            {
                "k": size,
                **_share(right),
                "difference": _difference(right, trials.base),
                "held_out_change": trials.held_out_change(name, size),
            }
            for size, right in by_size.items()
        ]
        for name, by_size in trials.right.items()
    }


def _share(right: BoolArray) -> dict[str, float]:
    low, high = share_interval(right)
    return {"mean": float(right.mean()), "low": low, "high": high}


def _difference(right: BoolArray, base: BoolArray) -> dict[str, float]:
    """Return the mean difference, paired by query and seed."""
    values = right.astype(np.float64) - base
    low, high = interval(values, -1, 1)
    return {"mean": float(values.mean()), "low": low, "high": high}


def _query(
    run: Run, asked: Examples, trials: Trials, place: int, smallest: tuple[str, int] | None
) -> dict[str, Any]:
    return {
        **_about(run, asked, place),
        "base": int(trials.base[place].sum()),
        "right": {
            name: {str(size): int(right[place].sum()) for size, right in by_size.items()}
            for name, by_size in trials.right.items()
        },
        "suffices": None if smallest is None else {"method": smallest[0], "k": smallest[1]},
        "without_change": surely_over_half(trials.base[place]),
    }


def _check(run: Run, k: Sequence[int], actions: Sequence[str], repeats: int) -> None:
    for action in actions:
        if action not in ACTIONS:
            raise InputError(f"{option('actions')} holds {action!r}; known: {', '.join(ACTIONS)}.")
    if not actions:
        raise InputError(f"there is no change to try; name one by {option('actions')}.")
    # As many random rows are left out for comparison, and each label keeps one.
    most = len(run.train) - len(np.unique(run.train.labels))
    if not k or not all(1 <= size <= most for size in k):
        raise InputError(f"{option('k')} is {', '.join(map(str, k))}; give 1 to {most}.")
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
    queries = as_the_run(queries, run)
    encoded = run.tokenizer.encode(queries.texts, queries.texts2)
    probability = predict.probabilities(predict.logits(run.model(run.final), encoded))
    wanted = probability.argmax(1) != queries.labels
    if band is not None:
        sure = probability.max(1)
        wanted &= (sure >= band[0]) & (sure <= band[1])
    rows = np.flatnonzero(wanted)[:limit]
    if not len(rows):
        within = f" with a probability from {band[0]} to {band[1]}" if band else ""
        raise InputError(
            f"no query of {queries.source} is misclassified{within}: there is nothing to fix."
        )
    return queries.take(rows)


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

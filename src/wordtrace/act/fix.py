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
from wordtrace.asking.asker import Asker
from wordtrace.asking.predictions import Predictions
from wordtrace.data.examples import Examples
from wordtrace.errors import InputError, option
from wordtrace.execute.protocol import Executor
from wordtrace.explain.tracer import Tracer
from wordtrace.results.result import told
from wordtrace.retrainers.choice import Retrain, retrainer_for
from wordtrace.retrainers.retrainer import look_of
from wordtrace.run.run import Run
from wordtrace.statistics.crossed import interval
from wordtrace.statistics.shares import share_interval, surely_over_half
from wordtrace.verification.removal import pool_of
from wordtrace.verification.retrainings import Retrainings, probes_of, seeds_of

ACTIONS = ("remove", "blank", "relabel")


def fix(
    tracer: Tracer,
    queries: Examples,
    *,
    k: Sequence[int] = (10, 50, 100),
    actions: Sequence[str] = ("remove", "blank"),
    measures: Sequence[str] | None = None,
    repeats: int = 5,
    band: tuple[float, float] | None = None,
    limit: int | None = None,
    workers: int | None = None,
    executor: str | Executor = "processes",
    address: str | None = None,
    retrain: Retrain | None = None,
) -> Fix:
    """Change the strongest opponents of misclassified queries, retrain, and count the successes.

    A query with several labels is right where all of them are.

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
        Other measures to compare with: their opponents are removed, too. None: influence-last, or
        none where texts have several labels, for which it is not defined.
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
        For a model that gives numbers or answers, an unknown action, a k out of range, or when no
        query is misclassified.
    """
    run = tracer.run
    _refuse_kinds(run, actions)
    _check(run, k, actions, repeats)
    retrainer = retrainer_for(run, retrain, "fix", executor)
    if measures is None:
        measures = ("influence-last",) if run.labelling.kind == "class" else ()
    asked = misclassified(tracer.asker, queries, band, limit)
    start = time.perf_counter()
    retrainings = Retrainings(run, probes_of(asked), retrainer, workers, executor, address)
    sizes, seeds = sorted(set(k)), seeds_of(run, repeats)
    chosen = treatments(tracer, asked, sizes, actions, measures)
    trials = try_out(retrainings, asked, chosen, sizes, seeds)
    smallest = [_smallest(trials, place) for place in range(len(asked))]
    said = tracer.asker.predict(tracer.asker.question(asked))
    patches = tuple(
        None if one is None else chosen[*one, place].patch(run.train, *one)
        for place, one in enumerate(smallest)
    )
    document = {
        "format": FORMAT,
        "version": VERSION,
        "run": str(run.path),
        **told(run.misread, look_of(retrainer)),
        **trials.begun.told(),
        "seeds": seeds,
        "repeats": repeats,
        "retrainings": trials.retrainings,
        "seconds": time.perf_counter() - start,
        "band": list(band) if band else None,
        "base": _share(trials.base),
        "held_out_accuracy": float(np.mean(trials.base_accuracy)) if trials.base_accuracy else None,
        "curves": _curves(trials),
        "queries": [_query(asked, said, trials, place, one) for place, one in enumerate(smallest)],
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
    asked: Examples,
    said: Predictions,
    trials: Trials,
    place: int,
    smallest: tuple[str, int] | None,
) -> dict[str, Any]:
    return {
        **_about(asked, said, place),
        "base": int(trials.base[place].sum()),
        "right": {
            name: {str(size): int(right[place].sum()) for size, right in by_size.items()}
            for name, by_size in trials.right.items()
        },
        "suffices": None if smallest is None else {"method": smallest[0], "k": smallest[1]},
        "without_change": surely_over_half(trials.base[place]),
    }


def _refuse_kinds(run: Run, actions: Sequence[str]) -> None:
    if run.generates or run.labelling.kind == "number":
        what = "an answer" if run.generates else "a number"
        raise InputError(
            f"fix counts in how many retrainings a label is right, and {what} is not simply right "
            "or wrong; trace it, and prove by `verify` what removing the rows does."
        )
    if run.labelling.kind == "set" and "relabel" in actions:
        raise InputError(
            "relabel proposes one class for a row, and rows of this run have several; give "
            f"{option('actions')} of remove and blank."
        )


def _check(run: Run, k: Sequence[int], actions: Sequence[str], repeats: int) -> None:
    for action in actions:
        if action not in ACTIONS:
            raise InputError(f"{option('actions')} holds {action!r}; known: {', '.join(ACTIONS)}.")
    if not actions:
        raise InputError(f"there is no change to try; name one by {option('actions')}.")
    # As many random rows are left out for comparison, and each label keeps one.
    pool = pool_of(run)
    most = len(pool) - len(pool.each())
    if not k or not all(1 <= size <= most for size in k):
        raise InputError(f"{option('k')} is {', '.join(map(str, k))}; give 1 to {most}.")
    if repeats < 2:
        raise InputError(f"{option('repeats')} is {repeats}; give 2 or more.")


def misclassified(
    asker: Asker, queries: Examples, band: tuple[float, float] | None, limit: int | None
) -> Examples:
    """Return the queries that the final model gets wrong, with labels as the run has them.

    Raises
    ------
    InputError
        When a label is missing, or when no query is wrong.
    """
    if band is not None and not 0 <= band[0] < band[1] <= 1:
        raise InputError(
            f"{option('band')} is {band[0]} to {band[1]}; give two rising probabilities."
        )
    if limit is not None and limit < 1:
        raise InputError(f"{option('limit')} is {limit}; give 1 or more.")
    if not queries.labelling.given(queries.labels).all():
        raise InputError(f"{queries.source}: every query needs its right label.")
    queries = as_the_run(queries, asker.run)
    said = asker.predict(asker.question(queries))
    wanted = said.labels != queries.labels
    if wanted.ndim > 1:
        wanted = wanted.any(1)
    if band is not None:
        wanted &= (said.of_predicted >= band[0]) & (said.of_predicted <= band[1])
    rows = np.flatnonzero(wanted)[:limit]
    if not len(rows):
        within = f" with a probability from {band[0]} to {band[1]}" if band else ""
        raise InputError(
            f"no query of {queries.source} is misclassified{within}: there is nothing to fix."
        )
    return queries.take(rows)


def _about(asked: Examples, said: Predictions, place: int) -> dict[str, Any]:
    found: dict[str, Any] = {"id": asked.ids[place], "text": asked.texts[place]}
    if asked.texts2 is not None:
        found["text2"] = asked.texts2[place]
    return found | {
        "label": asked.labelling.spell(asked.labels[place]),
        "predicted": asked.labelling.spell(said.labels[place]),
        "probability": float(said.probability[place]),
    }

"""Trying treatments: how many retrainings with each one get the queries right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from wordtrace.act.treatments import Treatment
from wordtrace.data.examples import Examples
from wordtrace.retrainers.outcomes import right as right_of
from wordtrace.retrainers.retrain import Retraining
from wordtrace.verification.beginning import Begun, begin
from wordtrace.verification.removal import pool_of, random_rows
from wordtrace.verification.retrainings import Retrainings

RANDOM = "random rows"
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Trials:
    """What the retrained models predicted.

    Attributes
    ----------
    base
        bool, shape (queries, seeds): whether a model trained on all rows gets a query right.
    right
        The same for the changes, by method and k; the control :data:`RANDOM` comes last.
    base_accuracy, accuracy
        The accuracy on the held-out rows of models trained on all rows, and of the others by method
        and k; empty where there are no held-out rows.
    retrainings
        How many models were trained.
    begun
        What was found out before.
    """

    base: BoolArray
    right: dict[str, dict[int, BoolArray]]
    base_accuracy: list[float]
    accuracy: dict[str, dict[int, list[float]]]
    retrainings: int
    begun: Begun

    def held_out_change(self, method: str, k: int) -> float | None:
        """Return how much a change moves the accuracy on the held-out rows, if there are any."""
        changed = self.accuracy[method][k]
        if not changed or not self.base_accuracy:
            return None
        return float(np.mean(changed) - np.mean(self.base_accuracy))


def try_out(
    retrainings: Retrainings,
    asked: Examples,
    chosen: Mapping[tuple[str, int, int], Treatment],
    sizes: Sequence[int],
    seeds: Sequence[int],
) -> Trials:
    """Retrain with each treatment, without as many random rows, and with all rows.

    Parameters
    ----------
    chosen
        The treatments by (method, k, query).
    """
    places = range(len(asked))
    base = [_task(retrainings, seed, Treatment()) for seed in seeds]
    # For each seed, all queries share one draw of random rows.
    control = {size: _random(retrainings, size, seeds) for size in sizes}
    treated = {
        key: [_task(retrainings, seed, change) for seed in seeds] for key, change in chosen.items()
    }
    tasks = [*base, *(one for part in (control, treated) for by in part.values() for one in by)]
    begun = begin(retrainings, seeds, [tasks])
    tried = begun.repeats is not None
    results = retrainings.run(tasks, plan=begun.plan, begun=tried)

    def right(place: int, trained: Sequence[Retraining]) -> BoolArray:
        said = np.asarray([results[one.key]["probabilities"][place] for one in trained])
        return right_of(retrainings.on.labelling, said, asked.labels[place])

    def accuracy(trained: Sequence[Retraining]) -> list[float]:
        found = [results[one.key]["accuracy"] for one in trained]
        return [value for value in found if value is not None]

    by_method: dict[str, dict[int, BoolArray]] = {}
    kept: dict[str, dict[int, list[float]]] = {}
    for name in dict.fromkeys(name for name, _, _ in chosen):
        by_method[name], kept[name] = {}, {}
        for size in sizes:
            each = [treated[name, size, place] for place in places]
            by_method[name][size] = np.stack([right(place, each[place]) for place in places])
            kept[name][size] = [value for one in each for value in accuracy(one)]
    by_method[RANDOM] = {
        size: np.stack([right(place, control[size]) for place in places]) for size in sizes
    }
    kept[RANDOM] = {size: accuracy(control[size]) for size in sizes}
    return Trials(
        np.stack([right(place, base) for place in places]),
        by_method,
        accuracy(base),
        kept,
        len({one.key for one in tasks}) + tried,
        begun,
    )


def _task(retrainings: Retrainings, seed: int, change: Treatment) -> Retraining:
    return retrainings.task(seed, change.removed, change.relabelled, change.blanked)


def _random(retrainings: Retrainings, size: int, seeds: Sequence[int]) -> list[Retraining]:
    pool = pool_of(retrainings.on)
    return [retrainings.task(seed, random_rows(pool, size, seed)) for seed in seeds]

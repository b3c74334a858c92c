"""How often retrained models get examples wrong."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from wordtrace.data.examples import Examples
from wordtrace.errors import InputError, option
from wordtrace.retrainers.retrain import Rows
from wordtrace.retrainers.retrainer import Retrainer
from wordtrace.run.run import Run
from wordtrace.verification.beginning import Begun, begin
from wordtrace.verification.retrainings import Retrainings, probes_of, seeds_of


@dataclass(frozen=True)
class Wrongness:
    """What retrained models predict for examples.

    Attributes
    ----------
    share
        float64, shape (examples,): the share of wrong predictions among all for the example.
    said
        int64, shape (examples,): the most frequent wrong prediction; the example's own label if
        there was none.
    begun
        What was found out about the training before.
    """

    share: npt.NDArray[np.float64]
    said: npt.NDArray[np.int64]
    begun: Begun


def wrongness(
    run: Run,
    retrainer: Retrainer,
    examples: Examples | None = None,
    trainings: int = 20,
    workers: int | None = None,
) -> Wrongness:
    """Retrain with other seeds and count wrong predictions.

    A model would know training rows (`examples` None) by heart. So of each two retrainings, one
    leaves out a random half of the rows and the other one the other half, and each is asked about
    the rows that it left out. Other examples are judged by models of all rows.

    Parameters
    ----------
    examples
        Examples with the run's label names; None for the training rows.

    Raises
    ------
    InputError
        For fewer than two trainings, or missing labels.
    """
    if trainings < 2:
        raise InputError(f"{option('trainings')} is {trainings}; give 2 or more.")
    asked = run.train if examples is None else examples
    labels = asked.labels
    if (labels < 0).any():
        raise InputError(f"{asked.source}: every example needs its label.")
    seeds = seeds_of(run, trainings)
    count = len(run.train)
    left_out = [
        _half(count, seeds[place], place) if examples is None else () for place in range(trainings)
    ]
    retrainings = Retrainings(run, probes_of(asked), retrainer, workers, held_out=False)
    tasks = [retrainings.task(seed, rows) for seed, rows in zip(seeds, left_out, strict=True)]
    # Each half of the rows is a training of its own, whatever the seed.
    begun = begin(retrainings, seeds, [tasks], needs_seeds=examples is not None)
    results = retrainings.run(tasks, plan=begun.plan, begun=begun.repeats is not None)
    votes = np.zeros((len(asked), len(run.label_names)), np.int64)
    for task in tasks:
        predicted = np.asarray(results[task.key]["probabilities"]).argmax(1)
        rows = np.array(task.removed, np.int64) if examples is None else np.arange(len(asked))
        votes[rows, predicted[rows]] += 1
    total = votes.sum(1)
    wrong = votes.copy()
    wrong[np.arange(len(asked)), labels] = 0
    share = wrong.sum(1) / np.maximum(1, total)
    return Wrongness(share, np.where(wrong.any(1), wrong.argmax(1), labels), begun)


def _half(count: int, seed: int, place: int) -> Rows:
    """Draw a half for an even place; an odd place gets the other half of the draw before it."""
    order = np.random.default_rng([seed - place % 2, 7]).permutation(count)
    part = order[: count // 2] if place % 2 == 0 else order[count // 2 :]
    return tuple(sorted(part.tolist()))

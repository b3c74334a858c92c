"""What models trained on halves of the rows say of each query: what measures are held against."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from wordtrace.data.labelling import Labelling, Labels
from wordtrace.errors import WordtraceError
from wordtrace.evaluation.deletion import FloatArray, SeedAndRows
from wordtrace.evaluation.halves import Halves
from wordtrace.evaluation.models import Models
from wordtrace.retrainers.ask import value

# Below it a probability's logarithm says nothing any more.
_TINY = 1e-300
_FEWEST = 3


@dataclass(frozen=True, eq=False)
class Truth:
    """What retrained models say of each query.

    Attributes
    ----------
    outcomes
        float64, shape (queries, halves, seeds), by name. Of labels "log-odds" and "probability"; of
        numbers "number"; of a language model's answers "log-probability" (a mean over the tokens)
        and "probability". The first one is what a score is mainly told of.
    halves
        The halves that could be trained.
    seeds
        The seeds that could be, with each of them.
    lost
        How many halves were left out since a model of theirs could not be trained.
    """

    outcomes: Mapping[str, FloatArray]
    halves: Halves
    seeds: tuple[int, ...]
    lost: int = 0

    @property
    def main(self) -> str:
        """The name of the outcome that a score is mainly told of."""
        return next(iter(self.outcomes))


def trainings(halves: Halves, seeds: Sequence[int]) -> list[SeedAndRows]:
    """Return what :func:`ask` trains."""
    removed = halves.removed()
    return [(seed, rows) for rows in removed for seed in seeds]


def ask(models: Models, halves: Halves, seeds: Sequence[int], *, generates: bool) -> Truth:
    """Train a model on each half with each seed, and ask it about the queries.

    A seed that fails with more than half of the halves is left out; then each half with which
    another seed fails.

    Raises
    ------
    WordtraceError
        When fewer than three halves are left.
    """
    failed: dict[int, str] = {}
    wanted = trainings(halves, seeds)
    said = models.outputs(wanted, failed)
    places = iter(wanted)
    grid = np.stack([np.stack([said[next(places)] for _ in seeds]) for _ in range(len(halves))])
    bad = np.asarray(np.isnan(grid).any((2, 3)))  # (halves, seeds)
    good_seeds = np.asarray(bad.mean(0) <= 0.5)
    good = np.asarray(~bad[:, good_seeds].any(1))
    if good.sum() < _FEWEST or not good_seeds.any():
        raise WordtraceError(
            f"fewer than {_FEWEST} halves are left: the others could not be trained "
            f"({next(iter(failed.values()))})"
        )
    outputs = np.moveaxis(grid[good][:, good_seeds], 2, 0)  # (queries, halves, seeds, outputs)
    outcomes = outcomes_of(models.labelling, outputs, models.asked.labels, generates=generates)
    kept = tuple(seed for seed, fine in zip(seeds, good_seeds, strict=True) if fine)
    return Truth(outcomes, halves.take(good), kept, int((~good).sum()))


def outcomes_of(
    labelling: Labelling, said: FloatArray, labels: Labels, *, generates: bool
) -> dict[str, FloatArray]:
    """Return what is measured of each query's label, by name (:class:`Truth`).

    Parameters
    ----------
    said
        Shape (queries, halves, seeds, outputs).
    labels
        One for each query.
    generates
        Whether it is a language model.
    """
    shape = said.shape[:3]
    plain = np.stack(
        [
            value(labelling, of_query.reshape(-1, said.shape[3]), label).reshape(shape[1:])
            for of_query, label in zip(said, labels, strict=True)
        ]
    )
    if labelling.kind == "number":
        return {"number": plain}
    logarithm = np.log(np.maximum(plain, _TINY))
    if generates:
        return {"log-probability": logarithm, "probability": plain}
    if labelling.kind == "class":
        # The other classes' sum is exact where 1 − p would be rounded to nothing.
        other = np.stack(
            [np.delete(one, int(label), 2).sum(2) for one, label in zip(said, labels, strict=True)]
        )
    else:
        other = -np.expm1(np.minimum(logarithm, 0))
    return {"log-odds": logarithm - np.log(np.maximum(other, _TINY)), "probability": plain}

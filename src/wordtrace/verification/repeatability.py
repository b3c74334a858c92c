"""Whether a training that is not ours repeats, heeds the seed, and is the recorded one at all.

The unchanged data are trained twice with one seed and once with another, before anything else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import numpy as np

from wordtrace.errors import InputError
from wordtrace.retrainers.ask import said_by
from wordtrace.retrainers.retrain import Retraining
from wordtrace.retrainers.retrainer import FloatArray, Probe
from wordtrace.run.run import Run
from wordtrace.verification.likeness import Likeness, likeness
from wordtrace.verification.plan import Plan
from wordtrace.verification.retrainings import Retrainings, probes_of

#: How many training rows are asked about.
_ROWS = 200
#: Predictions that differ by less are the same but for the order of additions.
_ROUNDING = 1e-6
#: Two models of one seed that differ by this part of what two seeds differ by, or more, are no
#: pair: at 5 seeds, pairs then give wider intervals than groups do.
_NO_PAIR = 0.8


@dataclass(frozen=True)
class Repeatability:
    """How far a training repeats.

    Attributes
    ----------
    kind
        "exactly", "partly", or "not": two models of one seed differ as those of two seeds do.
    same, other
        The root mean square difference of predictions between two models of one seed, and between
        those of two seeds; of numbers, in parts of the range of the training numbers.
    asked
        How many texts they were asked about.
    likeness
        How well the recorded run and the retrained models know the training rows; None where no
        row could be asked about.
    """

    kind: Literal["exactly", "partly", "not"]
    same: float
    other: float
    asked: int
    likeness: Likeness | None

    @property
    def paired(self) -> bool:
        """Whether the models of a seed can be compared as a pair."""
        return self.kind != "not"

    def document(self) -> dict[str, Any]:
        """Return it as JSON."""
        return asdict(self)


def trials(retrainings: Retrainings, seeds: Sequence[int]) -> list[Retraining]:
    """Return the retrainings of :func:`repeatability`: twice of the first seed, once of the second.

    They are asked about training rows, too.
    """
    _, row_probes = _rows(retrainings.on)
    wide = replace(retrainings, probes=(*retrainings.probes, *row_probes))
    first, second = seeds[:2]
    return [wide.task(first), wide.task(first, again=1), wide.task(second)]


def repeatability(
    retrainings: Retrainings, seeds: Sequence[int], plan: Plan, *, needs_seeds: bool = True
) -> tuple[Repeatability, dict[str, dict[str, Any]]]:
    """Train the unchanged data twice with one seed and once with another, and compare.

    Parameters
    ----------
    seeds
        Those of the study, of which the first two are taken.
    plan
        What was announced.
    needs_seeds
        Whether models of different seeds have to differ.

    Returns
    -------
    repeatability
    results
        Of the first model of each seed, by the key of its retraining: nothing is trained in vain.

    Raises
    ------
    InputError
        When models of different seeds are the same, or when they know the training rows far less
        well than the recorded run does: then it is another training.
    """
    run, probes = retrainings.on, retrainings.probes
    rows, row_probes = _rows(run)
    tasks, (first, second) = trials(retrainings, seeds), seeds[:2]
    found = retrainings.run(tasks, plan=plan)
    scale = float(np.ptp(run.train.labels)) if run.labelling.kind == "number" else 1.0
    one, again, other = (np.asarray(found[task.key]["probabilities"]) / scale for task in tasks)
    chance = _distance(one, again)
    spread = float(np.hypot(_distance(one, other), _distance(again, other)) / np.sqrt(2))
    if needs_seeds and np.abs(one - other).max() <= _ROUNDING:
        raise InputError(
            f"models trained with the seeds {first} and {second} predict exactly the same, so no "
            "interval would mean anything; does the training use {seed}?"
        )
    if np.abs(one - again).max() <= _ROUNDING:
        kind: Literal["exactly", "partly", "not"] = "exactly"
    else:
        kind = "not" if chance >= _NO_PAIR * spread else "partly"
    compared = None
    if len(rows):
        of_rows = [said[len(probes) :] * scale for said in (one, other)]
        recorded = said_by(run, run.model(run.final), row_probes, held_out=False).probes
        compared = likeness(run, run.train.labels[rows], recorded, of_rows)
        compared.check()
    narrow = {
        retrainings.task(seed).key: _first(found[task.key], len(probes))
        for seed, task in ((first, tasks[0]), (second, tasks[2]))
    }
    return Repeatability(kind, chance, spread, len(one), compared), narrow


def _rows(run: Run) -> tuple[np.ndarray[Any, np.dtype[np.int64]], tuple[Probe, ...]]:
    """Draw training rows that can be asked about, always the same, with their texts."""
    drawn = np.random.default_rng([0, 200]).permutation(len(run.train))
    every = probes_of(run.train)
    kept = [row for row in drawn.tolist() if every[row][0].strip()][:_ROWS]
    return np.array(kept, np.int64), tuple(every[row] for row in kept)


def _distance(one: FloatArray, other: FloatArray) -> float:
    return float(np.sqrt(((one - other) ** 2).mean()))


def _first(result: dict[str, Any], count: int) -> dict[str, Any]:
    return {**result, "probabilities": result["probabilities"][:count]}

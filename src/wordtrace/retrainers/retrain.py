"""One retraining: what is changed, what its model is asked, and the result."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from wordtrace.disk import fingerprint
from wordtrace.errors import InputError, NumericalError, option
from wordtrace.retrainers.outcomes import on_held_out
from wordtrace.retrainers.retrainer import Change, FloatArray, Probe, Retrainer, Said
from wordtrace.run.run import Run

#: By how much a probability may be over 1, where it was computed in half precision.
_ROUNDING = 0.01


#: The file of a run's folder in which what its retrained models said is stored.
LEDGER = "retrainings.sqlite"
#: Training rows by their numbers, in rising order.
Rows = tuple[int, ...]


@dataclass(frozen=True)
class Retraining:
    """What is trained and what the model is asked; :class:`.Retrainings` makes them.

    Attributes
    ----------
    run, fingerprint
        The run's folder, and what identifies its training.
    seed
        The seed of the initial weights and of the order of the rows. The tokenizer, the order of
        the labels and pretrained embeddings stay those of the run.
    removed
        The training rows of weight 0, in rising order.
    probes
        The texts that the model is asked about.
    relabelled
        (row, label) of each training row that gets another label: a class's number, or of other
        kinds the label as :meth:`.Labelling.spell` writes it.
    blanked
        (row, position) of each token that is replaced by padding; attention to it stays.
    again
        Which one it is of several equal trainings, from 0: whether they are equal is then seen.
    held_out
        Whether the model is asked about the run's held-out rows, too; no part of the keys.
    device
        Where it is trained; no part of the keys, since the fingerprint tells it.
    """

    run: str
    fingerprint: str
    seed: int
    removed: Rows
    probes: tuple[Probe, ...]
    relabelled: tuple[tuple[int, int | str], ...] = ()
    blanked: tuple[tuple[int, int], ...] = ()
    again: int = 0
    held_out: bool = True
    device: str = "cpu"

    @property
    def training(self) -> str:
        """A key of the training alone, whatever the place of the run and the probes."""
        document: dict[str, Any] = {
            "run": self.fingerprint,
            "seed": self.seed,
            "removed": list(self.removed),
        }
        for name in ("relabelled", "blanked"):
            if getattr(self, name):
                document[name] = [list(one) for one in getattr(self, name)]
        if self.again:
            document["again"] = self.again
        return fingerprint.of_document(document)

    @property
    def key(self) -> str:
        """A key of the training and the probes."""
        return f"{self.training}:{probes_key(self.probes)}"


@lru_cache(maxsize=8)
def probes_key(probes: tuple[Probe, ...]) -> str:
    """Return a name for a list of probes, made from its content."""
    return fingerprint.of_document({"probes": [list(probe) for probe in probes]})


def retrain(task: Retraining, retrainer: Retrainer) -> dict[str, Any]:
    """Train once and return what the model predicts for the probes; runs in a worker process.

    Returns
    -------
    dict
        "probabilities", what is said of the probes, shape (probes, outputs), as :class:`.Said` has
        it; "accuracy" and "loss" on the held-out rows (:func:`.outcomes.on_held_out`), or None;
        "held_out", False, where these were not asked for; "seconds".
    """
    start = time.perf_counter()
    run = opened(task.run, task.fingerprint, task.device)
    said = retrainer.train(run, change_of(run, task))
    seconds = time.perf_counter() - start if said.seconds is None else said.seconds
    return answer(run, task, said, seconds)


def change_of(run: Run, task: Retraining) -> Change:
    """Return what a retraining changes, row by row."""
    weights = np.ones(len(run.train), np.float32)
    weights[list(task.removed)] = 0
    labels = run.train.labels.copy()
    for row, label in task.relabelled:
        labels[row] = run.labelling.parse(label) if isinstance(label, str) else label
    return Change(
        *(task.training, task.seed, weights, labels, task.blanked, task.probes), task.held_out
    )


def answer(run: Run, task: Retraining, said: Said, seconds: float) -> dict[str, Any]:
    """Return a retraining's result from what its model predicts.

    Raises
    ------
    NumericalError
        When one of them is NaN or infinite, because the last step broke the model.
    InputError
        When they have a wrong shape, or are no probabilities where these are wanted.
    """
    probes = _checked(run, said.probes, len(task.probes), "probes")
    measured: dict[str, float | None] = {"accuracy": None, "loss": None}
    if said.held_out is not None and run.held_out is not None:
        held_out = _checked(run, said.held_out, len(run.held_out), "held-out rows")
        measured = on_held_out(run, run.held_out, held_out)
    unasked = {} if task.held_out else {"held_out": False}
    return {"probabilities": probes.tolist(), **measured, **unasked, "seconds": seconds}


@lru_cache(maxsize=2)
def opened(folder: str, fingerprint: str, device: str = "cpu") -> Run:
    """Return a run, opened once in a process for all its retrainings."""
    del fingerprint  # the fingerprint is here so that a folder with another run is opened anew
    return Run.open(folder, device)


def _checked(run: Run, found: FloatArray, count: int, what: str) -> FloatArray:
    array = np.asarray(found)
    outputs = max(1, len(run.label_names))
    if array.shape != (count, outputs):
        needed = f"{outputs} classes" if outputs > 1 else "one value each"
        raise InputError(
            f"the retrainer's {_name(run)} of the {what} have the shape {array.shape}; "
            f"{count:,} texts and {needed} need {(count, outputs)}."
        )
    if not np.isfinite(array).all():
        raise NumericalError(
            f"a retrained model's scores are not finite; a lower {option('learning_rate')} "
            "usually mends it."
        )
    if run.labelling.kind != "number" and array.size and not _are_probabilities(array):
        odd = array.max() if array.max() > 1 else array.min()
        raise InputError(
            f"the retrainer's probabilities of the {what} hold {odd:.4g}; give probabilities from "
            "0 to 1, not scores."
        )
    return array


def _are_probabilities(array: FloatArray) -> bool:
    return bool(array.min() >= 0 and array.max() <= 1 + _ROUNDING)


def _name(run: Run) -> str:
    return "numbers" if run.labelling.kind == "number" else "probabilities"

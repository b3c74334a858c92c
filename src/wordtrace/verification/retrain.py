"""One retraining: what is changed, what its model is asked, and the result."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from wordtrace.disk import fingerprint
from wordtrace.errors import InputError, NumericalError, option
from wordtrace.run.run import Run
from wordtrace.verification.removal import Rows
from wordtrace.verification.retrainer import Change, FloatArray, Probe, Retrainer, Said


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
        (row, class) of each training row that gets another label.
    blanked
        (row, position) of each token that is replaced by padding; attention to it stays.
    again
        Which one it is of several equal trainings, from 0: whether they are equal is then seen.
    """

    run: str
    fingerprint: str
    seed: int
    removed: Rows
    probes: tuple[Probe, ...]
    relabelled: tuple[tuple[int, int], ...] = ()
    blanked: tuple[tuple[int, int], ...] = ()
    again: int = 0

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
        "probabilities", shape (probes, classes); "accuracy" on the held-out rows, or None;
        "seconds".
    """
    start = time.perf_counter()
    run = opened(task.run, task.fingerprint)
    said = retrainer.train(run, change_of(run, task))
    return answer(run, task, said, time.perf_counter() - start)


def change_of(run: Run, task: Retraining) -> Change:
    """Return what a retraining changes, row by row."""
    weights = np.ones(len(run.train), np.float32)
    weights[list(task.removed)] = 0
    labels = run.train.labels.copy()
    for row, label in task.relabelled:
        labels[row] = label
    return Change(task.training, task.seed, weights, labels, task.blanked, task.probes)


def answer(run: Run, task: Retraining, said: Said, seconds: float) -> dict[str, Any]:
    """Return a retraining's result from what its model predicts.

    Raises
    ------
    NumericalError
        When a probability is NaN or infinite, because the last step broke the model.
    InputError
        When the probabilities have a wrong shape.
    """
    probes = _probabilities(run, said.probes, len(task.probes), "probes")
    if not np.isfinite(probes).all():
        raise NumericalError(
            f"a retrained model's scores are not finite; a lower {option('learning_rate')} "
            "usually mends it."
        )
    accuracy = None
    if said.held_out is not None and run.held_out is not None:
        held_out = _probabilities(run, said.held_out, len(run.held_out), "held-out rows")
        accuracy = float((held_out.argmax(1) == run.held_out.labels).mean())
    return {"probabilities": probes.tolist(), "accuracy": accuracy, "seconds": seconds}


@lru_cache(maxsize=2)
def opened(folder: str, fingerprint: str) -> Run:
    """Return a run, opened once in a process for all its retrainings."""
    del fingerprint  # the fingerprint is here so that a folder with another run is opened anew
    return Run.open(folder)


def _probabilities(run: Run, found: FloatArray, count: int, what: str) -> FloatArray:
    array = np.asarray(found)
    expected = (count, len(run.label_names))
    if array.shape != expected:
        raise InputError(
            f"the retrainer's probabilities of the {what} have the shape {array.shape}; "
            f"{count:,} texts and {len(run.label_names)} classes need {expected}."
        )
    return array

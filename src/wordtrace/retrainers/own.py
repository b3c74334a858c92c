"""The retrainers for runs of `wordtrace train`, and the choice among them by the run's model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from torch import nn

from wordtrace.data.batches import Encoded
from wordtrace.errors import InputError, option
from wordtrace.models import predict
from wordtrace.models.cnn import CNN
from wordtrace.models.cut_table import is_alone
from wordtrace.models.flat_cnn import FlatCNN
from wordtrace.retrainers.material import Material, blanked, cut, whole
from wordtrace.retrainers.refit import refit
from wordtrace.retrainers.retrainer import Change, Retrainer, Said
from wordtrace.retrainers.stacked import Stacked
from wordtrace.retrainers.touched_rows import TouchedRows
from wordtrace.run.run import Run
from wordtrace.training.fit import Table, Training, fit


def own_retrainer(run: Run, what: str, executor: object = "processes") -> Retrainer:
    """Return the retrainer that repeats a run's own training.

    Parameters
    ----------
    what
        The command that retrains, for messages.
    executor
        With "stacked", the retrainer trains many models at once.

    Raises
    ------
    InputError
        When the run's model does not predict one of several classes, when it was trained elsewhere,
        or when its models can't be stacked.
    """
    if run.labelling.kind != "class" or run.generates:
        raise InputError(
            f"{what} repeats trainings of classes alone by itself, and {run.path} has a model of "
            f"another kind ({run.manifest.task}); say what trains it by {option('retrain')}."
        )
    recipe = run.recipe
    if not run.is_cnn:
        if executor == "stacked":
            raise InputError(
                f"{option('executor', 'stacked')} trains the CNN alone; use "
                f"{option('executor', 'processes')} or ray for {run.path}."
            )
        return Loop()
    if executor == "stacked":
        return Stacked()
    return FlatCNNLoop() if recipe.optimizer == "sgd" else CNNLoop()


@dataclass(frozen=True)
class Loop:
    """The reference loop on a pretrained model."""

    settings: dict[str, Any] = field(default_factory=dict)

    def train(self, run: Run, change: Change) -> Said:
        """Train once; see :class:`.Retrainer`."""
        material = whole(run, change.probes)
        training = Training(material.start(change.seed))
        fit_pretrained(run, training, material.texts, change)
        return said_of(material.texts, partial(predict.logits, training.model), change)


@dataclass(frozen=True)
class CNNLoop:
    """The reference loop on the CNN."""

    settings: dict[str, Any] = field(default_factory=dict)

    def train(self, run: Run, change: Change) -> Said:
        """Train once; see :class:`.Retrainer`."""
        material = cut(run, change.probes)
        training = Training(material.start(change.seed))
        fit_changed(run, training, material.texts, change)
        return said_of(material.texts, partial(predict.logits, training.model), change)


@dataclass(frozen=True)
class FlatCNNLoop:
    """Training of the CNN by SGD, as fast as one core can (:func:`.refit.refit`)."""

    settings: dict[str, Any] = field(default_factory=dict)

    def train(self, run: Run, change: Change) -> Said:
        """Train once; see :class:`.Retrainer`."""
        material = cut(run, change.probes)
        flat = refit_changed(run, material.start(change.seed), material.texts, change)
        return said_of(material.texts, flat.predict, change)


def fit_pretrained(run: Run, training: Training, texts: Material, change: Change) -> None:
    """Train as :func:`fit_changed` does; by SGD a step updates the word rows that it touches.

    On a GPU the optimizer updates all rows, which are those of the tokens that occur.
    """
    table, recipe = training.model.embedding, run.recipe
    dense = recipe.optimizer != "sgd" or recipe.freeze_embeddings or run.gpus > 0
    if dense or not is_alone(training.model):
        fit_changed(run, training, texts, change)
        return
    assert isinstance(table, nn.Embedding)
    touched = TouchedRows(table, recipe.momentum, recipe.weight_decay)
    fit_changed(run, training, texts, change, touched)
    touched.settle()


def fit_changed(
    run: Run, training: Training, texts: Material, change: Change, table: Table | None = None
) -> None:
    """Train on a run's texts with a change, from where `training` stands to the end."""
    fit(
        training,
        blanked(texts, change.blanked),
        change.labels,
        replace(run.recipe, seed=change.seed),
        weights=change.weights,
        last_step=run.manifest.steps,
        table=table,
    )


def refit_changed(
    run: Run, model: CNN, texts: Material, change: Change, first_step: int = 0
) -> FlatCNN:
    """Train a CNN by SGD on a run's texts with a change, from `first_step` to the end."""
    return refit(
        model,
        blanked(texts, change.blanked),
        change.labels,
        replace(run.recipe, seed=change.seed),
        change.weights,
        run.manifest.steps,
        first_step,
    )


def said_of(
    texts: Material, scores: Callable[[Encoded], predict.FloatArray], change: Change
) -> Said:
    """Return what a trained classifier says; `scores` are its class scores."""
    held = texts.held_out if change.held_out else None
    held_out = None if held is None else predict.probabilities(scores(held))
    return Said(predict.probabilities(scores(texts.probes)), held_out)

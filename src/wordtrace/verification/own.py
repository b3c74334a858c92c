"""The retrainers for runs of `wordtrace train`, and the choice among them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from wordtrace.data.batches import Encoded
from wordtrace.errors import InputError, option
from wordtrace.models import predict
from wordtrace.run.run import Run
from wordtrace.training.fit import Training, fit
from wordtrace.verification.material import Material, blanked, cut, whole
from wordtrace.verification.refit import refit
from wordtrace.verification.retrainer import Change, Retrainer, Said
from wordtrace.verification.stacked import Stacked


def retrainer_for(
    run: Run, given: Retrainer | None, what: str, executor: object = "processes"
) -> Retrainer:
    """Return the retrainer that was given, or without one what repeats the run's own training.

    Parameters
    ----------
    what, executor
        As of :func:`own_retrainer`.

    Raises
    ------
    InputError
        When the run's model is of another kind than classes, or :func:`own_retrainer` refuses, or
        the `prepare` of the given one, which is asked first whether it can train this run.
    """
    run.require_classes(what)
    if given is None:
        return own_retrainer(run, what, executor)
    prepare = getattr(given, "prepare", None)
    if prepare is not None:
        prepare(run)
    return given


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
    run.require_classes(what)
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
        texts = whole(run, change.probes)
        training = Training(run.start(change.seed))
        _fit(run, training, texts, change)
        return _said(texts, partial(predict.logits, training.model))


@dataclass(frozen=True)
class CNNLoop:
    """The reference loop on the CNN."""

    settings: dict[str, Any] = field(default_factory=dict)

    def train(self, run: Run, change: Change) -> Said:
        """Train once; see :class:`.Retrainer`."""
        material = cut(run, change.probes)
        training = Training(material.start(change.seed))
        _fit(run, training, material.texts, change)
        return _said(material.texts, partial(predict.logits, training.model))


@dataclass(frozen=True)
class FlatCNNLoop:
    """Training of the CNN by SGD, as fast as one core can (:func:`.refit.refit`)."""

    settings: dict[str, Any] = field(default_factory=dict)

    def train(self, run: Run, change: Change) -> Said:
        """Train once; see :class:`.Retrainer`."""
        material = cut(run, change.probes)
        flat = refit(
            material.start(change.seed),
            blanked(material.texts, change.blanked),
            change.labels,
            replace(run.recipe, seed=change.seed),
            change.weights,
            run.manifest.steps,
        )
        return _said(material.texts, flat.predict)


def _fit(run: Run, training: Training, texts: Material, change: Change) -> None:
    fit(
        training,
        blanked(texts, change.blanked),
        change.labels,
        replace(run.recipe, seed=change.seed),
        weights=change.weights,
        last_step=run.manifest.steps,
    )


def _said(texts: Material, scores: Callable[[Encoded], predict.FloatArray]) -> Said:
    held_out = None if texts.held_out is None else predict.probabilities(scores(texts.held_out))
    return Said(predict.probabilities(scores(texts.probes)), held_out)

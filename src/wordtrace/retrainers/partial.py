"""Looks that cost less than a retraining: from a checkpoint on, or a few steps from the end.

Both are retrainers, so that each has the same controls and intervals as a retraining; and both say
in every result that they are none.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

from wordtrace.errors import DataWarning, InputError, option
from wordtrace.models import predict
from wordtrace.retrainers.material import cut, whole
from wordtrace.retrainers.own import fit_changed, fit_pretrained, refit_changed, said_of
from wordtrace.retrainers.retrainer import Change, Said
from wordtrace.retrainers.steps_on_rows import changed_rows, patched
from wordtrace.run.replay_record import REPLAY
from wordtrace.run.run import Run
from wordtrace.training.fit import Training


@dataclass(frozen=True)
class FromCheckpoint:
    """Repeats a run's training from one of its checkpoints on, with and without the rows.

    It is a :class:`.Retrainer` for runs of `wordtrace train`. Each seed has its own batches after
    the checkpoint; what came before is the run's own training, with all rows. The optimizer's
    moments, which a run does not keep, start anew in the models of all rows as well.

    Attributes
    ----------
    step
        The checkpoint's step.

    Examples
    --------
    >>> look = wt.FromCheckpoint(run.checkpoints[0].step)
    >>> proof = wt.verify(trace, k=3, repeats=2, workers=1, retrain=look)
    """

    step: int

    foreign: ClassVar[bool] = False

    @property
    def settings(self) -> dict[str, Any]:
        """See :class:`.Retrainer`."""
        return {"from_checkpoint": self.step}

    @property
    def look(self) -> str:
        """What a result says that it is."""
        return (
            "A cheaper look, not a retraining: every model starts from the run's own weights at "
            f"step {self.step:,}, which saw all rows, and is trained from there on; the "
            "optimizer's moments start anew."
        )

    def refusal(self, run: Run) -> str | None:
        """Say why a run can't be trained on from this step; None where it can."""
        if run.manifest.recipe is None:
            whole = (
                f"a replay repeats it from its start ({option('replay')}; wt.Replay() in Python)"
                if REPLAY in run.manifest.files
                else f"{option('retrain')} takes a training of your own"
            )
            return (
                f"{run.path} was trained elsewhere, and of its checkpoints only the weights are "
                "known, not what a training goes on with: it can't be repeated from one on. "
                f"{option('tail_patch', 1)} looks at any run, and {whole}."
            )
        there = [one.step for one in run.manifest.checkpoints if one.step < run.manifest.steps]
        if self.step not in there:
            named = ", ".join(map(str, there)) or "none before its end"
            return (
                f"{option('from_checkpoint')} is {self.step}; {run.path} has a checkpoint to go "
                f"on from at step {named}."
            )
        return None

    def train(self, run: Run, change: Change) -> Said:
        """Train once; see :class:`.Retrainer`."""
        if (refused := self.refusal(run)) is not None:
            raise InputError(refused)
        if not run.is_cnn:
            pretrained = whole(run, change.probes)
            point = next(one for one in run.manifest.checkpoints if one.step == self.step)
            training = Training(pretrained.at(point), self.step)
            fit_pretrained(run, training, pretrained.texts, change)
            return said_of(pretrained.texts, partial(predict.logits, training.model), change)
        material = cut(run, change.probes)
        model, texts = material.at(self.step), material.texts
        if run.recipe.optimizer == "sgd":
            return said_of(
                texts, refit_changed(run, model, texts, change, self.step).predict, change
            )
        fit_changed(run, Training(model, self.step), texts, change)
        return said_of(texts, partial(predict.logits, model), change)


@dataclass(frozen=True)
class TailPatch:
    """Takes a few steps more from a run's final model, against the rows or on them.

    It is a :class:`.Retrainer` for every run, also one that was trained elsewhere. The model
    "without" rows is the final model after gradient steps that raise their loss, each as large as
    what the rows' gradients made in a pass of the training over its data; with `on`, after steps
    that lower it, and what these change is turned round. Rows with another label or with blanked
    words are stepped against as they were, and on as they are changed. The model of all rows is the
    final model itself.

    Attributes
    ----------
    steps
        How many steps. One or two rank removals best: further from the final model the loss of the
        rows rises without bound.
    learning_rate
        The size of a step; by default the mean rate of the training's steps.
    on
        Whether to step on the rows instead of against them.

    Examples
    --------
    >>> look = wt.TailPatch(steps=4)
    >>> print(wt.verify(trace, k=3, repeats=2, workers=1, retrain=look))
    A cheaper look, not a retraining: ...
    """

    steps: int
    learning_rate: float | None = None
    on: bool = False

    foreign: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise InputError(f"{option('tail_patch')} is {self.steps}; give 1 or more steps.")
        if self.learning_rate is not None and not 0 < self.learning_rate < float("inf"):
            raise InputError(
                f"{option('learning_rate')} is {self.learning_rate}; it must be over 0."
            )

    @property
    def settings(self) -> dict[str, Any]:
        """See :class:`.Retrainer`."""
        return {"tail_patch": self.steps, "learning_rate": self.learning_rate, "on": self.on}

    def check(self, run: Run, rows: int) -> None:
        """Look at what a study asks for, before its first model.

        Parameters
        ----------
        rows
            The most rows that one of its models is patched for.

        Raises
        ------
        InputError
            For half of the run's rows or more.

        Warns
        -----
        DataWarning
            For more steps than the training had passes over its data.
        """
        self._check_rows(run, rows)
        passes = max(1, round(run.final.epoch))
        if self.steps > passes:
            warnings.warn(
                f"{self.steps:,} steps against the rows are more than the {passes:,} of the "
                "training, one in each pass over its data: the model leaves what it was trained "
                f"to be. One or two steps rank removals best ({option('tail_patch', 1)}).",
                DataWarning,
                stacklevel=3,
            )

    def _check_rows(self, run: Run, rows: int) -> None:
        every = run.manifest.train.rows
        if 2 * rows >= every:
            raise InputError(
                f"{option('tail_patch')} would step against {rows:,} of {every:,} rows: with half "
                "of them or more it undoes the training, and says nothing of what some rows did; "
                f"change fewer (a study of measures with {option('lds', 0)} and {option('k')}), or "
                f"train again without them ({option('retrain')})."
            )

    @property
    def look(self) -> str:
        """What a result says that it is."""
        steps = "one step" if self.steps == 1 else f"{self.steps:,} steps"
        what = (
            f"{steps} on the rows, and what this changes is turned round"
            if self.on
            else f"{steps} against the rows"
        )
        return (
            f"A cheaper look, not a retraining: the model without rows is the final model after "
            f"{what}. The seeds differ in these steps and in the random rows alone, so an interval "
            "says nothing of how much trainings differ."
        )

    def train(self, run: Run, change: Change) -> Said:
        """Take the steps; see :class:`.Retrainer`.

        Raises
        ------
        InputError
            For a change of half of the rows or more.
        """
        self._check_rows(run, len(changed_rows(run, change)))
        return patched(run, change, self.steps, self.learning_rate, on=self.on)

"""Recording a transformers training while it runs, by one line in the training script."""

from __future__ import annotations

import os
import warnings
from contextlib import suppress
from inspect import signature
from pathlib import Path
from typing import Any, Literal

from transformers import TrainerCallback

from wordtrace.adopt import random_state
from wordtrace.adopt.as_command import READ, as_command
from wordtrace.adopt.batches_seen import BatchesSeen
from wordtrace.adopt.callback_data import Given, rows_of
from wordtrace.adopt.record import record
from wordtrace.adopt.recording import Recording
from wordtrace.adopt.replay_start import ReplayStart
from wordtrace.adopt.trainer_rows import Unreadable
from wordtrace.errors import InputError, WordtraceError
from wordtrace.run.place import MANIFEST
from wordtrace.run.run import Run

#: Set in the environment of a script that is run again to train without some rows.
RETRAINS = "WORDTRACE_OUT"
_MOST = 12
IfExists = Literal["error", "new", "overwrite"]


class TraceCallback(TrainerCallback):
    """Keeps what a trace needs while a ``Trainer`` trains, and makes the run at the end.

    The rows are read from the Trainer's own data, each as its collator makes it: token ids, labels
    (-100: not asked for) and their order. Weights are written a few times in the first epoch, where
    the loss falls most, and then at the ends of epochs, a dozen times at most. What the Trainer
    itself saves or deletes does not matter. The recorded learning rate of a step is that of the
    parameter group that holds the embedding.

    Wrong names are refused here and at the start of the training. From its first step on nothing is
    raised: what goes wrong is a warning, with the command that makes the run of what was kept.

    In a script that wordtrace itself runs again, to train without some rows, it does nothing.

    Parameters
    ----------
    out
        The run's folder. During training, data are kept in ``OUT.recording`` beside it.
    data
        A second copy of the training data, whose texts and ids are then shown: Examples, or
        whatever :func:`wordtrace.read_examples` reads. It is compared with the Trainer's rows.
    steps
        Record after exactly these steps instead.
    if_exists
        What to do if there is a run in `out` already: "error", "new" to make the run in ``OUT-2``,
        ``OUT-3``, …, or "overwrite".
    replay
        Keep what :class:`wordtrace.Replay` needs to repeat the training: its arguments, the weights
        before the first step and the rows as batches have them. On disk these are as large as one
        checkpoint (an adapter's alone for LoRA) and about six bytes a token. A training that can't
        be repeated is recorded all the same; the replay then says why.
    **choices
        Parameters of :func:`wordtrace.record`: `text`, `label`, `max_length`, `eval_data`, ….

    Attributes
    ----------
    run
        The run, after training has ended; None before, and where it could not be made.

    Raises
    ------
    TypeError
        For a parameter that :func:`wordtrace.record` does not have.
    InputError
        For a run that exists, a data file that does not, or columns that it lacks.

    Examples
    --------
    >>> tracing = wt.TraceCallback("runs/tuned")
    >>> trainer = Trainer(
    ...     model, arguments, train_dataset=rows, processing_class=tokenizer, callbacks=[tracing]
    ... )
    >>> _ = trainer.train()
    >>> len(tracing.run.train)
    60
    """

    def __init__(
        self,
        out: str | Path,
        data: Any = None,
        *,
        steps: tuple[int, ...] | None = None,
        if_exists: IfExists = "error",
        replay: bool = True,
        **choices: Any,
    ) -> None:
        known = signature(record).parameters
        if unknown := sorted(set(choices) - set(known)):
            # Report it now, and not when the training has ended.
            raise TypeError(
                f"TraceCallback() has no {unknown[0]!r}; it takes what record() takes: "
                f"{', '.join(list(known)[3:])}."
            )
        if if_exists not in ("error", "new", "overwrite"):
            raise InputError(f"if_exists is {if_exists!r}; it must be error, new or overwrite.")
        if choices.pop("overwrite", False):
            if_exists = "overwrite"
        self.out, self.steps, self.if_exists = Path(out), steps, if_exists
        self._wished = self.out
        self.given = Given.checked(data, choices)
        self.replay = replay
        self.run: Run | None = None
        self._recording = Recording.beside(self.out)
        self._due: set[int] = set()
        self._off = True
        self._idle = RETRAINS in os.environ
        if not self._idle:
            self._place()

    @property
    def folder(self) -> Path:
        """Where data are kept during training."""
        return self._recording.folder

    def on_train_begin(self, args: Any, state: Any, control: Any, **kept: Any) -> None:
        """Read the rows and plan the moments; go on with a recording that was interrupted."""
        if self._idle or not state.is_world_process_zero:
            return
        drawn = random_state.states()
        self.out = self._place()
        self._recording = Recording.beside(self.out)
        self._due = set(self.steps or _moments(state.max_steps, state.num_train_epochs))
        self._recording.begin(state.global_step)
        self._off = False
        try:
            model = _inner(kept["model"])
            seen = BatchesSeen() if self.replay else None
            note = None if seen is None else seen.add
            rows = rows_of(args, model, kept, self.given, self.folder, note)
            rows.write(self.folder)
        except Exception as error:
            if not state.global_step:  # else there is the recording of the steps before
                self._recording.remove()
            if isinstance(error, WordtraceError) and not isinstance(error, Unreadable):
                raise
            # The training goes on, whatever its data are.
            why = (
                str(error)
                if isinstance(error, Unreadable)
                else f"its rows can't be read: {error!r}"
            )
            self._give_up(f"this training is not recorded: {why}")
            return
        if seen is not None:
            start, loader = ReplayStart(self.folder), kept["train_dataloader"]
            start.keep(args, state.global_step, model, loader, seen, drawn)

    def on_evaluate(self, args: Any, state: Any, control: Any, **kept: Any) -> None:
        """Keep the random state after an evaluation, for the replay."""
        if not self._off and self.replay:
            with suppress(Exception):  # the replay then finds that the losses differ
                ReplayStart(self.folder).evaluated(state.global_step)

    def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, **kept: Any) -> None:
        """Note the rate of the step that is about to be taken."""
        if self._off:
            return
        try:
            rate = _rate(kept["optimizer"], _inner(kept["model"]))
            self._recording.note_rate(state.global_step + 1, rate)
        except Exception as error:
            self._stop(error)

    def on_step_end(self, args: Any, state: Any, control: Any, **kept: Any) -> None:
        """Write the weights where a moment is due, and after the last step."""
        # After it the Trainer may load its best weights.
        if not self._off and (
            state.global_step in self._due or state.global_step >= state.max_steps
        ):
            try:
                model = _inner(kept["model"])
                self._recording.save(state, args, model, kept.get("optimizer"))
            except Exception as error:
                self._stop(error)

    def on_train_end(self, args: Any, state: Any, control: Any, **kept: Any) -> None:
        """Write the last weights and make the run."""
        if self._off:
            return
        given = {name: one for name, one in self.given.choices.items() if name not in READ}
        choices = {**_smoothing(args, _inner(kept["model"])), **given}
        try:
            self._save_last(args, state, kept)
            self._recording.end()
            self.run = record(
                self.folder, None, self.out, overwrite=self.if_exists == "overwrite", **choices
            )
        except Exception as error:  # the training's result must not be lost
            choices |= {"overwrite": True} if self.if_exists == "overwrite" else {}
            warnings.warn(
                f"the training is over, but no run was made of it: {error} What was recorded is "
                f"kept in {self.folder}; this makes the run of it: "
                f"{as_command(self.folder, self.out, choices)}",
                stacklevel=2,
            )
            return
        self._recording.remove()

    def _place(self) -> Path:
        """Return where the run is made.

        Raises
        ------
        InputError
            When there is a run, and nothing was said of what to do then.
        """
        wished, waiting = self._wished, Recording.beside(self._wished)
        if waiting.made(wished):
            waiting.remove()
        if self.if_exists == "overwrite":
            return wished
        if self.if_exists == "error":
            if (wished / MANIFEST).exists():
                raise InputError(
                    f"{wished} holds a run already; choose another folder, or give "
                    'if_exists="new" or "overwrite".'
                )
            if waiting.ended:
                raise InputError(
                    f"{waiting.folder} holds a training of which no run was made; make it by "
                    f"`{as_command(waiting.folder, wished, {})}`, delete the folder, or give "
                    'if_exists="new" or "overwrite".'
                )
            return wished
        place, number = wished, 1
        while (place / MANIFEST).exists() or Recording.beside(place).ended:
            number += 1
            place = wished.with_name(f"{wished.name}-{number}")
        return place

    def _save_last(self, args: Any, state: Any, kept: dict[str, Any]) -> None:
        """Write the weights that the training ends with, and all that it logged."""
        best = _best_step(args, state)
        if best is None:
            self._recording.save(state, args, _inner(kept["model"]), kept.get("optimizer"))
            return
        # The Trainer has loaded its best weights; the optimizer is that of the last step.
        self._recording.save(state, args, _inner(kept["model"]), None, step=best)
        self._recording.note_log(state, args)

    def _stop(self, error: Exception) -> None:
        """Record no further; the training goes on."""
        self._give_up(
            f"the recording stopped: {error} The training goes on; what was recorded until then "
            f"is kept in {self.folder}."
        )

    def _give_up(self, why: str) -> None:
        self._off = True
        warnings.warn(why, stacklevel=3)


def _inner(model: Any) -> Any:
    """Return the model itself, which several devices wrap."""
    return getattr(model, "module", model)


def _best_step(args: Any, state: Any) -> int | None:
    """Return the step whose weights the Trainer has loaded at its end; None: those of the last."""
    best = state.best_model_checkpoint
    if not getattr(args, "load_best_model_at_end", False) or not isinstance(best, str):
        return None
    number = Path(best).name.removeprefix("checkpoint-")
    return int(number) if number.isdigit() else None


def _smoothing(args: Any, model: Any) -> dict[str, Any]:
    """Return the label smoothing of a classifier's training, to be recorded with it."""
    classifies = "SequenceClassification" in type(model).__name__
    smoothing = float(getattr(args, "label_smoothing_factor", 0.0))
    return {"label_smoothing": smoothing} if smoothing and classifies else {}


def _moments(steps: int, epochs: float) -> list[int]:
    """Return when to write: at 1/8, 1/4 and 1/2 of the first epoch, then at ends of epochs."""
    an_epoch = max(1, round(steps / max(epochs, 1e-9)))
    early = [max(1, an_epoch * part // 8) for part in (1, 2, 4)]
    ends = list(range(an_epoch, steps + 1, an_epoch))
    every = -(-len(ends) // (_MOST - len(early))) if ends else 1
    return [*early, *ends[::every]]


def _rate(optimizer: Any, model: Any) -> float:
    """Return the rate of the group that holds the embedding; of the first where none does."""
    table = next(iter(model.get_input_embeddings().parameters()))
    groups = optimizer.param_groups
    holding = next(
        (group for group in groups if any(one is table for one in group["params"])), groups[0]
    )
    return float(holding["lr"])

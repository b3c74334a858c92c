"""Recording a transformers training while it runs, by one line in the training script."""

from __future__ import annotations

import json
import shutil
from inspect import signature
from pathlib import Path
from typing import Any

from transformers import TrainerCallback

from wordtrace.adopt.learning_rates import RATES
from wordtrace.adopt.record import record
from wordtrace.adopt.trainer_folder import STATE
from wordtrace.disk import atomic
from wordtrace.disk.lines import read_lines
from wordtrace.errors import InputError
from wordtrace.run import adam
from wordtrace.run.run import Run

_MARK = "wordtrace.json"
_MOST = 12


class TraceCallback(TrainerCallback):
    """Keeps what a trace needs while a ``Trainer`` trains, and makes the run at the end.

    Weights are written a few times in the first epoch, where the loss falls most, and then at the
    ends of epochs, a dozen times at most. What the Trainer itself saves or deletes does not matter.
    The recorded learning rate of a step is that of the parameter group that holds the embedding.

    Parameters
    ----------
    out
        The run's folder. During training, data are kept in ``OUT.recording`` beside it.
    data
        The training data: Examples, or whatever :func:`wordtrace.read_examples` reads.
    steps
        Record after exactly these steps instead.
    **choices
        Parameters of :func:`wordtrace.record`: `text`, `label`, `max_length`, `eval_data`, ….

    Attributes
    ----------
    run
        The run, after training has ended; None before.

    Examples
    --------
    >>> tracing = wt.TraceCallback("runs/tuned", "news.csv")
    >>> trainer = Trainer(
    ...     model, arguments, train_dataset=rows, processing_class=tokenizer, callbacks=[tracing]
    ... )
    >>> _ = trainer.train()
    >>> len(tracing.run.train)
    60
    """

    def __init__(
        self, out: str | Path, data: Any, *, steps: tuple[int, ...] | None = None, **choices: Any
    ) -> None:
        known = signature(record).parameters
        if unknown := sorted(set(choices) - set(known)):
            # Report it now, and not when the training has ended.
            raise TypeError(
                f"TraceCallback() has no {unknown[0]!r}; it takes what record() takes: "
                f"{', '.join(list(known)[3:])}."
            )
        self.out, self.data, self.choices = Path(out), data, choices
        self.steps = steps
        self.run: Run | None = None
        self.folder = self.out.with_name(self.out.name + ".recording")
        self._due: set[int] = set()

    def on_train_begin(self, args: Any, state: Any, control: Any, **kept: Any) -> None:
        """Plan the moments; go on with an interrupted recording where the Trainer resumes."""
        if not state.is_world_process_zero:
            return
        if (self.out / "run.json").exists() and not self.choices.get("overwrite"):
            raise InputError(f"{self.out} holds a run already; choose another folder.")
        self._due = set(self.steps or _moments(state.max_steps, state.num_train_epochs))
        known = (self.folder / _MARK).exists()
        if self.folder.exists() and not known and any(self.folder.iterdir()):
            raise InputError(f"{self.folder} holds other files; choose another folder.")
        if known and not state.global_step:
            shutil.rmtree(self.folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        atomic.write_json(self.folder / _MARK, {"format": "wordtrace-recording", "version": 1})
        # The Trainer repeats the steps after the checkpoint from which it goes on.
        rates = self.folder / RATES
        if rates.exists():
            lines = read_lines(rates)
            earlier = [line for line in lines if _step_of(line) <= state.global_step]
            atomic.write_text(rates, "".join(f"{line}\n" for line in earlier))
        processing = kept.get("processing_class") or kept.get("tokenizer")
        if processing is not None:
            processing.save_pretrained(self.folder)

    def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, **kept: Any) -> None:
        """Note the rate of the step that is about to be taken."""
        if not state.is_world_process_zero:
            return
        rate = _rate(kept["optimizer"], kept["model"])
        line = json.dumps({"step": state.global_step + 1, "learning_rate": rate})
        with open(self.folder / RATES, "a", encoding="utf-8") as file:
            file.write(line + "\n")

    def on_step_end(self, args: Any, state: Any, control: Any, **kept: Any) -> None:
        """Write the weights where a moment is due."""
        if state.is_world_process_zero and state.global_step in self._due:
            self._save(args, state, kept["model"], kept.get("optimizer"))

    def on_train_end(self, args: Any, state: Any, control: Any, **kept: Any) -> None:
        """Write the last weights and make the run."""
        if not state.is_world_process_zero:
            return
        self._save(args, state, kept["model"], kept.get("optimizer"))
        # Of the Trainer's log, from which the proof of reading is made, nothing else is left.
        atomic.write_json(self.folder / STATE, {"log_history": state.log_history})
        choices = {**_smoothing(args, kept["model"]), **self.choices}
        self.run = record(self.folder, self.data, self.out, **choices)
        shutil.rmtree(self.folder)

    def _save(self, args: Any, state: Any, model: Any, optimizer: Any) -> None:
        folder = self.folder / f"checkpoint-{state.global_step}"
        if (folder / STATE).exists():
            return
        inner = getattr(model, "module", model)  # several devices wrap it
        inner.save_pretrained(folder, safe_serialization=True)
        if optimizer is not None:
            adam.keep_live(folder, optimizer, next(iter(inner.get_input_embeddings().parameters())))
        atomic.write_json(
            folder / STATE,
            {
                "global_step": state.global_step,
                "epoch": state.epoch,
                "train_batch_size": args.train_batch_size,
                "log_history": [],
            },
        )


def _smoothing(args: Any, model: Any) -> dict[str, Any]:
    """Return the label smoothing of a classifier's training, to be recorded with it."""
    classifies = "SequenceClassification" in type(getattr(model, "module", model)).__name__
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
    inner = getattr(model, "module", model)
    table = next(iter(inner.get_input_embeddings().parameters()))
    groups = optimizer.param_groups
    holding = next(
        (group for group in groups if any(one is table for one in group["params"])), groups[0]
    )
    return float(holding["lr"])


def _step_of(line: str) -> int:
    try:
        return int(json.loads(line)["step"])
    except (ValueError, KeyError, TypeError):
        return 1 << 62  # the last line of a killed training

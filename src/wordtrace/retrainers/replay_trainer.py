"""A plain Trainer, made of what a recording kept of another one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from wordtrace.adopt import random_state
from wordtrace.errors import InputError
from wordtrace.models.asked_positions import scores_at
from wordtrace.models.library import library
from wordtrace.models.pretrained import quiet
from wordtrace.models.trainable import start_of
from wordtrace.retrainers.replay_changes import Changed
from wordtrace.retrainers.replay_loss import (
    IGNORED,
    classifier_loss,
    foretold,
    given,
    language_loss,
)
from wordtrace.run.checkpoint import load_tensors
from wordtrace.run.manifest import BASE
from wordtrace.run.replay_record import REPLAY, ROWS, START, STATES, ReplayRecord
from wordtrace.run.replay_rows import ReplayRows
from wordtrace.run.run import Run

#: Called with "loss" or "train_loss", a step and what is logged there; True ends the training.
Logged = Callable[[str, int, float], bool]
#: Called with the number of a step after it; True ends the training.
Stepped = Callable[[int], bool]


@dataclass(frozen=True)
class Recorded:
    """What lies in a run's folder for its replay."""

    run: Run
    record: ReplayRecord
    rows: ReplayRows
    states: Mapping[str, Tensor]

    @classmethod
    def of(cls, run: Run) -> Recorded:
        """Read it (CorruptError)."""
        return cls(
            run,
            ReplayRecord.read(run.path / REPLAY),
            ReplayRows.read(run.path / START / ROWS),
            load_tensors(run.path / START / STATES),
        )

    def model(self) -> Any:
        """Return the model as it was before the first step."""
        base = self.run.path / BASE
        return start_of(self.run.path / START, self.record.model, base if base.is_dir() else None)

    def drawn(self, step: int) -> dict[str, Tensor]:
        """Return the random states before the first step, or after an evaluation at a step."""
        return {
            name.partition("/")[0]: one
            for name, one in self.states.items()
            if name.partition("/")[2] == str(step)
        }


def trained(
    recorded: Recorded,
    seed: int,
    weights: npt.NDArray[np.float32],
    changed: Changed,
    device: str,
    logged: Logged | None = None,
    stepped: Stepped | None = None,
) -> Any:
    """Train once and return the model, out of what the Trainer wrapped it in.

    Parameters
    ----------
    seed
        The recorded one: the random states, too, are then those that were recorded. With another
        one dropout and the order of the rows are drawn by it; the weights before the first step
        stay.
    weights
        float32, shape (rows,): the factor of each row's loss.
    changed
        What takes the place of rows.
    logged
        Called with what the Trainer logs of its loss; None: nothing is logged.
    stepped
        Called after each step.
    """
    transformers = library("transformers")
    with random_state.nothing_drawn(), quiet(transformers), TemporaryDirectory() as folder:
        arguments = _arguments(
            transformers, recorded, Path(folder), seed, device, logged is not None
        )
        trainer = transformers.Trainer(
            recorded.model(),
            arguments,
            data_collator=_Collator(recorded.rows, changed),
            train_dataset=list(range(len(recorded.rows))),
        )
        _as_recorded(trainer, recorded)
        _weigh(trainer, recorded, weights)
        trainer.remove_callback(transformers.PrinterCallback)
        same = seed == recorded.record.seed
        followed = _followed(
            transformers, recorded, seed, same=same, logged=logged, stepped=stepped
        )
        trainer.add_callback(followed)
        if same:
            random_state.restore(recorded.drawn(0))
        else:
            torch.manual_seed(seed)
        trainer.train()
        return trainer.accelerator.unwrap_model(trainer.model, keep_fp32_wrapper=False)


@dataclass(frozen=True)
class _Collator:
    """Joins rows, given by their numbers, as the recorded collator did."""

    rows: ReplayRows
    changed: Changed

    def __call__(self, numbers: list[int]) -> dict[str, Tensor]:
        batch = self.rows.batch(numbers, self.changed)
        # The labels of a step are counted as they were, whatever the change does not ask for.
        asked, was = batch["labels"], self.rows.batch(numbers, {}, ("labels",))
        return {**batch, **was, "asked": asked, "rows": torch.tensor(numbers)}


def _arguments(
    transformers: Any, recorded: Recorded, folder: Path, seed: int, device: str, logs: bool
) -> Any:
    record = recorded.record
    kept = dict(record.arguments)
    known = {one.name for one in fields(transformers.TrainingArguments) if one.init}
    if unknown := sorted(set(kept) - known):
        raise InputError(
            f"{recorded.run.path} was trained with {unknown[0]}={kept[unknown[0]]!r}, which "
            f"transformers {transformers.__version__} does not know; install "
            f"transformers {record.made_with.get('transformers')}."
        )
    if seed != record.seed:
        kept |= {"seed": seed, "data_seed": seed}
    if not logs:
        kept |= {"logging_strategy": "no"}
    ours = {
        "save_strategy": "no",
        "eval_strategy": "no",
        "report_to": "none",
        "disable_tqdm": True,
        "remove_unused_columns": False,
        "use_cpu": device == "cpu",
        "dataloader_pin_memory": False,
    }
    try:
        return transformers.TrainingArguments(str(folder), **{**kept, **ours})
    except (ImportError, TypeError, ValueError) as error:
        raise InputError(f"{recorded.run.path} can't be replayed here: {error}") from None


def _as_recorded(trainer: Any, recorded: Recorded) -> None:
    """Count labels and group rows as the recorded Trainer did."""
    definition, by = recorded.record.loss, recorded.rows.lengths
    if definition.shifts is not None:
        trainer._loss_shifts_labels = definition.shifts
    trainer.model_accepts_loss_kwargs = definition.counts
    if by is not None:
        trainer._get_train_sampler = lambda *_: _grouped(trainer.args, by)


def _grouped(arguments: Any, lengths: npt.NDArray[np.int64]) -> Any:
    from transformers.trainer_pt_utils import LengthGroupedSampler

    size = arguments.train_batch_size * arguments.gradient_accumulation_steps
    return LengthGroupedSampler(size, lengths=lengths.tolist())


def _weigh(trainer: Any, recorded: Recorded, weights: npt.NDArray[np.float32]) -> None:
    """Have a Trainer compute the recorded loss, with weights for rows."""
    run, definition = recorded.run, recorded.record.loss
    smoothing = float(recorded.record.arguments.get("label_smoothing_factor", 0.0))
    shifts = run.generates and not trainer.model.config.is_encoder_decoder
    divides = definition.divides
    if definition.counts and not divides and not smoothing:
        divides = _divides(trainer, recorded)
    factors = torch.from_numpy(weights).to(trainer.args.device)

    def compute_loss(model: Any, inputs: dict[str, Any], **more: Any) -> Tensor:
        factor = factors[inputs.pop("rows")]
        items = more.get("num_items_in_batch") if divides else None
        labels = inputs.pop("asked")
        counted = foretold(inputs["labels"]) if shifts else inputs["labels"]
        inputs = given({**inputs, "labels": labels}, trainer.model)
        if not run.generates:
            scores = model(**inputs).logits
            kind = run.labelling.kind
            return classifier_loss(scores, labels, factor, kind, smoothing, items)
        targets = foretold(labels) if shifts else labels
        count = int((counted != IGNORED).sum())
        scores = scores_at(model, targets != IGNORED, **inputs)
        return language_loss(scores, targets, factor, definition, smoothing, items, count)

    trainer.compute_loss = compute_loss


@torch.no_grad()
def _divides(trainer: Any, recorded: Recorded) -> bool:
    """Tell whether a model's own loss is divided by the number of labels that it is given.

    Some models take that number and do nothing with it (BERT's and T5's in transformers 5).
    """
    batch = recorded.rows.batch([0], {})
    given = {name: one.to(trainer.args.device) for name, one in batch.items()}
    trainer.model.eval()
    one, other = (
        float(trainer.model(**given, num_items_in_batch=torch.tensor(count)).loss)
        for count in (1.0, 1000.0)
    )
    return one != other


def _followed(
    transformers: Any,
    recorded: Recorded,
    seed: int,
    *,
    same: bool,
    logged: Logged | None,
    stepped: Stepped | None,
) -> Any:
    """Return a callback that keeps the random numbers and the last step as they were."""
    last = recorded.run.manifest.steps

    def begin(_: Any, arguments: Any, state: Any, control: Any, **kept: Any) -> None:
        if same:
            random_state.restore(recorded.drawn(0))
        else:
            torch.manual_seed(seed)

    def ended(_: Any, arguments: Any, state: Any, control: Any, **kept: Any) -> None:
        if same and (drawn := recorded.drawn(state.global_step)):
            random_state.restore(drawn)
        wanted = stepped is not None and stepped(state.global_step)
        if wanted or state.global_step >= last:
            control.should_training_stop = True

    def log(_: Any, arguments: Any, state: Any, control: Any, **kept: Any) -> None:
        told = kept.get("logs") or {}
        for name in ("loss", "train_loss"):
            if name in told and logged is not None and logged(name, state.global_step, told[name]):
                control.should_training_stop = True

    events = {"on_train_begin": begin, "on_step_end": ended, "on_log": log}
    return type("Followed", (transformers.TrainerCallback,), events)()


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Compute by a number of threads, which decides the order in which numbers are added up."""
    before = torch.get_num_threads()
    torch.set_num_threads(max(1, count))
    try:
        yield
    finally:
        torch.set_num_threads(before)

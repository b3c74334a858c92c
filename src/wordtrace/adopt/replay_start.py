"""What a replay needs of a running Trainer, kept from its first step on in the recording."""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from transformers import Trainer

from wordtrace.adopt import random_state
from wordtrace.adopt.batches_seen import BatchesSeen, named
from wordtrace.adopt.what_trains import kept_arguments, loss_of, not_standard, running_trainer
from wordtrace.disk import atomic
from wordtrace.models.weight_files import ADAPTER
from wordtrace.run.checkpoint import WEIGHTS, load_tensors, save_tensors
from wordtrace.run.replay_record import (
    REPLAY,
    ROWS,
    START,
    STATES,
    ReplayRecord,
    machine_of,
    versions,
)

#: So many random states are kept at most, one for each evaluation during the training.
_MOST_STATES = 200


@dataclass
class ReplayStart:
    """The part of a recording from which the training can be replayed.

    Parameters
    ----------
    folder
        The recording's.
    """

    folder: Path

    def keep(
        self,
        arguments: Any,
        step: int,
        model: Any,
        loader: Any,
        seen: BatchesSeen,
        drawn: Mapping[str, torch.Tensor],
    ) -> None:
        """Write all that is known before the first step; what fails is a warning.

        Parameters
        ----------
        arguments, model, loader
            The Trainer's.
        step
            The step after which the training goes on; then there is no more to write.
        seen
            Its rows.
        drawn
            The random states before the first step.
        """
        try:
            if step:
                self._resume(step)
            else:
                self._begin(arguments, model, loader, seen, drawn)
        except Exception as error:
            self._remove()
            warnings.warn(
                f"this training is recorded, but it can't be replayed later: {error!r}",
                stacklevel=3,
            )

    def _begin(
        self,
        arguments: Any,
        model: Any,
        loader: Any,
        seen: BatchesSeen,
        drawn: Mapping[str, torch.Tensor],
    ) -> None:
        start = self.folder / START
        start.mkdir(exist_ok=True)
        trainer = running_trainer(Trainer)
        reasons = [] if trainer is None else list(not_standard(trainer, arguments, model))
        if trainer is None:
            reasons.append("a Trainer that could not be looked at")
        sampler, by = _sampler(trainer, loader)
        reasons += [] if sampler is None else [sampler]
        rows = seen.rows(loader, by)
        if rows is None:
            reasons.append(str(seen.why))
        else:
            rows.write(start / ROWS)
        described, more = _weights(start, model)
        reasons += more
        self._write_states({f"{name}/0": one for name, one in drawn.items()})
        self._write(
            ReplayRecord(
                made_with=versions(adapter=bool(described["adapter"])),
                device=torch.device(arguments.device).type,
                machine=machine_of(str(arguments.device)),
                threads=torch.get_num_threads(),
                trainer=type(trainer).__qualname__,
                collator=named(loader.collate_fn),
                arguments=kept_arguments(arguments),
                loss=loss_of(trainer, arguments),
                model=described,
                not_standard=tuple(dict.fromkeys(reasons)),
            )
        )

    def _resume(self, step: int) -> None:
        """Note that the training goes on after a step, as it was left."""
        if not (self.folder / REPLAY).is_file():
            return
        record = ReplayRecord.read(self.folder / REPLAY)
        self._write(replace(record, resumed=(*record.resumed, step)))
        kept = load_tensors(self.folder / START / STATES)
        self._write_states(
            {name: one for name, one in kept.items() if int(name.partition("/")[2]) <= step}
        )

    def evaluated(self, step: int) -> None:
        """Keep the random states after an evaluation, which draws numbers, too."""
        if not (self.folder / REPLAY).is_file():
            return
        kept = load_tensors(self.folder / START / STATES)
        if len(kept) >= _MOST_STATES:
            self._leave_out(f"more than {_MOST_STATES} evaluations during the training")
            return
        drawn = random_state.states()
        self._write_states({**kept, **{f"{name}/{step}": one for name, one in drawn.items()}})

    def _leave_out(self, why: str) -> None:
        """Note why the training can't be replayed, if it is not noted yet."""
        with suppress(Exception):
            record = ReplayRecord.read(self.folder / REPLAY)
            if why not in record.not_standard:
                self._write(replace(record, not_standard=(*record.not_standard, why)))

    def _remove(self) -> None:
        """Delete all of it."""
        (self.folder / REPLAY).unlink(missing_ok=True)
        shutil.rmtree(self.folder / START, ignore_errors=True)

    def _write(self, record: ReplayRecord) -> None:
        atomic.write_json(self.folder / REPLAY, record.document())

    def _write_states(self, states: Mapping[str, torch.Tensor]) -> None:
        save_tensors(self.folder / START / STATES, states)


def _sampler(trainer: Any, loader: Any) -> tuple[str | None, Any]:
    """Return what is odd in the order of the rows, and the lengths by which they are grouped."""
    sampler = getattr(loader, "sampler", None)
    inner = getattr(getattr(loader, "batch_sampler", None), "sampler", None)
    for one in (inner, sampler):
        kind = type(one).__name__
        if kind in ("RandomSampler", "SeedableRandomSampler", "SequentialSampler"):
            return None, None
        if kind == "LengthGroupedSampler":
            return None, one.lengths  # type: ignore[union-attr]
    return f"an order of rows of its own ({type(inner or sampler).__name__})", None


def _weights(start: Path, model: Any) -> tuple[dict[str, Any], list[str]]:
    """Write the weights before the first step, tied tables once; return what they belong to."""
    adapter = type(model).__module__.startswith("peft")
    inner = model.get_base_model() if adapter else model
    named = dict(model.named_parameters())
    trainable = [name for name, one in named.items() if one.requires_grad]
    described = {
        "class": type(inner).__name__,
        "attention": getattr(inner.config, "_attn_implementation", None),
        "trainable": trainable,
        "adapter": adapter,
        "dtype": None,
    }
    reasons = []
    several = {str(one.dtype).removeprefix("torch.") for one in named.values()}
    if several != {"float32"}:
        described["dtype"] = min(several)
    inner.config.to_json_file(start / "config.json", use_diff=False)
    if adapter:
        model.save_pretrained(start, safe_serialization=True)
        (start / "README.md").unlink(missing_ok=True)  # a form of peft's, to be filled in
        fixed = {
            str(one.dtype).removeprefix("torch.") for one in named.values() if not one.requires_grad
        }
        if len(fixed) > 1:
            reasons.append("a base with parameters of several precisions")
        described["dtype"] = next(iter(fixed), "float32")
        if not (start / ADAPTER).is_file():
            reasons.append("an adapter that is not saved as safetensors")
        return described, reasons
    if getattr(model, "_hf_peft_config_loaded", False):
        reasons.append("an adapter that add_adapter put into the model")
    held = {name: one for name, one in model.state_dict().items() if name in _buffers(model)}
    save_tensors(start / WEIGHTS, {**named, **held})
    return described, reasons


def _buffers(model: Any) -> set[str]:
    return {name for name, _ in model.named_buffers()}

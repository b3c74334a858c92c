"""One moment of a run: weights, and the step, learning rate and loss they belong to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from wordtrace.disk import atomic
from wordtrace.errors import CorruptError

WEIGHTS = "model.safetensors"
STEP = "step.json"


@dataclass(frozen=True)
class Checkpoint:
    """A recorded moment.

    Attributes
    ----------
    step
        Steps taken; 0 is before training.
    epoch
        The same in passes over the data, a fraction.
    learning_rate
        η_c: the rate used for the step that produced these weights; 0.0 at step 0.
    learning_rate_sum
        The sum of the rates of all steps up to this one.
    loss
        Mean training loss over a fixed sample of the training rows, in evaluation mode.
    held_out_loss
        Mean loss on the held-out rows, where it was taken.
    """

    step: int
    epoch: float
    learning_rate: float
    learning_rate_sum: float
    loss: float
    held_out_loss: float | None = None

    @property
    def folder(self) -> str:
        """Where it lies in the run."""
        return f"checkpoints/step-{self.step:06d}"

    @property
    def name(self) -> str:
        """What it is called among a run's checkpoints."""
        return f"step {self.step}"

    def document(self) -> dict[str, Any]:
        """Return everything but the weights as JSON."""
        return asdict(self)

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Checkpoint:
        """Read from JSON; other keys are left out."""
        try:
            return cls(**{field.name: document[field.name] for field in fields(cls)})
        except KeyError as error:
            raise CorruptError(
                f"a checkpoint's record lacks {error}; make the run again."
            ) from None


def save(run: Path, checkpoint: Checkpoint, weights: Mapping[str, torch.Tensor]) -> None:
    """Write a checkpoint into the run's folder, ``step.json`` last."""
    folder = run / checkpoint.folder
    folder.mkdir(parents=True, exist_ok=True)
    save_tensors(folder / WEIGHTS, weights)
    atomic.write_json(folder / STEP, checkpoint.document())


def save_tensors(path: Path, tensors: Mapping[str, torch.Tensor]) -> None:
    """Write tensors as safetensors, atomically."""
    with atomic.replacing(path) as temporary:
        whole = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
        save_file(whole, temporary)


def load_tensors(path: Path) -> dict[str, torch.Tensor]:
    """Read a safetensors file.

    Raises
    ------
    CorruptError
        When it is missing or not whole.
    """
    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise CorruptError(f"{path} can't be read ({error}); make the run again.") from None

"""Adam's step sizes for the word embedding's rows, kept beside a checkpoint's weights.

Adam moves each number of the table by η_c m̂/(√v̂ + ε): by its own step size, η_c/(√v̂ + ε), where
v̂ is the running mean of its squared gradients, corrected for its start at 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from wordtrace.errors import CorruptError, InputError, NumericalError, option
from wordtrace.models.protocol import TextModel
from wordtrace.run.checkpoint import Checkpoint, load_tensors, save_tensors

#: This file lies beside the weights of a checkpoint, if Adam trained the embedding.
FILE = "adam.safetensors"
OPTIMIZER = "optimizer.pt"
#: The defaults of ``torch.optim.AdamW``, with which wordtrace itself trains.
BETA2, EPSILON = 0.999, 1e-8


@dataclass(frozen=True)
class Place:
    """The place of the table in an optimizer's file, which knows parameters only by number.

    Attributes
    ----------
    shape
        The table's shape.
    number, count
        The table's number among the `count` parameters of this shape.
    """

    shape: tuple[int, ...]
    number: int
    count: int

    @classmethod
    def of(cls, model: TextModel) -> Place:
        """Find the table among a model's parameters."""
        table = _table(model)
        alike = [one for one in model.module.parameters() if one.shape == table.shape]
        number = next(at for at, one in enumerate(alike) if one is table)
        return cls(tuple(table.shape), number, len(alike))

    def held(self, optimizer: Path) -> Held | None:
        """Find the table in an ``optimizer.pt``; None where it is not told from other parameters.

        It is read by ``torch.load(weights_only=True)`` alone.
        """
        try:
            document = torch.load(optimizer, map_location="cpu", weights_only=True, mmap=True)
            groups, states = document["param_groups"], document["state"]
            alike = [
                Held(place, group, states[number])
                for place, group in enumerate(groups)
                for number in group["params"]
                if number in states and _is_of(states[number], self.shape)
            ]
        except Exception:  # any file may lie there; without it there are no step sizes
            return None
        # Frozen parameters have no state: then the count differs, and which is which is not known.
        # Neither is it where parameters of one shape lie in several groups: these have an order of
        # their own.
        if len(alike) != self.count or len({one.number for one in alike}) > 1:
            return None
        return alike[self.number]


@dataclass(frozen=True)
class Held:
    """The table in an optimizer's file: its parameter group, that group's number, its state."""

    number: int
    group: Mapping[str, Any]
    state: Mapping[str, Any]


def require(run: Path, points: Sequence[Checkpoint]) -> None:
    """Refuse a run whose checkpoints keep no step sizes (InputError)."""
    for point in points:
        if not (run / point.folder / FILE).is_file():
            raise InputError(
                f"{run} keeps no step sizes of Adam for the word embedding at step {point.step}: "
                "it was not trained by Adam, or no optimizer.pt lay beside the weights; give "
                f"{option('weighting', 'rate-sum')} or rate."
            )


def keep(folder: Path, state: Mapping[str, Tensor], beta2: float, epsilon: float) -> bool:
    """Write an optimizer's state of the table beside a checkpoint; False if it is not Adam's.

    Rows that never had a gradient are left out: rare words have many such rows.

    Raises
    ------
    NumericalError
        When it holds NaN or infinity.
    """
    moment = state.get("max_exp_avg_sq", state.get("exp_avg_sq"))
    if moment is None or "step" not in state or moment.dim() != 2:
        return False
    steps = float(state["step"])
    second = moment.detach().float().cpu() / (1 - beta2**steps)
    if not bool(torch.isfinite(second).all()) or bool((second < 0).any()):
        raise NumericalError(
            f"{folder}: Adam's second moments hold NaN or infinity; the training diverged there."
        )
    rows = second.any(1).nonzero().flatten()
    save_tensors(
        folder / FILE,
        {
            "rows": rows,
            "second_moment": second[rows],
            "epsilon": torch.tensor(epsilon, dtype=torch.float64),
        },
    )
    return True


def keep_from(saved: Path, target: Path, place: Place) -> bool:
    """Write what a Trainer's ``optimizer.pt`` knows about the table; False if it knows nothing."""
    held = place.held(saved / OPTIMIZER)
    if held is None or "betas" not in held.group or "eps" not in held.group:
        return False
    return keep(target, held.state, float(held.group["betas"][1]), float(held.group["eps"]))


def keep_own(folder: Path, model: TextModel, states: Mapping[str, Tensor]) -> None:
    """Write what wordtrace's own training knows: tensors by "PARAMETER/NAME"."""
    table = _table(model)
    name = next(name for name, one in model.module.named_parameters() if one is table)
    prefix = f"{name}/"
    state = {key.removeprefix(prefix): one for key, one in states.items() if key.startswith(prefix)}
    keep(folder, state, BETA2, EPSILON)


def keep_live(folder: Path, optimizer: Any, table: nn.Parameter) -> None:
    """Write the state of an optimizer that is at work, where it is Adam's."""
    state = optimizer.state.get(table, {})
    for group in optimizer.param_groups:
        if "betas" in group and any(one is table for one in group["params"]):
            keep(folder, state, float(group["betas"][1]), float(group["eps"]))


def root_steps(path: Path, rows: int, dim: int) -> Tensor:
    """Return 1/√(√v̂ + ε), float32, shape (rows, dim); 0 where there was never a gradient.

    If the gradients of two texts are multiplied by this, their product is weighted by Adam's step
    sizes.

    Raises
    ------
    CorruptError
        When the file is not whole or of another table.
    """
    held = load_tensors(path)
    try:
        at, second, epsilon = held["rows"], held["second_moment"], float(held["epsilon"])
        inside = len(at) == 0 or 0 <= int(at.min()) <= int(at.max()) < rows
        kinds = at.dtype == torch.int64 and second.is_floating_point()
        fits = kinds and inside and second.shape == (len(at), dim)
    except (KeyError, ValueError, RuntimeError):
        fits = False
    if not fits:
        raise CorruptError(f"{path} is not of this run's word embedding; make the run again.")
    steps = (second.sqrt() + epsilon).rsqrt()
    found = torch.zeros(rows, dim)
    found[at] = torch.where(second > 0, steps, 0.0)
    return found


def _is_of(state: Mapping[str, Any], shape: tuple[int, ...]) -> bool:
    """Tell whether an optimizer's state is that of a parameter of this shape."""
    parts = [tuple(one.shape) for one in state.values() if isinstance(one, Tensor) and one.dim()]
    # Adafactor keeps the means of rows and columns alone.
    return shape in parts or (len(shape) == 2 and parts[:2] == [shape[:1], shape[1:]])


def _table(model: TextModel) -> nn.Parameter:
    return next(model.embedding.parameters())

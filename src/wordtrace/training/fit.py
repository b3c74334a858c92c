"""The reference training loop: used for the recorded run and for every retraining alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch

from wordtrace.data.batches import Encoded
from wordtrace.errors import NumericalError, option
from wordtrace.models.protocol import TextModel, to_batch
from wordtrace.run.recipe import Recipe


class Table(Protocol):
    """What trains the word table in the optimizer's place."""

    def step(self, rate: float, /) -> None:
        """Take the step of the batch that last went forward and backward."""
        ...


@dataclass
class Training:
    """A training in progress: the state from which it goes on exactly.

    Attributes
    ----------
    step
        Steps taken so far.
    state
        The optimizer's tensors by "PARAMETER/NAME"; empty before the first step.
    """

    model: TextModel
    step: int = 0
    state: dict[str, torch.Tensor] = field(default_factory=dict)


def fit(
    training: Training,
    encoded: Encoded,
    labels: npt.NDArray[np.int64],
    recipe: Recipe,
    *,
    weights: npt.NDArray[np.float32] | None = None,
    last_step: int | None = None,
    after_step: Callable[[int, float, float], bool] | None = None,
    table: Table | None = None,
) -> None:
    """Train in place from `training.step` to the end of the recipe.

    A row of weight 0 keeps its place in its batch and takes no part in the loss, which is divided
    by the batch's full size: with and without a row, all else is the same.

    Parameters
    ----------
    labels
        The class of each row, int64, shape (examples,).
    weights
        float32, shape (examples,): the factor of each row's loss; all 1 by default.
    last_step
        Stop after this step (a recorded run that was ended by early stopping).
    after_step
        Called with (step, learning rate used, mean loss of the batch); True ends the training.
    table
        Trains the word table, which the optimizer then finds empty.

    Raises
    ------
    NumericalError
        When a loss is NaN or infinite; the message names the step, and the row if a single one is
        the cause.
    """
    model = training.model
    model.embedding.requires_grad_(not recipe.freeze_embeddings)
    named = {name: one for name, one in model.module.named_parameters() if one.requires_grad}
    optimizer = optimizer_of(list(named.values()), recipe)
    for name, parameter in named.items():
        prefix = f"{name}/"
        held = {key: one for key, one in training.state.items() if key.startswith(prefix)}
        optimizer.state[parameter] = {key.removeprefix(prefix): one for key, one in held.items()}
    device = next(iter(named.values())).device
    total = recipe.steps(len(encoded))
    model.module.train()
    with torch.random.fork_rng(devices=[]):
        while training.step < min(total, last_step or total):
            rows = batch_rows(recipe, len(encoded), training.step)
            batch = to_batch(encoded, labels, rows, device)
            # Dropout depends on (seed, step) alone: with and without a row it is the same.
            torch.manual_seed(hash((recipe.seed, training.step)))
            losses = model.losses(model.logits(batch), batch)
            if weights is not None:
                losses = losses * torch.as_tensor(weights[rows], device=device)
            loss = losses.sum() / len(rows)
            if not torch.isfinite(loss):
                raise NumericalError(
                    f"the training loss is {float(loss)} at step {training.step + 1}"
                    f"{_culprit(losses, rows)}; a lower {option('learning_rate')} usually mends it."
                )
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            rate = recipe.rate(training.step + 1, total)
            for group in optimizer.param_groups:
                group["lr"] = rate
            optimizer.step()
            if table is not None:
                table.step(rate)
            training.step += 1
            training.state = {
                f"{name}/{key}": value
                for name, parameter in named.items()
                for key, value in optimizer.state[parameter].items()
                if value is not None
            }
            if after_step is not None and after_step(training.step, rate, float(loss.detach())):
                break
    model.module.requires_grad_(True)
    model.module.eval()


def optimizer_of(
    parameters: Sequence[torch.Tensor], recipe: Recipe, *, stacked: bool = False
) -> torch.optim.Optimizer:
    """Return the recipe's optimizer; `stacked` parameters have the models as first dimension."""
    fused = all(parameter.device.type in ("cpu", "cuda") for parameter in parameters)
    if recipe.optimizer == "sgd":
        return torch.optim.SGD(
            parameters,
            lr=recipe.learning_rate,
            momentum=recipe.momentum,
            weight_decay=recipe.weight_decay,
            fused=fused,
        )
    groups = [
        {
            "params": [one for one in parameters if one.dim() - stacked > 1],
            "weight_decay": recipe.weight_decay,
        },
        {"params": [one for one in parameters if one.dim() - stacked < 2], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=recipe.learning_rate, fused=fused)


def batch_rows(recipe: Recipe, examples: int, step: int) -> npt.NDArray[np.int64]:
    """Return the rows of the batch of step `step` (from 0), shape (up to batch_size,).

    Each epoch has an order of its own, drawn from (seed, epoch): resuming needs no random state.
    """
    epoch, place = divmod(step, recipe.steps_an_epoch(examples))
    order = _order(recipe.seed, epoch, examples)
    return order[place * recipe.batch_size : (place + 1) * recipe.batch_size]


@lru_cache(maxsize=2)
def _order(seed: int, epoch: int, examples: int) -> npt.NDArray[np.int64]:
    return np.random.default_rng([seed, epoch]).permutation(examples)


def _culprit(losses: torch.Tensor, rows: npt.NDArray[np.int64]) -> str:
    bad = (~torch.isfinite(losses.detach())).nonzero().flatten()
    return f" (row {int(rows[int(bad[0])])})" if len(bad) == 1 else ""

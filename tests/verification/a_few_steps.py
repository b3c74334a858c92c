"""A training that is not ours, for every kind of label: a few steps on from a first checkpoint."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

import wordtrace as wt
from wordtrace.models.protocol import TextModel, to_batch
from wordtrace.retrainers.ask import said_by
from wordtrace.retrainers.retrainer import Change, Said


@dataclass(frozen=True)
class AFewSteps:
    """Plain gradient descent on a random nine tenths of the rows, all in one batch."""

    rate: float = 0.05
    steps: int = 2
    settings: dict[str, Any] = field(default_factory=lambda: {"model": "a few steps"})

    def train(self, run: wt.Run, change: Change) -> Said:
        return said_by(run, self.model(run, change), change.probes)

    def model(self, run: wt.Run, change: Change) -> TextModel:
        """The trained model, in evaluation mode."""
        model = copy.deepcopy(run.model(run.checkpoints[0]))
        model.module.requires_grad_(True)
        drawn = np.random.default_rng(change.seed).random(len(run.train)) < 0.9
        weights = torch.from_numpy(change.weights * drawn.astype(np.float32))
        batch = to_batch(run.encoded, change.labels, np.arange(len(run.train)))
        parameters = [one for one in model.module.parameters() if one.requires_grad]
        for _ in range(self.steps):
            losses = model.losses(model.logits(batch), batch)
            gradients = torch.autograd.grad(
                (losses * weights).sum() / weights.sum(), parameters, allow_unused=True
            )
            with torch.no_grad():
                for one, gradient in zip(parameters, gradients, strict=True):
                    if gradient is not None:
                        one -= self.rate * gradient
        return model


def trained(run: wt.Run, seed: int, removed: Any = (), toy: AFewSteps | None = None) -> Any:
    """The toy's model as transformers made it, to be asked by itself."""
    weights = np.ones(len(run.train), np.float32)
    weights[list(removed)] = 0
    change = Change("0", seed, weights, run.train.labels, (), ())
    return (toy or AFewSteps()).model(run, change).module

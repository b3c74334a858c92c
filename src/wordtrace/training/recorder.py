"""Following a training: candidate checkpoints, losses, early stopping, and the state to resume."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from wordtrace.data.batches import Encoded
from wordtrace.disk import atomic
from wordtrace.errors import NumericalError, option
from wordtrace.execute.progress import Advance
from wordtrace.models import predict
from wordtrace.models.cnn import CNN
from wordtrace.run import adam
from wordtrace.run import checkpoint as checkpoints
from wordtrace.run.checkpoint import Checkpoint
from wordtrace.run.recipe import Recipe
from wordtrace.training.fit import Training

STATE = "resume"
STATE_FILE = "state.json"
_CANDIDATES_AN_EPOCH = 8
_SAMPLE = 500


@dataclass
class Labelled:
    """Token ids and the labels that go with them."""

    encoded: Encoded
    labels: npt.NDArray[np.int64]


@dataclass
class Recorder:
    """Called after each step; writes a candidate checkpoint where one is due.

    There are eight candidates in each epoch and one at its end, or one at each step that the user
    chose. Models other than the CNN take more space: they have four in the first epoch, where the
    loss falls most, and then one in each epoch. The optimizer's state and the bookkeeping are
    written with each candidate, so that a killed training goes on from it and ends with the same
    weights.
    """

    folder: Path
    training: Training
    recipe: Recipe
    train: Labelled
    held_out: Labelled | None
    steps: tuple[int, ...] | None
    patience: int | None
    advance: Advance
    candidates: list[Checkpoint] = field(default_factory=list)
    rate_sum: float = 0.0
    stopped: bool = False

    def __post_init__(self) -> None:
        count = len(self.train.encoded)
        self.an_epoch = self.recipe.steps_an_epoch(count)
        drawn = np.random.default_rng([self.recipe.seed, 2**31]).permutation(count)[:_SAMPLE]
        rows = np.sort(drawn)
        self.sample = Labelled(self.train.encoded.take(rows), self.train.labels[rows])

    def after_step(self, step: int, rate: float, loss: float) -> bool:
        """Record what is due; True when early stopping ends the training."""
        self.rate_sum += rate
        self.advance(1)
        if not self._due(step):
            return False
        self.save(rate)
        if self.patience is not None and step % self.an_epoch == 0:
            self.stopped = (step - self.best.step) // self.an_epoch >= self.patience
        return self.stopped

    @property
    def best(self) -> Checkpoint:
        """The candidate of lowest held-out loss, the earliest of equals."""
        ends = [c for c in self.candidates if c.step % self.an_epoch == 0 and c.step]
        return min(ends, key=lambda candidate: candidate.held_out_loss or 0.0)

    def save(self, rate: float) -> None:
        """Write the present moment as a candidate, then the state from which to resume."""
        model, step = self.training.model, self.training.step
        model.module.eval()
        loss = _mean_loss(model, self.sample)
        at_end = step % self.an_epoch == 0 and self.held_out is not None
        held_out = _mean_loss(model, self.held_out) if at_end and self.held_out else None
        if not math.isfinite(loss):
            raise NumericalError(
                f"the training loss is {loss} after step {step}; a lower "
                f"{option('learning_rate')} usually mends it."
            )
        model.module.train()
        candidate = Checkpoint(step, step / self.an_epoch, rate, self.rate_sum, loss, held_out)
        self.candidates.append(candidate)
        checkpoints.save(self.folder, candidate, model.module.state_dict())
        adam.keep_own(self.folder / candidate.folder, model, self.training.state)
        state = self.folder / STATE
        state.mkdir(exist_ok=True)
        optimizer = f"optimizer-{step:06d}.safetensors"
        checkpoints.save_tensors(state / optimizer, self.training.state)
        atomic.write_json(
            state / STATE_FILE,
            {
                "step": step,
                "rate_sum": self.rate_sum,
                "stopped": self.stopped,
                "candidates": [candidate.document() for candidate in self.candidates],
            },
        )
        for old in state.glob("optimizer-*.safetensors"):
            if old.name != optimizer:
                old.unlink()

    def resume(self) -> None:
        """Take up the state of an earlier attempt, where there is one."""
        path = self.folder / STATE / STATE_FILE
        if not path.exists():
            self.save(0.0)
            return
        state: dict[str, Any] = atomic.read_json(path)
        step = state["step"]
        folder = self.folder / f"checkpoints/step-{step:06d}"
        weights = checkpoints.load_tensors(folder / checkpoints.WEIGHTS)
        self.training.model.module.load_state_dict(weights)
        self.training.state = checkpoints.load_tensors(
            self.folder / STATE / f"optimizer-{step:06d}.safetensors"
        )
        self.training.step = step
        self.candidates = [Checkpoint.of(document) for document in state["candidates"]]
        self.rate_sum = state["rate_sum"]
        if self.patience is not None and step and step % self.an_epoch == 0:
            self.stopped = (step - self.best.step) // self.an_epoch >= self.patience

    def _due(self, step: int) -> bool:
        if step % self.an_epoch == 0 or (self.steps and step in self.steps):
            return True
        if self.steps is not None:
            return False
        if not isinstance(self.training.model, CNN):
            return step in {max(1, self.an_epoch * part // 8) for part in (1, 2, 4)}
        return step % max(1, self.an_epoch // _CANDIDATES_AN_EPOCH) == 0


def _mean_loss(model: Any, data: Labelled) -> float:
    scores = predict.logits(model, data.encoded)
    return float(predict.cross_entropy(scores, data.labels).mean())

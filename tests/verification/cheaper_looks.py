"""What cheaper looks are asked, and the plain CNNs that they are compared with."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

import wordtrace as wt
from tests.oracles.dense import PlainCNN
from wordtrace.retrainers.retrainer import Change

PROBES = (("the striker and the coach win a match", None), ("profit of the bank", None))


REMOVED = (3, 8, 20, 41, 60)


def change(run: wt.Run, seed: int, removed: tuple[int, ...] = (), **given: Any) -> Change:
    weights = np.ones(len(run.train), np.float32)
    weights[list(removed)] = 0
    return replace(Change("k", seed, weights, run.train.labels, (), PROBES), **given)


def told(model: Any, run: wt.Run) -> np.ndarray:
    """What a plain CNN says of the probes, one by one."""
    encoded = run.tokenizer.encode([text for text, _ in PROBES])
    with torch.no_grad():
        scores = [model(torch.tensor(encoded[at][None]).long()) for at in range(len(PROBES))]
    return torch.cat(scores).softmax(1).numpy()


def at(run: wt.Run, step: int) -> PlainCNN:
    model = run.model(next(one for one in run.checkpoints if one.step == step))
    return PlainCNN(model)


def loss_of(model: Any, ids: Any, label: int) -> torch.Tensor:
    return F.cross_entropy(model(torch.tensor(ids[None]).long()), torch.tensor([int(label)]))

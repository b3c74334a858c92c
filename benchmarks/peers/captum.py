"""Captum's TracInCP and influence functions, with a checkpoint loader that gives our rates."""

from __future__ import annotations

import numpy as np
import torch
from torch.utils.data import DataLoader, TensorDataset

from wordtrace import api
from wordtrace.data.batches import Encoded
from wordtrace.measures.protocol import Queries
from wordtrace.models.cnn import CNN
from wordtrace.run.checkpoint import Checkpoint

NAME = "Captum TracInCP on the embedding layer"


def scores(run: api.Run, rows: np.ndarray, queries: Queries, checkpoint: Checkpoint) -> np.ndarray:
    """Return TracIn of the embedding layer (queries, rows) at one checkpoint, times its rate."""
    return tracin(run, rows, queries, checkpoint, ["embedding"])


def tracin(
    run: api.Run,
    rows: np.ndarray,
    queries: Queries,
    checkpoint: Checkpoint,
    layers: list[str] | None,
) -> np.ndarray:
    """Return TracIn of some layers, biases included; None for all."""
    from captum.influence import TracInCP

    found = TracInCP(
        CNN(run.config),
        _loader(run.encoded, run.train.labels, rows),
        [checkpoint],
        _load(run),
        layers=layers,
        loss_fn=torch.nn.CrossEntropyLoss(reduction="none"),
    )
    return found.influence(_tensors(queries.encoded, queries.labels)).numpy()


def influence_last(run: api.Run, rows: np.ndarray, queries: Queries, damping: float) -> np.ndarray:
    """Return influence functions of the last layer, its Hessian formed and decomposed.

    Captum takes the Hessian of the summed loss: n times the mean's, so n times the damping, and
    the result divided by n.
    """
    from captum.influence._core.influence_function import NaiveInfluenceFunction

    model = CNN(run.config)
    size = sum(parameter.numel() for parameter in model.linear.parameters())
    found = NaiveInfluenceFunction(
        model,
        _loader(run.encoded, run.train.labels, rows),
        run.final,
        _load(run),
        layers=["linear"],
        loss_fn=torch.nn.CrossEntropyLoss(reduction="none"),
        projection_dim=size,
        hessian_reg=damping * len(rows),
        hessian_inverse_tol=0.0,
    )
    result = found.influence(_tensors(queries.encoded, queries.labels)).numpy()
    return result * len(rows)


def _load(run: api.Run) -> object:
    def load(model: CNN, checkpoint: Checkpoint) -> float:
        run.load_into(model, checkpoint)
        return checkpoint.learning_rate

    return load


def _loader(encoded: Encoded, labels: np.ndarray, rows: np.ndarray) -> DataLoader:
    data = TensorDataset(*_tensors(encoded.take(rows), labels[rows]))
    return DataLoader(data, batch_size=64)


def _tensors(encoded: Encoded, labels: np.ndarray) -> tuple[torch.Tensor, ...]:
    ids, mask = encoded.padded(np.arange(len(labels)))
    return torch.from_numpy(ids), torch.from_numpy(mask), torch.from_numpy(labels)

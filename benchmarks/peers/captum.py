"""Captum's TracInCP restricted to the embedding layer."""

from __future__ import annotations

import numpy as np
import torch
from torch.utils.data import DataLoader, TensorDataset

from wordtrace import api
from wordtrace.measures.protocol import Queries
from wordtrace.models.cnn import CNN
from wordtrace.run.checkpoint import Checkpoint

NAME = "Captum TracInCP on the embedding layer"


def scores(run: api.Run, rows: np.ndarray, queries: Queries, checkpoint: Checkpoint) -> np.ndarray:
    """Return influences (queries, rows) at one checkpoint, times its learning rate."""
    from captum.influence import TracInCP

    ids, mask = run.encoded.padded(rows)
    data = TensorDataset(
        torch.from_numpy(ids), torch.from_numpy(mask), torch.from_numpy(run.train.labels[rows])
    )

    def load(model: CNN, checkpoint: Checkpoint) -> float:
        run.load_into(model, checkpoint)
        return checkpoint.learning_rate

    tracin = TracInCP(
        CNN(run.config),
        DataLoader(data, batch_size=64),
        [checkpoint],
        load,
        layers=["embedding"],
        loss_fn=torch.nn.CrossEntropyLoss(reduction="none"),
    )
    padded, where = queries.encoded.padded(np.arange(len(queries)))
    asked = (torch.from_numpy(padded), torch.from_numpy(where), torch.from_numpy(queries.labels))
    return tracin.influence(asked).numpy()

"""dattri-llm's TracIn with its factorized hooks on the embedding layer."""

from __future__ import annotations

import tempfile

import numpy as np
import torch
import torch.nn.functional as F
from torch.utils.data import Dataset

from wordtrace import api
from wordtrace.data.batches import Encoded
from wordtrace.measures.protocol import Queries
from wordtrace.models.cnn import CNN
from wordtrace.run.checkpoint import Checkpoint

NAME = "dattri-llm TracIn on the embedding layer"


class _Padded(Dataset):
    """Examples as dicts of one length; a number keeps equal texts apart (ids are content)."""

    def __init__(self, encoded: Encoded, labels: np.ndarray, length: int) -> None:
        ids, mask = encoded.padded(np.arange(len(encoded)))
        room = ((0, 0), (0, length - ids.shape[1]))
        self.ids, self.mask = np.pad(ids, room), np.pad(mask, room)
        self.labels = labels

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, row: int) -> dict[str, torch.Tensor]:
        return {
            "ids": torch.from_numpy(self.ids[row]),
            "mask": torch.from_numpy(self.mask[row]),
            "labels": torch.tensor(self.labels[row]),
            "number": torch.tensor(row),
        }


def scores(run: api.Run, rows: np.ndarray, queries: Queries, checkpoint: Checkpoint) -> np.ndarray:
    """Return influences (queries, rows) at one checkpoint, times its learning rate."""
    from dattri_llm import (
        AttributionArguments,
        AttributionTask,
        HookManagerConfig,
        TracInAttributor,
    )

    model = CNN(run.config)
    run.load_into(model, checkpoint)
    train = run.encoded.take(rows)
    length = int(max(train.lengths.max(), queries.encoded.lengths.max()))

    def loss(model: CNN, batch: dict[str, torch.Tensor]) -> torch.Tensor:
        # Summed, so that each example's gradient is its own.
        return F.cross_entropy(model(batch["ids"], batch["mask"]), batch["labels"], reduction="sum")

    with tempfile.TemporaryDirectory() as folder:
        attributor = TracInAttributor(
            AttributionArguments(
                output_dir=folder,
                per_device_train_batch_size=64,
                per_device_eval_batch_size=len(queries),
            ),
            task=AttributionTask(loss_func=loss, model=model.eval()),
        )
        found = attributor.attribute(
            _Padded(train, run.train.labels[rows], length),
            _Padded(queries.encoded, queries.labels, length),
            hook_config=HookManagerConfig(hook_types={"embedding": "linear_io"}),
        )
    _, matrix = found.agnostic_matrix()
    return checkpoint.learning_rate * np.asarray(matrix, dtype=np.float32).T

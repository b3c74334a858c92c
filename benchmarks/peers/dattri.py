"""dattri's influence functions with an explicit Hessian, on the last layer."""

from __future__ import annotations

import numpy as np
import torch
from torch.utils.data import DataLoader, TensorDataset

from wordtrace import api
from wordtrace.measures.protocol import Queries
from wordtrace.models.cnn import CNN

NAME = "dattri IFAttributorExplicit on the last layer"


def influence_last(run: api.Run, rows: np.ndarray, queries: Queries, damping: float) -> np.ndarray:
    """Return influences (queries, rows) of the last layer's weight and bias."""
    from dattri.algorithm.influence_function import IFAttributorExplicit
    from dattri.task import AttributionTask

    model = CNN(run.config)
    run.load_into(model, run.final)
    model.eval()

    def loss(parameters: dict, data: tuple) -> torch.Tensor:
        ids, mask, labels = data
        scores = torch.func.functional_call(model, parameters, (ids, mask))
        return torch.nn.functional.cross_entropy(scores, labels)

    def loader(encoded, labels, chosen: np.ndarray) -> DataLoader:
        ids, mask = encoded.padded(chosen)
        data = TensorDataset(
            torch.from_numpy(ids), torch.from_numpy(mask), torch.from_numpy(labels[chosen])
        )
        return DataLoader(data, batch_size=len(chosen), shuffle=False)

    task = AttributionTask(
        loss_func=loss, model=model, checkpoints=model.state_dict(), target_func=None
    )
    train = loader(run.encoded, run.train.labels, rows)
    asked = loader(queries.encoded, queries.labels, np.arange(len(queries)))
    attributor = IFAttributorExplicit(
        task, layer_name=["linear.weight", "linear.bias"], regularization=damping
    )
    attributor.cache(train)
    with torch.no_grad():
        found = attributor.attribute(train, asked)
    return found.T.numpy()

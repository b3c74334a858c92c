"""The models of a run's checkpoints, loaded once and kept."""

from __future__ import annotations

from pathlib import Path
from threading import RLock

import torch

from wordtrace.models.protocol import TextModel
from wordtrace.run import load
from wordtrace.run.checkpoint import Checkpoint
from wordtrace.run.manifest import RunManifest
from wordtrace.run.weighting import Weighting


class LoadedModels:
    """What is loaded of a run's checkpoints: models, and Adam's step sizes of their embeddings.

    Several threads may ask it.
    """

    def __init__(self, run: Path, manifest: RunManifest, device: str) -> None:
        self._run, self._manifest, self._device = run, manifest, device
        self._models: dict[int, TextModel] = {}
        self._scales: dict[int, torch.Tensor] = {}
        self._loading = RLock()

    def at(self, checkpoint: Checkpoint) -> TextModel:
        """Return the model at a checkpoint, in evaluation mode (CorruptError)."""
        with self._loading:
            if checkpoint.step not in self._models:
                model = load.load_model(self._run, self._manifest, checkpoint.folder)
                model.module.to(self._device).eval().requires_grad_(False)
                self._models[checkpoint.step] = model
            return self._models[checkpoint.step]

    def alone(self, checkpoint: Checkpoint) -> TextModel:
        """Return the model at a checkpoint, and drop what is loaded of all others."""
        with self._loading:
            for kept in (self._models, self._scales):
                for step in [step for step in kept if step != checkpoint.step]:
                    del kept[step]
            return self.at(checkpoint)

    def clear(self) -> None:
        """Drop all that is loaded."""
        with self._loading:
            self._models.clear()
            self._scales.clear()

    def row_scale(self, checkpoint: Checkpoint, weighting: Weighting) -> torch.Tensor:
        """Return :meth:`.Weighting.row_scale` for the embedding at a checkpoint."""
        with self._loading:
            if checkpoint.step not in self._scales:
                table = next(self.at(checkpoint).embedding.parameters())
                found = weighting.row_scale(checkpoint, *table.shape)
                assert found is not None
                self._scales[checkpoint.step] = found.to(self._device)
            return self._scales[checkpoint.step]

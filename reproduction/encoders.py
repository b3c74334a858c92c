"""The runs that several scripts ask: one a data set, trained once and kept.

Nothing is retrained in these scripts, so the models are encoders where the size allows it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import wordtrace as wt
from reproduction.data import Given, drawn, load
from reproduction.record import described
from reproduction.settings import PACKAGED, Setting

#: How many of the held-out rows are asked about: as many as the paper asks of toxicity.
ASKED = {"smoke": 6, "cpu": 40, "gpu": 40, "paper": 40}

_TRAINING = {
    "learning_rate": 1e-4,
    "epochs": 3,
    "batch_size": 32,
    "max_length": 48,
    "checkpoints": 3,
}
_SMOKE = Setting(60, 18, training={"epochs": 2, "max_length": 32, "checkpoints": 2}, seconds=1)
_CPU = Setting(1200, 300, PACKAGED, 1, _TRAINING, seconds=50)
# Of a GPU no time was measured: 60 s is a guess, and the paper tells 15 minutes for its small
# model and 320 minutes for the base one.
_GPU = Setting(10_000, 1000, PACKAGED, None, _TRAINING, seconds=60, device="cuda")
#: The paper calls it BERT-small; the name in its footnote is that of BERT-tiny.
_SMALL = "google/bert_uncased_L-2_H-128_A-2"
_SGD = {"optimizer": "sgd", "schedule": "constant", "batch_size": 32, "checkpoints": 5}
_PAPER = Setting(50_000, 20_000, _SMALL, seconds=900, device="cuda")

SETTINGS: dict[str, dict[str, Setting]] = {
    "smoke": {"toxicity": _SMOKE, "agnews": _SMOKE, "nli": _SMOKE},
    # A model that reads negation needs more than a layer, and more pairs.
    "cpu": {
        "toxicity": _CPU,
        "agnews": _CPU,
        "nli": replace(_CPU, rows=3000, layers=2, seconds=220),
    },
    "gpu": {"toxicity": _GPU, "agnews": _GPU, "nli": replace(_GPU, rows=8330)},
    "paper": {
        "toxicity": replace(_PAPER, training={**_SGD, "learning_rate": 2e-4, "epochs": 20}),
        "agnews": replace(_PAPER, training={**_SGD, "learning_rate": 2e-2, "epochs": 10}),
        "nli": replace(
            *(_PAPER,),
            rows=392_702,
            queries=9815,
            model="bert-base-uncased",
            training={"checkpoints": 5},
            seconds=320 * 60,
        ),
    },
}


@dataclass(frozen=True)
class Trained:
    """A data set's run, and what it is asked about.

    Attributes
    ----------
    name, size
        Of the data set, and of the setting.
    train, queries
        What it was trained on, and some of the held-out rows.
    accuracy
        The share of all held-out rows that the final model gets right.
    """

    name: str
    size: str
    run: wt.Run
    train: wt.Examples
    queries: wt.Examples
    accuracy: float

    def index(self) -> wt.Index:
        """Return the run's index, of all positions except at the paper's size."""
        place = self.run.path / "index"
        if place.is_dir():
            return wt.Index.open(place)
        kept = 10 if self.size == "paper" else None
        return wt.build_index(self.run, place, top_k=kept, workers=1)

    def said(self) -> str:
        """Return a sentence on the data and the model, for under a table."""
        setting = SETTINGS[self.size][self.name]
        model = "the paper's CNN"
        if setting.model != "cnn":
            kind = "the packaged encoder" if setting.model == PACKAGED else setting.model
            count = setting.layers or "all"
            model = f"{kind} of {count} layer{'' if count == 1 else 's'}"
        held_out = self.run.held_out
        return (
            f"{self.name}: {len(self.train):,} rows of {Path(self.train.source).name}, "
            f"{len(self.queries)} queries; {model}, one seed, right on {self.accuracy:.0%} of "
            f"{0 if held_out is None else len(held_out):,} held-out rows."
        )

    def about(self) -> dict[str, Any]:
        """Return what the JSON of a finding says of it."""
        return {
            "data": described(self.train, self.queries),
            "seeds": [self.run.recipe.seed],
            "models": 1,
            "accuracy": self.accuracy,
        }


def trained(name: str, size: str, work: Path, given: Given | None = None) -> Trained:
    """Return a data set's run, trained if it is not there."""
    setting = SETTINGS[size][name]
    train, held_out = load(name, size, setting.rows, setting.queries, given)
    run = wt.train(train, work / f"{name}-encoder", eval_data=held_out, **setting.choices())
    predicted = run.predict(held_out.texts, held_out.texts2).argmax(1)
    right = float((predicted == held_out.labels).mean())
    return Trained(name, size, run, train, held_out.take(drawn(held_out, ASKED[size])), right)


def several(found: Sequence[Trained]) -> dict[str, Any]:
    """Return what the JSON of a finding says of several."""
    return {
        "data": {one.name: one.about()["data"] for one in found},
        "seeds": [0],
        "models": len(found),
        "accuracy": {one.name: one.accuracy for one in found},
    }


def costs(size: str, *names: str) -> tuple[int, float]:
    """Return how many models the runs of some data sets are, and the seconds of all."""
    # An index, and the scores of other measures, take about as long again.
    return len(names), 2 * sum(SETTINGS[size][name].seconds for name in names)

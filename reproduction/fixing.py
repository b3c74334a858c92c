"""Figure 2 and appendix L: setting wrong predictions right by a change of their opponents.

The paper's claim, on 40 wrong predictions of toxicity with a probability from 0.3 to 0.7:
removing the 50 strongest opponents by TracIn-WE-topk sets a prediction right in 73 % of
retrainings, by influence functions on the last layer in 33 %; blanking the most harmful word in
each of the 200 strongest opponents in 70 % and 30 %; and retraining alone in 30 %.

Here the changes are tried by `index.fix`, with as many random rows as a control, which the paper
lacks. The opponents are those of the default measure, TracIn-WE with idf weights, and as a method
of its own those of TracIn-WE-topk. Words are blanked in the default measure's opponents alone:
the word that the last layer's influence functions would name is not offered by this project.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import wordtrace as wt
from reproduction.data import Given, load
from reproduction.record import Finding, described
from reproduction.settings import Setting

#: The paper's method, k, and share of retrainings that are right.
PAPER = [
    ("retraining alone", 0, 0.30),
    ("remove, TracIn-WE-topk", 50, 0.73),
    ("remove, Inf-last", 50, 0.33),
    ("blank a word, TracIn-WE-topk", 200, 0.70),
    ("blank a word, Inf-last", 200, 0.30),
]
MEASURES = ("tracin-we-topk", "influence-last")
#: The probability of what is predicted.
BAND = (0.3, 0.7)

_CNN = {"filters": 50, "learning_rate": 0.02, "epochs": 5, "max_length": 48, "checkpoints": 3}
_EMBEDDED = "cnn on packaged embeddings"
SETTINGS = {
    "smoke": Setting(
        *(60, 20), training={"epochs": 1, "max_length": 32}, repeats=2, k=(2,), deleted=1, seconds=1
    ),
    "cpu": Setting(
        *(1000, 1000, _EMBEDDED),
        training=_CNN,
        repeats=3,
        k=(10, 50),
        deleted=6,
        seconds=1.7,
    ),
    "gpu": Setting(
        *(10_000, 2000, _EMBEDDED),
        training=_CNN,
        repeats=10,
        k=(10, 50, 100, 200),
        deleted=40,
        seconds=15,
    ),
    "paper": Setting(
        *(50_000, 20_000, "google/bert_uncased_L-2_H-128_A-2"),
        training={
            "optimizer": "sgd",
            "schedule": "constant",
            "learning_rate": 2e-4,
            "epochs": 20,
            "checkpoints": 5,
        },
        repeats=10,
        k=(10, 20, 50, 100, 200),
        deleted=40,
        seconds=900,
        device="cuda",
    ),
}


def run(size: str, work: Path, given: Given | None = None, workers: int | None = None) -> Finding:
    """Change the opponents of wrong predictions, retrain, and count what is right."""
    setting = SETTINGS[size]
    train, queries = load("toxicity", size, setting.rows, setting.queries, given)
    model = wt.train(train, work / "fixing", eval_data=queries, **setting.choices())
    place = work / "fixing-index"
    with (
        wt.Index.open(place) if place.is_dir() else wt.build_index(model, place, workers=1) as index
    ):
        found = index.fix(
            queries,
            k=setting.k,
            measures=MEASURES,
            repeats=setting.repeats,
            band=None if size == "smoke" else BAND,
            limit=setting.deleted,
            workers=workers,
        )
    document = found.document()
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.5, 3.8))
    figure.set_layout_engine("constrained")
    wt.plots.fix(found, figure.subplots())
    return Finding(
        "fixing",
        [*curves(document), *papers()],
        {
            "change": "{change}",
            "k": "{k}",
            "right": "{right:.0%} [{low:.0%}, {high:.0%}]",
            "more than alone": "{more:+.0%} [{more_low:+.0%}, {more_high:+.0%}]",
            "accuracy": "{held_out:+.1%}",
            "paper: right": "{paper:.0%}",
        },
        f"toxicity: {len(document['queries'])} wrong predictions, {document['repeats']} seeds "
        f"each, {len(train):,} rows of {Path(train.source).name}, {setting.model}; accuracy is the "
        f"change on {len(queries):,} held-out rows, from {document['held_out_accuracy']:.0%}.",
        {
            "data": described(train, queries),
            "seeds": document["seeds"],
            "models": 1 + document["retrainings"],
        },
        figure,
    )


def costs(size: str) -> tuple[int, float]:
    """Return models and seconds."""
    one = SETTINGS[size]
    # For each k: two ways to change the default measure's opponents, two measures, random rows.
    models = 1 + one.repeats * (1 + len(one.k) * (4 * one.deleted + 1))
    return models, models * one.seconds


def papers() -> list[dict[str, Any]]:
    """Return what the paper says, where its methods or its k have no line here."""
    return [
        {**_NOTHING, "change": f"paper: {name}", "k": k, "paper": right} for name, k, right in PAPER
    ]


_NOTHING = dict.fromkeys(
    ("right", "low", "high", "more", "more_low", "more_high", "held_out", "paper")
)


def curves(document: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the share of right retrainings for each change, and its difference from none."""
    base = {"right": document["base"]["mean"]}
    base |= {name: document["base"][name] for name in ("low", "high")}
    rows: list[dict[str, Any]] = [{**_NOTHING, "change": "retraining alone", "k": 0, **base}]
    for method, points in document["curves"].items():
        rows += [
            {
                "change": method,
                "k": point["k"],
                "right": point["mean"],
                "low": point["low"],
                "high": point["high"],
                "more": point["difference"]["mean"],
                "more_low": point["difference"]["low"],
                "more_high": point["difference"]["high"],
                "held_out": point["held_out_change"],
                "paper": None,
            }
            for point in points
        ]
    return rows

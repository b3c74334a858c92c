"""Tables 5 and 6, appendix A: training rows that models get wrong, clustered by how alike they act.

The paper's claim: of AG News, rows that are wrong in at least 40 % of 20 trainings, clustered by
the influence distance of TracIn-WE on a CNN (agglomerative, threshold 0.8), form 31 clusters of
three rows and more. It shows five in which all rows have one topic, one true and one predicted
label, such as the Ryder Cup, filed under World and predicted as Sport; and the words that join
them.

Here the same is done with the same measure, threshold and trainings, except that a row is judged
only by models that did not see it: each training leaves out a random half. What the paper shows
by five chosen clusters is counted over all: the share of clusters in which all rows have the same
label and models say the same other label of all, beside the share where the rows of all clusters
are shuffled.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

import wordtrace as wt
from reproduction.data import Given, load
from reproduction.record import Finding, described
from reproduction.settings import Setting
from reproduction.shown import shortened

#: Cluster, its words, the predicted label and the true one.
PAPER = [
    ("Red Sox and Yankees AL championship series", "championship, series", "World", "Sport"),
    ("The same sentence repeats 12 times", "has, focus, priority", "Sci/Tech", "Sci/Tech"),
    ("The same sentence repeats 10 times", "priority, fourth", "Business", "Sci/Tech"),
    ("Oracle's takeover of PeopleSoft", "peoples, ##oft", "Sci/Tech", "Business"),
    ("Ryder Cup", "ryder, cup", "World", "Sport"),
]
CLUSTERS = 31


_CNN = {"filters": 50, "learning_rate": 0.02, "epochs": 5, "max_length": 48, "checkpoints": 3}
_EMBEDDED = "cnn on packaged embeddings"
SETTINGS = {
    "smoke": Setting(100, 20, training={"epochs": 2, "max_length": 32}, repeats=4, seconds=1),
    "cpu": Setting(5000, 300, _EMBEDDED, training=_CNN, repeats=20, seconds=8),
    "gpu": Setting(10_000, 1000, _EMBEDDED, training=_CNN, repeats=20, seconds=15),
    "paper": Setting(50_000, 20_000, training={"epochs": 10}, repeats=20, seconds=600),
}
#: A row counts as hard when it is wrong in this share of trainings; and where the tree is cut.
WRONG, THRESHOLD = 0.4, 0.8
#: How many clusters the table shows.
SHOWN = 10


def run(size: str, work: Path, given: Given | None = None, workers: int | None = None) -> Finding:
    """Cluster the training rows that retrained models get wrong."""
    setting = SETTINGS[size]
    train, queries = load("agnews", size, setting.rows, setting.queries, given)
    model = wt.train(train, work / "clusters", eval_data=queries, **setting.choices())
    found = wt.clusters(
        *(model,),
        trainings=setting.repeats,
        wrong=WRONG,
        threshold=THRESHOLD,
        least=3,
        top_k=None,
        workers=workers,
    )
    counted = {
        "hard rows": found.wrong,
        "clusters": len(found.clusters),
        "rows in clusters": sum(len(one.members) for one in found.clusters),
        "of one mistake": pure(found) if found.clusters else None,
        "by chance": by_chance(found) if found.clusters else None,
    }
    share = ""
    if found.clusters:
        share = (
            f" In {counted['of one mistake']:.0%} of the clusters all rows have one label and one "
            f"prediction; with rows shuffled among clusters in {counted['by chance']:.0%}."
        )
    return Finding(
        "clusters",
        shown(found) or [dict.fromkeys(("cluster", "rows", "words", "said", "label", "first"), "")],
        {
            "cluster": "{cluster}",
            "rows": "{rows}",
            "words": "{words}",
            "models say": "{said}",
            "label": "{label}",
            "first row": "{first}",
        },
        f"{len(found.clusters)} clusters of three rows and more (the paper: {CLUSTERS}), of "
        f"{found.wrong:,} rows that are wrong in {WRONG:.0%} of trainings.{share} agnews: "
        f"{len(train):,} rows of {Path(train.source).name}, CNN, {setting.repeats} trainings.",
        {
            "data": described(train, queries),
            "seeds": list(range(1, setting.repeats + 1)),
            "models": 1 + setting.repeats,
            "counted": counted,
        },
    )


def costs(size: str) -> tuple[int, float]:
    """Return models and seconds."""
    models = 1 + SETTINGS[size].repeats
    return models, models * SETTINGS[size].seconds


def pure(found: Any) -> float:
    """Return the share of clusters of one label, of which models say one other label."""
    return float(np.mean([_one([(m.label, m.said) for m in c.members]) for c in found.clusters]))


def by_chance(found: Any, draws: int = 200, seed: int = 0) -> float:
    """Return the same share where the rows of all clusters are shuffled among them."""
    generator = np.random.default_rng(seed)
    members = [(m.label, m.said) for one in found.clusters for m in one.members]
    ends = np.cumsum([len(one.members) for one in found.clusters])
    shares = []
    for _ in range(draws):
        drawn = generator.permutation(len(members))
        shares += [_one([members[place] for place in some]) for some in np.split(drawn, ends[:-1])]
    return float(np.mean(shares))


def shown(found: Any, most: int = SHOWN) -> list[dict[str, Any]]:
    """Return the largest clusters with their words and their first row."""
    rows = []
    for place, one in enumerate(found.clusters[:most], 1):
        labels, said = ({getattr(m, name) for m in one.members} for name in ("label", "said"))
        rows.append(
            {
                "cluster": place,
                "rows": len(one.members),
                "words": ", ".join(token for token, _ in one.words),
                "said": " or ".join(sorted(said)),
                "label": " or ".join(sorted(labels)),
                "first": shortened(one.members[0].text),
            }
        )
    return rows


def _one(some: list[tuple[str, str]]) -> bool:
    return len(set(some)) == 1

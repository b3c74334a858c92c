"""The small run, index and data that everything is attacked on."""

from __future__ import annotations

import csv
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import wordtrace as wt

WORDS = {
    "film": ["actor", "scene", "screen", "director", "cinema", "drama", "script", "cast"],
    "money": ["bank", "market", "shares", "profit", "price", "trade", "loan", "tax"],
    "sport": ["goal", "match", "team", "coach", "league", "season", "player", "score"],
}
COMMON = ["the", "a", "of", "and", "in", "to", "for", "with"]


@dataclass(frozen=True)
class World:
    """A folder with what a user has after a first afternoon.

    Attributes
    ----------
    folder
        Holds ``data.csv`` (key, body, topic), ``more.csv`` (further rows), ``queries.csv``, the run
        ``run``, and its index ``run/index``.
    """

    folder: Path

    @property
    def run(self) -> Path:
        """The run."""
        return self.folder / "run"

    @property
    def index(self) -> Path:
        """Its index."""
        return self.folder / "run" / "index"

    def copy(self, to: Path) -> World:
        """Return a copy that may be broken."""
        shutil.copytree(self.folder, to, symlinks=True)
        return World(to)


#: What names the columns of ``data.csv``.
COLUMNS = ("--text", "body", "--label", "topic", "--id", "key")


def make_world(folder: Path, rows: int = 60, seed: int = 3) -> World:
    """Make the data, train and index; a second or two."""
    folder.mkdir(parents=True)
    generator = np.random.default_rng(seed)
    for name, first, count in (("data", 0, rows), ("more", rows, 6), ("queries", rows + 6, 6)):
        with open(folder / f"{name}.csv", "w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["key", "body", "topic"])
            for row in range(first, first + count):
                writer.writerow([f"row-{row}", *_example(row, generator)])
    examples = wt.read_examples(folder / "data.csv", text="body", label="topic", id="key")
    run = wt.train(
        examples,
        folder / "run",
        eval_fraction=0.2,
        epochs=3,
        batch_size=8,
        learning_rate=0.09,
        schedule="linear",
        seed=5,
        dim=8,
        vocabulary=120,
        checkpoints=2,
    )
    wt.build_index(run, folder / "run" / "index", shard_size=24, workers=1)
    return World(folder)


def _example(row: int, generator: np.random.Generator) -> tuple[str, str]:
    label = sorted(WORDS)[row % len(WORDS)]
    length = int(generator.integers(4, 12))
    drawn = [
        str(generator.choice(WORDS[label] if generator.random() < 0.6 else COMMON))
        for _ in range(length)
    ]
    return " ".join([*drawn, str(generator.choice(WORDS[label]))]), label

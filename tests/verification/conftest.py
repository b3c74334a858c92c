"""Runs that were trained elsewhere, of every kind of label, and a script that trains at once."""

from __future__ import annotations

import csv
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import wordtrace as wt
from tests.adopt.trainings import classifier, rows
from tests.verification.kinds import run_of
from wordtrace.retrainers.retrainer import Change

SCRIPT = Path(__file__).parent / "scripts" / "train.py"


@dataclass(frozen=True)
class Elsewhere:
    """A classifier of a Trainer's, recorded from a CSV file.

    Attributes
    ----------
    run, data
        The run's folder and the training file.
    script
        A script that trains like models; see ``scripts/train.py``.
    """

    run: Path
    data: Path
    script: Path

    def command(self, *more: str) -> list[str]:
        """Return the words of a command that trains by the script."""
        words = [sys.executable, "-I", "-S", str(self.script), "--data", "{data}", "--out", "{out}"]
        return [*words, "--seed", "{seed}", *more]


@pytest.fixture(scope="session")
def _elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Elsewhere:
    folder = tmp_path_factory.mktemp("elsewhere")
    given = rows(60)
    data = folder / "news.csv"
    with open(data, "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, ["id", "text", "label", "note"], lineterminator="\n")
        writer.writeheader()
        for one in given:
            label = one["annotated_label"]
            writer.writerow(
                {"id": one["id"], "text": one["text"], "label": label, "note": 'a "b", c'}
            )
    # It learns next to nothing, as the script's models: they are not taken for another training.
    settings = {"num_train_epochs": 1, "logging_steps": 1, "learning_rate": 1e-5}
    classifier(folder / "trained", given, **settings)
    wt.record(folder / "trained", data, folder / "run", copy=True)
    script = folder / "train.py"
    shutil.copyfile(SCRIPT, script)
    run = wt.Run.open(folder / "run")
    start = folder / "start"
    start.mkdir()
    shutil.copyfile(run.path / "config.json", start / "config.json")
    shutil.copyfile(run.path / run.final.folder / "model.safetensors", start / "model.safetensors")
    return Elsewhere(folder / "run", data, script)


@pytest.fixture(scope="session")
def traced(_elsewhere: Elsewhere, tmp_path_factory: pytest.TempPathFactory) -> wt.Trace:
    """A trace of one text for the label that the run predicts."""
    index = wt.build_index(_elsewhere.run, tmp_path_factory.mktemp("index") / "index", workers=1)
    return index.trace("the coach and the goal of the season", top=10)


@pytest.fixture
def elsewhere(_elsewhere: Elsewhere, tmp_path: Path) -> Elsewhere:
    """The run, copied for one test; its data and its script stay where they are."""
    shutil.copytree(_elsewhere.run, tmp_path / "run")
    return Elsewhere(tmp_path / "run", _elsewhere.data, _elsewhere.script)


def change_of(run: wt.Run, seed: int = 1, removed: tuple[int, ...] = (), key: str = "") -> Change:
    """Return a training without some rows, whose model is asked about two texts."""
    weights = np.ones(len(run.train), np.float32)
    weights[list(removed)] = 0
    name = key or f"seed-{seed}-without-{len(removed)}"
    return Change(name, seed, weights, run.train.labels, (), (("a goal", None), ("the bank", None)))


@pytest.fixture(scope="session")
def made_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[Any, wt.Run]]:
    """Return the tokenizer of transformers, and the run, of a kind."""
    folder = tmp_path_factory.mktemp("kinds")
    return lambda kind: run_of(kind, folder / kind)

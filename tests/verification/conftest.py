"""A run that was trained elsewhere, and a script that trains such models at once."""

from __future__ import annotations

import csv
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

import wordtrace as wt
from tests.adopt.trainings import classifier, rows

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
    classifier(folder / "trained", given, num_train_epochs=1, logging_steps=1)
    wt.record(folder / "trained", data, folder / "run", copy=True)
    script = folder / "train.py"
    shutil.copyfile(SCRIPT, script)
    run = wt.Run.open(folder / "run")
    start = folder / "start"
    start.mkdir()
    shutil.copyfile(run.path / "config.json", start / "config.json")
    shutil.copyfile(run.path / run.final.folder / "model.safetensors", start / "model.safetensors")
    return Elsewhere(folder / "run", data, script)


@pytest.fixture
def elsewhere(_elsewhere: Elsewhere, tmp_path: Path) -> Elsewhere:
    """The run, copied for one test; its data and its script stay where they are."""
    shutil.copytree(_elsewhere.run, tmp_path / "run")
    return Elsewhere(tmp_path / "run", _elsewhere.data, _elsewhere.script)

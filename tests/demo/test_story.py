"""The demo on toy texts: its claim is about all wrong predictions, and a folder has one seed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import wordtrace as wt
from tests.conftest import make_examples
from wordtrace.demo import story
from wordtrace.demo.news import News, plant
from wordtrace.errors import InputError


def toy_news(seed: int) -> News:
    train, flipped = plant(make_examples(90), 0.05, seed)
    test, _ = plant(make_examples(30, seed + 1), 0.3, seed)  # so that some are predicted wrong
    return News(train, test, flipped)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Toy texts, and word embeddings that are drawn."""
    real = story.api.train

    def train(*given: Any, embeddings: Path, **more: Any) -> wt.Run:
        return real(*given, dim=12, vocabulary=200, **more)

    monkeypatch.setattr(story, "make_news", toy_news)
    monkeypatch.setattr(story, "package_folder", Path)
    monkeypatch.setattr(story.api, "train", train)


@pytest.mark.usefixtures("small")
def test_its_claim_is_about_all_wrong_predictions(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "demo"
    figures = story.tell(folder, repeats=2, removed=6, seed=4)
    assert json.loads((folder / "figures.json").read_text()) == figures
    run, test = wt.Run.open(folder / "run"), toy_news(4).test
    said = run.predict(list(test.texts))
    wrong = np.flatnonzero(said.argmax(1) != test.labels)
    together = figures["verification"]
    assert together["queries"] == len(wrong) > 2
    proof = wt.load(folder / "verification.json").document()
    assert proof["together"] == together
    assert proof["retrainings"] == 2 * 4
    of_true = said[wrong, test.labels[wrong]]
    order = wrong[np.argsort(-of_true, kind="stable")]
    assert [query["text"] for query in proof["queries"]] == [test.texts[row] for row in order]
    told = capsys.readouterr().err
    assert "--together --k 6 --repeats 2" in told
    assert f"Removing the 6 strongest opponents of the {len(wrong)} queries together" in told
    assert f"to {len(wrong)} queries together</h2>" in (folder / "report.html").read_text()
    with pytest.raises(InputError, match=r"demo holds the demo with seed 4, not 5; give another f"):
        story.tell(folder, repeats=2, removed=6, seed=5)

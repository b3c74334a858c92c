"""The README's tale, told in Python: from a prediction to better data."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import wordtrace as wt
from tests.stories.conftest import Reviews

COLUMNS = {"text": "body", "label": "stars", "id": "number"}
SMALL = {
    "eval_fraction": 0.1,
    "epochs": 6,
    "batch_size": 8,
    "dim": 16,
    "vocabulary": 200,
    "seed": 1,
}


def test_a_shop_finds_out_why_and_repairs_its_data(reviews: Reviews, tmp_path: Path) -> None:
    # Somebody trains a model on reviews, some of which were labelled wrongly.
    run = wt.train(reviews.file, tmp_path / "run", **COLUMNS, **SMALL)
    index = wt.build_index(run, workers=1)

    # Why "good"? The rows that caused it come with the words through which they did, and a row's
    # words add up to its score.
    asked = "The charger is excellent and lasts for days."
    trace = index.trace(asked, label="good", top=10)
    assert [hit.label for hit in trace.proponents[:3]] == ["good"] * 3
    for hit in (*trace.proponents, *trace.opponents):
        assert sum(value for _, value in hit.words) == pytest.approx(hit.score, rel=1e-4, abs=1e-6)
    assert {token for token, _ in trace.proponents[0].words} & {"excellent", "days", "lasts"}

    # The opponents of a right prediction are the rows that say the same and are labelled otherwise.
    in_training = reviews.wrong & set(run.train.ids)
    share = len(in_training) / len(run.train)
    opponents = [hit.id in in_training for hit in trace.opponents]
    assert np.mean(opponents) > 3 * share

    # The most suspicious rows hold far more of the wrong labels than as many rows drawn by chance.
    suspects = index.mislabels(top=len(in_training))
    found = [row.id in in_training for row in suspects.rows]
    assert np.mean(found) > 3 * share

    # What is proposed is a patch, which a person can read; here only the right lines are kept.
    suspects.patch().write(tmp_path / "fix.jsonl")
    lines = (tmp_path / "fix.jsonl").read_text(encoding="utf-8").split("\n")[:-1]
    kept = [line for line in lines if json.loads(line)["id"] in in_training]
    (tmp_path / "read.jsonl").write_text("\n".join(kept) + "\n", encoding="utf-8")
    repaired = tmp_path / "repaired.csv"
    done = wt.apply_patch(wt.read_patch(tmp_path / "read.jsonl"), reviews.file, repaired, **COLUMNS)

    # It changes the labels of these rows and touches nothing else.
    assert done.relabelled == len(kept) > 0
    before, after, right = (
        file.read_text(encoding="utf-8").split("\n")
        for file in (reviews.file, repaired, reviews.right)
    )
    changed = [row for row in range(len(before)) if before[row] != after[row]]
    assert len(changed) == len(kept)
    assert all(after[row] == right[row] for row in changed)

    # A model of the repaired data is surer of what it was asked.
    better = wt.train(repaired, tmp_path / "better", **COLUMNS, **SMALL)
    good = run.label_names.index("good")
    assert better.predict([asked])[0, good] > run.predict([asked])[0, good]

    # Was it these rows? Retraining without them, and without as many others, gives the answer.
    proof = wt.verify(trace, run=run, remove="opponents", k=5, repeats=2, workers=1)
    (query,) = proof.document()["queries"]
    assert len(query["without"]["values"]) == 2
    assert [len(control["values"]) for control in query["controls"]] == [2, 2]

    # Each answer is a page that can be sent to somebody.
    for answer, told in (
        (trace, trace.proponents[0].id),
        (proof, "What removing the opponents did"),
    ):
        answer.save(tmp_path / "why.html")
        page = (tmp_path / "why.html").read_text(encoding="utf-8")
        assert "charger" in page
        assert told in page

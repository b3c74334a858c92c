"""The README's tale, told on the command line, by files alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.command import wordtrace
from tests.stories.conftest import Reviews

COLUMNS = ["--text", "body", "--label", "stars", "--id", "number"]
SMALL = ["--eval-fraction", "0.1", "--epochs", "6", "--batch-size", "8", "--dim", "16"]
SMALL += ["--vocabulary", "200", "--seed", "1"]


@pytest.mark.slow
def test_from_a_file_with_errors_to_a_repaired_one_and_a_report(
    reviews: Reviews, tmp_path: Path
) -> None:
    def tell(*arguments: object) -> str:
        return wordtrace(*arguments, cwd=tmp_path).stdout

    # Train, and index the training.
    assert "held-out accuracy" in tell("train", "reviews.csv", *COLUMNS, *SMALL, "--out", "run")
    tell("index", "run", "--workers", 1)

    # Ask why; the words of each row add up to its score.
    asked = "The charger is excellent and lasts for days."
    tell("trace", "run/index", asked, "--label", "good", "--out", "trace.json")
    (query,) = json.loads((tmp_path / "trace.json").read_text(encoding="utf-8"))["queries"]
    for hit in (*query["proponents"], *query["opponents"]):
        words = sum(word["contribution"] for word in hit["words"])
        assert words == pytest.approx(hit["score"], rel=1e-4, abs=1e-6)

    # Who is suspicious, and what is proposed; a person takes out the lines that are not right.
    tell("mislabels", "run/index", "--top", 20, "--out", "suspects.json", "--patch", "fix.jsonl")
    lines = (tmp_path / "fix.jsonl").read_text(encoding="utf-8").split("\n")[:-1]
    kept = [line for line in lines if json.loads(line)["id"] in reviews.wrong]
    assert len(kept) > 3 * len(lines) * len(reviews.wrong) / 200
    (tmp_path / "fix.jsonl").write_text("\n".join(kept) + "\n", encoding="utf-8")

    # Apply it: these rows have their right label, every other line is as it was.
    tell("apply", "fix.jsonl", "reviews.csv", *COLUMNS, "--out", "repaired.csv")
    before, after, right = (
        (tmp_path / name).read_text(encoding="utf-8").split("\n")
        for name in ("reviews.csv", "repaired.csv", "right.csv")
    )
    changed = [row for row in range(len(before)) if before[row] != after[row]]
    assert len(changed) == len(kept)
    assert [after[row] for row in changed] == [right[row] for row in changed]

    # Train again on what was repaired.
    tell("train", "repaired.csv", *COLUMNS, *SMALL, "--out", "better")

    # Prove by retraining that the rows named did it, beside rows drawn by chance.
    options = ["--remove", "opponents", "--k", "5", "--repeats", "2", "--out", "proof.json"]
    tell("verify", "trace.json", *options)

    # One page tells it all.
    tell("report", "trace.json", "proof.json", "suspects.json", "--out", "report.html")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    for told in ("What removing the opponents did", "charger", query["proponents"][0]["id"]):
        assert told in page
    assert json.loads(lines[0])["id"] in page

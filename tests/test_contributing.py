"""What CONTRIBUTING.md shows of adding a measure and a retrainer is done, word for word."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import wordtrace as wt
from wordtrace.retrainers.retrainer import Change

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def blocks(heading: str, kind: str) -> list[str]:
    """The code blocks of one language below a heading."""
    section = PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return re.findall(rf"```{kind}\n(.*?)```", section, re.DOTALL)


def edited(text: str, diff: str) -> str:
    """Insert each + line below the line shown before it, which must stand there once."""
    anchor = ""
    for line in diff.splitlines():
        if line.startswith("+"):
            text = text.replace(f"{anchor}\n", f"{anchor}\n{line[1:]}\n", 1)
            anchor = line[1:]
        else:
            anchor = line[1:]
            assert f"\n{text}".count(f"\n{anchor}\n") == 1, anchor
    return text


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the house with the toy measure built in: three files are touched."""
    source = tmp_path_factory.mktemp("house")
    shutil.copytree(ROOT / "src" / "wordtrace", source / "wordtrace")
    measures = source / "wordtrace" / "measures"
    (measure,) = blocks("A measure of your own", "python")
    names, options = blocks("A measure of your own", "diff")
    (measures / "shared_words.py").write_text(measure, encoding="utf-8")
    for name, diff in (("names.py", names), ("options.py", options)):
        file = measures / name
        file.write_text(edited(file.read_text(encoding="utf-8"), diff), encoding="utf-8")
    return source


def in_house(house: Path, *arguments: str) -> str:
    # Without coverage: the copy's files would count beside the package's own.
    environment = {key: value for key, value in os.environ.items() if "COVERAGE" not in key}
    environment["PYTHONPATH"] = str(house)
    done = subprocess.run(
        [sys.executable, *arguments], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_toy_measure_with_an_option_takes_three_files(
    house: Path, run: wt.Run, tmp_path: Path
) -> None:
    texts = ["the striker and the coach win", "profit of the bank"]
    (tmp_path / "queries.csv").write_text("text\n" + "\n".join(texts) + "\n", encoding="utf-8")
    out = tmp_path / "scores.npy"
    in_house(
        house,
        *("-m", "wordtrace", "scores", str(run.path), "--queries", str(tmp_path / "queries.csv")),
        *("--measure", "shared-words", "--shortest", "5", "--label", "sport", "--out", str(out)),
    )
    counted = [
        [
            len({w for w in set(text.split()) & set(example.lower().split()) if len(w) >= 5})
            * (1 if run.label_names[label] == "sport" else -1)
            for example, label in zip(run.train.texts, run.train.labels, strict=True)
        ]
        for text in texts
    ]
    assert np.any(counted)
    np.testing.assert_array_equal(np.load(out), counted)


def test_the_toy_measure_is_listed_and_documented_like_ours(house: Path) -> None:
    assert "shared-words" in in_house(house, "-m", "wordtrace", "measures")
    assert "letters of the shortest word" in " ".join(
        in_house(house, "-m", "wordtrace", "trace", "--help").split()
    )


def test_a_toy_retrainer_touches_no_file(run: wt.Run, index: wt.Index, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    shutil.copytree(run.path, folder, ignore=shutil.ignore_patterns("*.sqlite*"))
    trace = index.trace("the striker and the coach win a match", "sport")
    (shown,) = blocks("A retrainer of your own", "python")
    assert shown.count("wt.verify(trace, ") == 1
    # The page's own call, on a copy of the run, in this process's two workers.
    shown = shown.replace("wt.verify(trace, ", "wt.verify(trace, run=own, index=index, workers=2, ")
    names: dict[str, Any] = {
        "wt": wt,
        "trace": trace,
        "index": index,
        "own": wt.Run.open(folder),
        "__name__": "__main__",  # whose classes go to workers by their code
    }
    exec(compile(shown, "CONTRIBUTING.md", "exec", dont_inherit=True), names)
    found = names["proof"].document()
    own, toy, label = names["own"], names["BagOfWords"](), run.label_names.index("sport")
    weights = np.ones(len(own.train), np.float32)
    weights[own.rows_of(found["queries"][0]["removed"])] = 0
    for place, seed in enumerate(found["seeds"]):
        change = Change("0", seed, weights, own.train.labels, (), ((trace.queries[0].text, None),))
        value = toy.train(own, change).probes[0, label]
        assert found["queries"][0]["without"]["values"][place] == pytest.approx(value)
    assert found["queries"][0]["without"]["values"] != found["queries"][0]["base"]["values"]

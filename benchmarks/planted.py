"""A planted cause, shown by each way of training again; and rows drawn at random, which are none.

``python -m benchmarks.planted [--ways replay,function,command] [--out FILE]``: an encoder of one
layer is fine-tuned by docs/examples/train_news.py on 400 rows of AG News, 40 of which are sports
news that begin with a made-up word and are labelled Business. A sports text with that word is then
predicted Business. Each way removes the 40 rows, and 20 draws of 40 rows among all, and trains
again beside the same controls.

What was decided before the first figure was seen: the rows, the word, seeds 1 to 12 at most by the
sequential design, the smallest change that matters (0.1), and what counts as shown: the interval of
the difference from random rows excludes zero upwards, and the effect exceeds what single draws
differ by (docs/concepts/random-draws.md). The control of random rows with the same labels does not
count here: of the rows labelled Business nearly a third are planted themselves, so that it removes
a third of the cause.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import runpy
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

from benchmarks.small_news import Row, encoder, news, write_csv
from wordtrace import api
from wordtrace.retrainers.choice import Retrain, retrainer_for
from wordtrace.retrainers.command import Command
from wordtrace.retrainers.function import Function
from wordtrace.retrainers.replay import Replay
from wordtrace.verification.design import Design
from wordtrace.verification.paired import verify
from wordtrace.verification.target import Target

SCRIPT = Path(__file__).parents[1] / "docs" / "examples" / "train_news.py"
#: What planted rows begin with.
MARK = "zorvex zorvex zorvex"
WAYS = ("replay", "function", "command")


@dataclass(frozen=True)
class Study:
    """What is trained, and how often.

    Attributes
    ----------
    rows, planted
        How many rows there are, and how many of them are planted.
    draws
        How many times as many random rows are removed.
    seeds, sequential, smallest
        Of the design.
    topics
        Only these; by default all.
    settings
        Arguments of the training script.
    """

    rows: int = 400
    planted: int = 40
    draws: int = 20
    seeds: int = 12
    sequential: bool = True
    smallest: float = 0.1
    topics: tuple[str, ...] = ()
    settings: tuple[str, ...] = (
        *("--max_length", "32", "--epochs", "3"),
        *("--batch_size", "16", "--learning_rate", "5e-4"),
    )


@dataclass(frozen=True)
class Planted:
    """A model with a planted cause.

    Attributes
    ----------
    home
        The folder of the data, the encoder and the run.
    rows
        The planted rows.
    text, label
        What is asked: a text with the made-up word, and its true label.
    """

    home: Path
    run: api.Run
    rows: tuple[int, ...]
    text: str
    label: str
    study: Study


def run_script(*arguments: object) -> None:
    """Run the training script in this process, silently."""
    silent = contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO())
    with silent[0], silent[1], mock.patch.object(sys, "argv", [str(SCRIPT), *map(str, arguments)]):
        runpy.run_path(str(SCRIPT), run_name="__main__")


def plant(home: Path, study: Study) -> Planted:
    """Write the data with the planted rows, and train on them with the callback."""
    given = news(study.rows + 400, noisy=False, topics=study.topics)
    train, rest = given[: study.rows], given[study.rows :]
    names = sorted({topic for _, topic in given})
    true = next(name for name in names if name.lower() == "sports")
    wrong = next(name for name in names if name.lower() == "business")
    places = [at for at, (_, topic) in enumerate(train) if topic == true][: study.planted]
    rows: list[Row] = list(train)
    for at in places:
        rows[at] = (f"{MARK} {train[at][0]}", wrong)
    text = f"{MARK} {next(text for text, topic in rest if topic == true)}"
    write_csv(home / "news.csv", rows)
    encoder(home / "encoder", [text, *(text for text, _ in rows)])
    out = home / "model"
    run_script(*_arguments(home, study), "--train_file", home / "news.csv", "--output_dir", out)
    run = api.Run.open(home / "model-run")
    return Planted(home, run, tuple(places), text, true, study)


def retrainer(planted: Planted, way: str) -> Retrain:
    """Return one of the ways to train again."""
    arguments = _arguments(planted.home, planted.study)
    data = planted.home / "news.csv"
    if way == "replay":
        return Replay()
    if way == "function":

        def train(data: Path, seed: int, out: Path) -> Path:
            run_script(*arguments, "--train_file", data, "--output_dir", out, "--seed", seed)
            return out

        return Function(train, data, name=f"train_news {' '.join(arguments)}", keep=False)
    words = [sys.executable, str(SCRIPT), *arguments]
    words += ["--train_file", "{data}", "--output_dir", "{out}", "--seed", "{seed}"]
    return Command(words, data, keep=False)


def measure(planted: Planted, train: Retrain, workers: int | None = None) -> dict[str, Any]:
    """Remove the planted rows, and each draw; return the verification as a document."""
    run, study = planted.run, planted.study
    label = run.label_names.index(planted.label)
    said = run.predict([planted.text])[0]
    sets = [planted.rows, *draws(planted)]
    targets = [
        Target(planted.text, None, label, run.label_names[said.argmax()], float(said[label]), rows)
        for rows in sets
    ]
    found = verify(
        run,
        targets,
        retrainer_for(run, train, "verify"),
        remove="opponents",
        k=study.planted,
        measure="planted",
        design=Design(study.seeds, study.sequential, study.smallest),
        workers=workers,
    )
    return found.document()


def draws(planted: Planted) -> list[tuple[int, ...]]:
    """Return the random rows, as many as are planted, of all."""
    return [
        tuple(
            np.random.default_rng([seed, 40])
            .choice(planted.study.rows, planted.study.planted, replace=False)
            .tolist()
        )
        for seed in range(planted.study.draws)
    ]


def shown(query: dict[str, Any]) -> bool:
    """Return whether the removal raised the probability more than draws of random rows do."""
    (control,) = [one for one in query["controls"] if one["name"] == "random"]
    return bool(control["difference"]["low"] > 0 and control["draws"]["low"] > 0)


def summary(way: str, document: dict[str, Any]) -> dict[str, Any]:
    """Return the figures of one way."""
    cause, *random = document["queries"]
    changes = [query["without"]["change"]["mean"] for query in random]
    return {
        "way": way,
        "cause": {
            "change": cause["without"]["change"],
            "differences": [control["difference"] for control in cause["controls"]],
            "seeds": len(cause["seeds"]),
            "shown": shown(cause),
        },
        "random": {
            "draws": len(random),
            "shown": sum(map(shown, random)),
            "answers": {
                str(one): sum(query["answer"] == one for query in random)
                for one in ("effect", "smaller", None)
            },
            "changes": [min(changes), max(changes)],
            "seeds": sorted(len(query["seeds"]) for query in random),
        },
        "repeatability": document.get("repeatability"),
        "retrainings": document["retrainings"],
        "seconds": document["seconds"],
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Print what each way finds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ways", default=",".join(WAYS))
    parser.add_argument("--workers", type=int)
    parser.add_argument("--out", type=Path, help="write the figures here, as JSON")
    given = parser.parse_args(arguments)
    rows = []
    with tempfile.TemporaryDirectory() as temporary:
        planted = plant(Path(temporary), Study())
        for way in given.ways.split(","):
            rows.append(summary(way, measure(planted, retrainer(planted, way), given.workers)))
            print(json.dumps(rows[-1], ensure_ascii=False), flush=True)
            if given.out:
                given.out.write_text(json.dumps(rows, indent=1), encoding="utf-8")


def _arguments(home: Path, study: Study) -> list[str]:
    return ["--model", str(home / "encoder"), *study.settings]


if __name__ == "__main__":
    main()

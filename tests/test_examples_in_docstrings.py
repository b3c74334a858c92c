"""The examples in the docstrings of the public functions and methods, each run by itself."""

from __future__ import annotations

import doctest
import os
import shutil
from collections.abc import Iterator
from operator import attrgetter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import wordtrace as wt
from tests.conftest import make_examples

#: Methods that stand on their own, beside the names of ``wordtrace.__all__``.
METHODS = {
    "plots": "cancellation compression deletion effects fix lds self_influence word_map",
    "Index": (
        "open rows trace add remove merge mislabels review fix mistakes duplicates outliers "
        "neighbours"
    ),
    "Run": "open predict with_runs",
    "Trace": "save table to_frame",
    "Patch": "reversed merged write",
    "Review": "open undo document",
}


NAMES = [
    *wt.__all__,
    *(f"{owner}.{name}" for owner, names in METHODS.items() for name in names.split()),
]


def documented(name: str) -> Any:
    """Return what a public name stands for."""
    if name == "measures":
        # Once a module of the subpackage "measures" is imported, wt.measures is that subpackage.
        from wordtrace.measures.catalogue import measures

        return measures
    if name in ("TraceCallback", "Replay"):
        pytest.importorskip("transformers")
    return attrgetter(name)(wt)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with news.csv and the run "runs/news" with its index, made once."""
    folder = tmp_path_factory.mktemp("home")
    toy = make_examples(60)
    names = {"film": "Film", "money": "Business", "sport": "Sport"}
    lines = [
        f'"{text}",{names[toy.label_names[label]]}'
        for text, label in zip(toy.texts, toy.labels, strict=True)
    ]
    (folder / "news.csv").write_text("\n".join(["text,label", *lines]) + "\n", encoding="utf-8")
    run = wt.train(
        folder / "news.csv",
        folder / "runs" / "news",
        epochs=4,
        batch_size=8,
        learning_rate=0.09,
        dim=8,
        vocabulary=200,
    )
    wt.build_index(run, workers=1)
    return folder


@pytest.fixture(scope="module")
def fine_tuned() -> tuple[Any, Any]:
    """A tiny BERT and its tokenizer, as a user of transformers has them."""
    pytest.importorskip("transformers")
    from tests.huggingface.architectures import ARCHITECTURES, model_of, tokenizer

    tokens = tokenizer(ARCHITECTURES[0].tokens)
    return model_of(ARCHITECTURES[0], tokens, ("Business", "Film", "Sport")), tokens


def training(fine_tuned: tuple[Any, Any], news: wt.Examples) -> dict[str, Any]:
    """Return what a script for transformers has at hand before it makes its Trainer."""
    from transformers import PrinterCallback, Trainer, TrainingArguments

    from tests.huggingface.architectures import SETTINGS

    def quiet(*given: Any, **named: Any) -> Any:
        trainer = Trainer(*given, **named)
        trainer.remove_callback(PrinterCallback)
        return trainer

    model, tokens = fine_tuned
    rows = [
        {**tokens(text, truncation=True, max_length=24), "labels": int(label)}
        for text, label in zip(news.texts, news.labels, strict=True)
    ]
    return {
        "Trainer": quiet,
        "model": model,
        "tokenizer": tokens,
        "arguments": TrainingArguments("trainer-output", **{**SETTINGS, "save_steps": 8}),
        "rows": rows,
    }


def measured(name: str, names: dict[str, Any]) -> dict[str, Any]:
    """Return the result that a figure is of, and draw on no screen."""
    pytest.importorskip("matplotlib").use("Agg")
    run, trace = names["run"], names["trace"]
    cheap: dict[str, Any] = {"repeats": 2, "workers": 1}
    if name in ("plots.deletion", "plots.lds"):
        measures = ["tracin-we-topk", "bm25"]
        asked: dict[str, Any] = {"lds": 10} if name == "plots.lds" else {"lds": 0, "k": [2, 4]}
        return {"evaluation": wt.evaluate(run, 2, measures=measures, **asked, **cheap)}
    if name == "plots.effects":
        return {"verification": wt.verify(trace, k=2, **cheap)}
    if name == "plots.fix":
        asked = names["news"].take(np.arange(2))
        other = (asked.labels + 1) % 3
        wrong = wt.Examples.of(asked.texts, other, asked.label_names, source="asked")
        return {"fixed": names["index"].fix(wrong, k=(2,), actions=("remove",), **cheap)}
    return {}


@pytest.fixture
def address(home: Path) -> Iterator[str]:
    """Where a server answers for the index."""
    from tests.app.conftest import served
    from wordtrace.app.opened import Opened
    from wordtrace.app.server import application

    with served(application(Opened.open(home / "runs" / "news" / "index"))) as found:
        yield found


@pytest.fixture
def names(home: Path, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[dict[str, Any]]:
    """What the examples speak of, in a folder that they may change."""
    shutil.copytree(home, tmp_path, dirs_exist_ok=True)
    before = Path.cwd()
    os.chdir(tmp_path)
    run = wt.Run.open("runs/news")
    index = wt.Index.open("runs/news/index")
    yield {
        "wt": wt,
        "news": wt.read_examples("news.csv"),
        "run": run,
        "index": index,
        "trace": index.trace("the coach and the striker win a match"),
    }
    os.chdir(before)


@pytest.mark.parametrize("name", NAMES)
def test_every_public_function_shows_an_example_that_is_true(
    name: str, names: dict[str, Any], request: pytest.FixtureRequest
) -> None:
    if name in ("TraceCallback", "Replay", "record"):
        names |= training(request.getfixturevalue("fine_tuned"), names["news"])
    if name == "connect":
        names["address"] = request.getfixturevalue("address")
    if name.startswith("plots."):
        names |= measured(name, names)
    finder = doctest.DocTestFinder(recurse=False)
    # mypy knows of no `module=False`, which takes an object wherever it was imported from.
    found = finder.find(documented(name), name, module=False, globs=names)  # type: ignore[arg-type]
    assert sum(len(one.examples) for one in found), f"{name} shows no example"
    said: list[str] = []
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    for one in found:
        runner.run(one, out=said.append)
    assert not runner.failures, "".join(said)

"""Training by the user's own function: what it returns, and where it runs."""

from __future__ import annotations

import csv
import os
import shutil
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import wordtrace as wt
from tests.verification.conftest import Elsewhere, change_of
from wordtrace.errors import InputError, TrainingError
from wordtrace.retrainers.choice import retrainer_for
from wordtrace.retrainers.kept_models import kept_models
from wordtrace.retrainers.retrainer import Said


def said_by(run: wt.Run, function: Any, removed: tuple[int, ...] = ()) -> Said:
    return retrainer_for(run, function, "verify").train(run, change_of(run, 1, removed))


def shares(data: Path, seed: int, out: Path) -> Any:
    """Train a model that says of every text how many rows have each label."""
    with open(data, encoding="utf-8") as file:
        counts = Counter(row["label"] for row in csv.DictReader(file))
    values = np.array([counts[name] for name in ("film", "money", "sport")]) / sum(counts.values())
    values += np.array([1, 0, -1]) * seed / 1000
    return lambda texts: np.tile(values, (len(texts), 1))


def test_a_function_may_return_what_predicts(elsewhere: Elsewhere) -> None:
    run = wt.Run.open(elsewhere.run)
    removed = tuple(np.flatnonzero(run.train.labels == 1)[:10].tolist())
    counts = np.bincount(np.delete(run.train.labels, removed))
    assert np.allclose(said_by(run, shares, removed).probes, counts / counts.sum(), atol=0.002)
    assert kept_models(run).models == 0
    assert not list(run.path.glob("retrained/*/*"))


def test_a_function_may_return_the_folder_of_its_model(
    elsewhere: Elsewhere, tmp_path: Path
) -> None:
    run, start = wt.Run.open(elsewhere.run), elsewhere.script.parent / "start"
    asked = []

    def into(data: Path, seed: int, out: Path, place: Path | None = None) -> Path | str:
        asked.append((data.name, seed, out.is_dir()))
        folder = out if place is None else place
        shutil.copytree(start, folder, dirs_exist_ok=True)
        return str(folder)

    same = run.predict(["a goal", "the bank"])
    assert np.allclose(said_by(run, into).probes, same, atol=1e-6)
    assert np.allclose(said_by(run, into).probes, same, atol=1e-6)  # by the kept model
    assert asked == [("data.csv", 1, True)]
    (kept,) = run.path.glob("retrained/*/model")
    shutil.rmtree(kept)
    elsewhere_too = wt.Function(partial(into, place=tmp_path / "mine"), name="mine")
    assert np.allclose(said_by(run, elsewhere_too).probes, same, atol=1e-6)
    assert (tmp_path / "mine" / "model.safetensors").is_file()  # it is not ours to clear away


def test_functions_run_in_workers_and_give_the_same(elsewhere: Elsewhere, traced: wt.Trace) -> None:
    def function(data: Path, seed: int, out: Path) -> Any:
        with open(str(elsewhere.run) + ".pids", "a") as file:
            file.write(f"{os.getpid()}\n")
        return shares(data, seed, out)

    found = []
    for workers in (1, 2):
        shutil.rmtree(elsewhere.run / "retrained", ignore_errors=True)
        for path in elsewhere.run.glob("*.sqlite*"):
            path.unlink()
        run = wt.Run.open(elsewhere.run)
        given: dict[str, Any] = {"k": 3, "repeats": 2, "run": run, "remove": "proponents"}
        proof = wt.verify(traced, retrain=function, workers=workers, **given)
        found.append(proof.document()["queries"])
    assert found[0] == found[1]
    pids = set(Path(str(elsewhere.run) + ".pids").read_text().split())
    assert str(os.getpid()) in pids
    assert len(pids) > 1


def gives(found: Any) -> wt.Function:
    return wt.Function(lambda data, seed, out: found, name="gives")


WRONG: dict[str, tuple[Any, str]] = {
    "nothing": (None, "returned NoneType; return the folder in which it saved the model, or a"),
    "no folder": ("/nowhere/at/all", "returned '/nowhere/at/all', which is no folder"),
    "a shape": (lambda texts: np.ones((len(texts), 2)) / 2, r"of the shape \(2, 2\) for 2 texts; "),
    "NaN": (lambda texts: np.full((len(texts), 3), np.nan), "gives NaN or infinity for text 0"),
    "scores": (lambda texts: np.array([[3.0, -1, 0]] * len(texts)), "which are no probabilities"),
    "sums": (lambda texts: np.full((len(texts), 3), 0.5), "probabilities that do not add up to 1"),
    "a failure": (lambda texts: {}["film"], "failed when it was asked about 2 texts .KeyError"),
    "words": (lambda texts: ["film"] * len(texts), "gives no array of numbers for 2 texts"),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_function_that_returns_something_else_is_told(elsewhere: Elsewhere, what: str) -> None:
    found, said = WRONG[what]
    with pytest.raises(TrainingError, match=said):
        said_by(wt.Run.open(elsewhere.run), gives(found))


def test_an_error_in_a_function_is_told_with_its_place(elsewhere: Elsewhere) -> None:
    def broken(data: Path, seed: int, out: Path) -> None:
        raise KeyError("learning rate")

    with pytest.raises(
        TrainingError, match=r"failed with seed 1 .KeyError: 'learning rate'"
    ) as got:
        said_by(wt.Run.open(elsewhere.run), broken)
    (log,) = elsewhere.run.glob("retrained/*/log.txt")
    assert str(log) in str(got.value)
    assert "in broken" in log.read_text()


def test_a_function_is_known_by_its_source_or_its_name() -> None:
    def other(data: Path, seed: int, out: Path) -> None: ...

    assert wt.Function(shares).settings == wt.Function(shares).settings
    assert wt.Function(shares).settings != wt.Function(other).settings
    assert wt.Function(shares, name="a").settings == wt.Function(other, name="a").settings
    for given in (partial(shares), max):
        with pytest.raises(InputError, match=r'give wt.Function.function, name="…"'):
            wt.Function(given)
    with pytest.raises(InputError, match="int is no function"):
        wt.Function(3)  # type: ignore[arg-type]


def test_what_is_no_retrainer_is_told(elsewhere: Elsewhere) -> None:
    with pytest.raises(InputError, match="retrain is int; give a command, a function"):
        retrainer_for(wt.Run.open(elsewhere.run), 3, "verify")  # type: ignore[arg-type]


def test_a_training_elsewhere_names_the_ways_to_repeat_it(elsewhere: Elsewhere) -> None:
    with pytest.raises(
        InputError, match=r"name what trains by retrain: .* wt\.Replay\(\) in Python"
    ):
        retrainer_for(wt.Run.open(elsewhere.run), None, "verify")

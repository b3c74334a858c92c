"""The cases of :mod:`torture.numbers`, and the steps that each goes through."""

from __future__ import annotations

import json
import math
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file

import wordtrace as wt
from wordtrace.models.cnn import CNN
from wordtrace.run.check import checksums
from wordtrace.run.run import Run

Rows = list[tuple[str, str]]

_WORDS = {"a": "bank market shares profit loan", "b": "goal match team coach league"}


def plain(count: int = 16) -> Rows:
    """Return rows of two labels."""
    found = []
    for row in range(count):
        label = "ab"[row % 2]
        words = _WORDS[label].split()
        found.append((" ".join(words[(row + one) % 5] for one in range(2 + row % 3)), label))
    return found


@dataclass(frozen=True)
class Case:
    """What is at its end.

    Attributes
    ----------
    rows
        Texts and labels.
    training, index
        Settings other than the usual.
    query
        What is traced.
    weights
        Changes the weights of a recorded training, in place, at each checkpoint.
    dear
        Whether it takes long.
    """

    group: str
    rows: Callable[[], Rows] = plain
    training: dict[str, Any] = field(default_factory=dict)
    index: dict[str, Any] = field(default_factory=dict)
    query: str = "bank goal market"
    kind: str = "class"
    weights: Callable[[dict[str, torch.Tensor], int], None] | None = None
    k: int = 2
    dear: bool = False


def _times(factor: float, *names: str) -> Callable[[dict[str, torch.Tensor], int], None]:
    def change(weights: dict[str, torch.Tensor], place: int) -> None:
        for name, value in weights.items():
            if not names or any(one in name for one in names):
                value *= factor

    return change


def _sure(weights: dict[str, torch.Tensor], place: int) -> None:
    """Make the model sure beyond what a float32 can tell from 1: gradients become zero."""
    for name, value in weights.items():
        if "linear" in name and value.ndim == 1:
            value += torch.tensor([1e4, -1e4])


def _alike(weights: dict[str, torch.Tensor], place: int) -> None:
    for value in weights.values():
        value.copy_(torch.linspace(-0.5, 0.5, value.numel()).reshape(value.shape))


_NUMBERS = [(f"bank goal {row}", str(row / 3)) for row in range(12)]


def _with(rows: Rows, *more: tuple[str, str]) -> Callable[[], Rows]:
    return lambda: [*rows, *more]


CASES: dict[str, Case] = {
    "the usual": Case("nothing wrong", index={"top_k": None, "dtype": "float32"}),
    "rate 1e6": Case("diverging", training={"learning_rate": 1e6}),
    "rate 1e30": Case("diverging", training={"learning_rate": 1e30}),
    "rate 1e-30": Case("diverging", training={"learning_rate": 1e-30}),
    "adamw at rate 1e6": Case("diverging", training={"learning_rate": 1e6, "optimizer": "adamw"}),
    "one example": Case("few rows", lambda: plain(1)),
    "two rows": Case("few rows", lambda: plain(2), {"eval_fraction": 0.0}),
    "one class": Case("few rows", lambda: [(text, "a") for text, _ in plain()]),
    "no rows": Case("few rows", list),
    "identical texts": Case("texts", lambda: [("bank bank", label) for _, label in plain()]),
    "an empty text": Case("texts", _with(plain(), ("", "a"))),
    "texts of spaces": Case("texts", _with(plain(), (" \u200b\u3000", "a"))),
    "a query of unknown words": Case("texts", query="\U0001f409\u4e00\u4e01 \U0001f40b"),
    "rows of one letter": Case(
        "texts", lambda: [(chr(97 + row), "ab"[row % 2]) for row in range(26)]
    ),
    "100,000 tokens": Case(
        *("long texts", _with(plain(), ("bank goal " * 50_000, "a"))),
        training={"max_length": 200_000, "epochs": 1},
        dear=True,
    ),
    "a million letters in a word": Case(
        "long texts", _with(plain(), ("x" * 1_000_000, "a")), dear=True
    ),
    "all labels different": Case(
        "labels", lambda: [(text, f"l{row}") for row, (text, _) in enumerate(plain())]
    ),
    "3,000 labels": Case(
        *("labels", lambda: [(f"bank {row}", f"l{row % 3000}") for row in range(6000)]),
        training={"epochs": 1, "batch_size": 500},
        dear=True,
    ),
    "zero weights": Case("weights", weights=_times(0.0)),
    "weights times 1e30": Case("weights", weights=_times(1e30)),
    "weights times 1e8": Case("weights", weights=_times(1e8)),
    "weights times 1e-20": Case("weights", weights=_times(1e-20)),
    "an embedding times 1e30": Case("weights", weights=_times(1e30, "embedding")),
    "equal checkpoints": Case("weights", weights=_alike),
    "gradients of zero": Case("gradients", weights=_sure),
    "gradients of zero as int8": Case("gradients", weights=_sure, index={"dtype": "int8"}),
    "gradients of zero projected": Case("gradients", weights=_sure, index={"project": 2}),
    "gradients beyond float16": Case(
        "gradients", weights=_times(3e4, "linear"), index={"dtype": "float16"}
    ),
    "gradients below float16": Case(
        "gradients", weights=_times(1e-9, "linear"), index={"dtype": "float16"}
    ),
    "gradients beyond int8": Case(
        "gradients", weights=_times(3e4, "linear"), index={"dtype": "int8"}
    ),
    "one dimension": Case("sizes", training={"dim": 1, "filters": 1}),
    "the least vocabulary": Case("sizes", training={"vocabulary": 10}),
    "a batch over the data": Case("sizes", training={"batch_size": 10_000}),
    "no epochs": Case("sizes", training={"epochs": 0}),
    "a rate of zero": Case("sizes", training={"learning_rate": 0.0}),
    "three tokens at most": Case("sizes", training={"max_length": 3}),
    "two tokens at most": Case("sizes", training={"max_length": 2}),
    "k over the rows": Case("sizes", k=10_000),
    "top-k over every text": Case("sizes", index={"top_k": 10_000}),
    "shards of one": Case("sizes", index={"shard_size": 1}),
    "projected to more than there is": Case("sizes", index={"project": 10_000}),
    "projected to one dimension": Case("sizes", index={"project": 1}),
}


def run(name: str) -> None:
    """Take a case through all steps in this folder, and print what each said."""
    case, folder = CASES[name], Path.cwd()
    found: dict[str, Any] = {}
    state: dict[str, Any] = {}
    for step, take in _STEPS.items():
        try:
            said = take(case, folder, state)
            found[step] = {"wrong": said} if said else {}
        except wt.WordtraceError as error:
            found[step] = {"refused": str(error)}
            if step in ("train", "index"):
                break
        except Exception:
            found[step] = {"bug": "".join(traceback.format_exc()[-600:])}
            break
    sys.stdout.write(json.dumps(found))


def _train(case: Case, folder: Path, state: dict[str, Any]) -> str | None:
    texts, labels = ([row[place] for row in case.rows()] for place in (0, 1))
    data = [{"text": text, "label": label} for text, label in zip(texts, labels, strict=True)]
    with open(folder / "data.jsonl", "w", encoding="utf-8") as file:
        file.writelines(json.dumps(one) + "\n" for one in data)
    usual: dict[str, Any] = {"epochs": 2, "batch_size": 4, "dim": 6, "filters": 4, "checkpoints": 2}
    usual |= {"vocabulary": 60, "eval_fraction": 0.2}
    run = wt.train(folder / "data.jsonl", folder / "run", **{**usual, **case.training})
    if case.weights is not None:
        run = _changed(run, case)
    state["run"] = run
    for checkpoint in [*run.checkpoints, run.final]:
        if not math.isfinite(checkpoint.loss):
            return f"the loss of step {checkpoint.step} is {checkpoint.loss}"
    return None


def _changed(run: Run, case: Case) -> Run:
    """Give the checkpoints of a run other weights, as if it had been trained so."""
    assert case.weights is not None
    for place, checkpoint in enumerate([*run.checkpoints, run.final]):
        path = run.path / checkpoint.folder / "model.safetensors"
        weights = load_file(path)
        case.weights(weights, place)
        save_file(weights, path)
    manifest = run.path / "run.json"
    document = json.loads(manifest.read_text())
    document["files"] = checksums(run.path, ("run.json",))
    # Without a checksum of its own it is taken as it is, as one of an older version.
    del document["checksum"]
    manifest.write_text(json.dumps(document))
    return Run.open(run.path)


def _index(case: Case, folder: Path, state: dict[str, Any]) -> str | None:
    wt.build_index(state["run"], workers=1, **{"top_k": None, **case.index})
    state["index"] = wt.Index.open(folder / "run" / "index")
    return None


def _trace(case: Case, folder: Path, state: dict[str, Any]) -> str | None:
    index = state["index"]
    trace = index.trace(case.query, measure="tracin-we", top=5)
    state["trace"] = trace
    if why := _not_finite(trace.document()):
        return why
    scores = wt.influence(index, [case.query], measure="tracin-we")[0].astype(np.float64)
    run, label = state["run"], trace.queries[0].label
    expected = _by_autograd(run, case.query, run.label_names.index(label))
    if not np.isfinite(scores).all():
        return f"scores of {np.isfinite(scores).mean():.0%} of the rows are finite"
    largest = np.abs(expected).max()
    exact = case.index.get("dtype") == "float32" or case.index.get("top_k", 1) == 10_000
    near = 1e-4 if exact else 0.05
    if "project" in case.index or not np.isfinite(largest):
        return None
    if np.abs(scores - expected).max() > near * largest + 1e-30:
        worst = int(np.abs(scores - expected).argmax())
        return f"row {worst}: {scores[worst]:g}, by autograd {expected[worst]:g} (of {largest:g})"
    return None


def _by_autograd(run: Run, query: str, label: int) -> Any:
    """Return the scores of all rows by plain automatic differentiation, in float64."""
    encoded, total = run.encoded, np.zeros(len(run.train))
    asked = run.tokenizer.encode([query]).ids.tolist()
    for checkpoint, eta in zip(run.checkpoints, run.etas, strict=True):
        model = run.model(checkpoint)
        assert isinstance(model, CNN)
        of_query = _gradient(model, asked, label)
        for row in range(len(run.train)):
            ids = encoded.ids[encoded.offsets[row] : encoded.offsets[row + 1]].tolist()
            gradient = _gradient(model, ids, int(run.train.labels[row]))
            total[row] += eta * float((of_query * gradient).sum())
    return total


def _gradient(model: CNN, ids: list[int], label: int) -> torch.Tensor:
    weights = {name: one.detach().double() for name, one in model.state_dict().items()}
    table = weights["embedding.weight"].requires_grad_(True)
    hidden = table[torch.tensor(ids)].T[None]
    widths = model.config.widths
    for place, width in enumerate(widths):
        kernel, bias = (weights[f"convolutions.{place}.{name}"] for name in ("weight", "bias"))
        hidden = F.relu(F.conv1d(hidden, kernel, bias, padding=width // 2))
    scores = F.linear(hidden.max(dim=2).values, weights["linear.weight"], weights["linear.bias"])
    (found,) = torch.autograd.grad(F.cross_entropy(scores, torch.tensor([label])), [table])
    return found


def _measures(case: Case, folder: Path, state: dict[str, Any]) -> str | None:
    """Ask every measure that a run of a CNN has; what one refuses, it says."""
    for name in ("tracin-we-idf", "tracin-last", "influence-last", "representer", "similarity"):
        try:
            scores = wt.influence(state["run"], [case.query], measure=name)
        except wt.WordtraceError as error:
            if len(str(error)) < 20:
                return f"{name}: {error}"
            continue
        if not np.isfinite(scores).all():
            return f"{name}: a score is not finite"
    return None


def _words(case: Case, folder: Path, state: dict[str, Any]) -> str | None:
    from wordtrace.analysis.words import words

    return _not_finite(words(state["run"], case.query, "goal match").document())


def _suspects(case: Case, folder: Path, state: dict[str, Any]) -> str | None:
    return _not_finite(state["index"].mislabels(top=3).document())


def _verify(case: Case, folder: Path, state: dict[str, Any]) -> str | None:
    proof = wt.verify(state["trace"], k=case.k, repeats=2, workers=1, run=state["run"])
    return _not_finite(proof.document())


def _not_finite(document: Any) -> str | None:
    try:
        json.dumps(document, allow_nan=False)
    except ValueError:
        return "a number of the answer is not finite"
    return None


_STEPS: dict[str, Callable[[Case, Path, dict[str, Any]], str | None]] = {
    "train": _train,
    "index": _index,
    "trace": _trace,
    "measures": _measures,
    "words": _words,
    "mislabels": _suspects,
    "verify": _verify,
}

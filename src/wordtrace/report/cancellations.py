"""How the document of ``wordtrace cancellation`` reads."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from wordtrace.report.blocks import Block, Cell, Column, Grid, Say, bar
from wordtrace.report.numbers import signed_or_dash
from wordtrace.report.text import line

Document = Mapping[str, Any]


def cancellation_blocks(document: Document) -> list[Block]:
    """Return ratios in sentences, then each parameter's figures."""
    parameters = document["parameters"]
    ratios = [one["cancellation"] for one in parameters if one["cancellation"]]
    low, high = (min(ratios) / 2, max(ratios)) if ratios else (0.0, 0.0)
    rows: list[list[Cell]] = []
    for one in parameters:
        ratio = one["cancellation"]
        drawn = (
            bar(math.log(ratio / low), math.log(high / low), _short(ratio))
            if ratio
            else ("no gradient" if ratio is not None else "never changed")
        )
        rows.append(
            [
                line(one["layer"]),
                line(one["part"]),
                drawn,
                _short(one["gradients"]),
                _short(one["movement"]),
                *(
                    signed_or_dash(one[name])
                    for name in ("cosine", "same_label", "different_label")
                ),
            ]
        )
    found: list[Block] = [Say(one) for one in cancellation_sentences(parameters)]
    count = f"{document['examples']:,}"
    if document["examples"] < document["training_examples"]:
        count += f" of {document['training_examples']:,}"
    steps = ", ".join(f"{step:,}" for step in document["steps"])
    found.append(
        Say(
            f"{count} training examples, steps {steps}. C(W) is how far the examples pull, each "
            "for itself, over how far the parameter really moved: the higher, the more of the "
            "pull cancelled. Bars are on a logarithmic scale. Cosines are means over all pairs of "
            "examples; where pairs of one label are near 1, gradients tell labels apart, not "
            "examples.",
            soft=True,
        )
    )
    names = ("C(W)", "Σ‖∂ℓ/∂W‖", "Σ‖ΔW‖", "cosine", "same label", "different")
    kinds = ("bar", *["number"] * 5)
    columns = [Column("layer", "name"), Column("part", "name"), *map(Column, names, kinds)]
    found.append(Grid("", columns, rows))
    if document["left_out"]:
        left = ", ".join(line(one) for one in document["left_out"])
        found.append(Say(f"Left out, their kind of layer not being known: {left}.", soft=True))
    return found


def cancellation_sentences(parameters: Sequence[Document]) -> list[str]:
    """Say how biases stand to weights, and the last weight to the first."""
    said: list[str] = []
    ratios: dict[str, list[float]] = {"weight": [], "bias": []}
    for one in parameters:
        if one["cancellation"]:
            ratios.setdefault(one["part"], []).append(one["cancellation"])
    weights, biases = ratios["weight"], ratios["bias"]
    if weights and biases:
        times = _geometric(biases) / _geometric(weights)
        said.append(f"Biases cancel {_times(times)} weights do (geometric means).")
    there = [one for one in parameters if one["part"] == "weight" and one["cancellation"]]
    if len(there) > 1:
        first, last = there[0], there[-1]
        said.append(
            f"The weights of the last layer ({line(last['layer'])}) cancel "
            f"{_times(last['cancellation'] / first['cancellation'])} those of the first "
            f"({line(first['layer'])}) do."
        )
    still = [one for one in parameters if one["cancellation"] is None and one["gradients"]]
    if still:
        names = ", ".join(f"{line(one['layer'])} ({line(one['part'])})" for one in still)
        said.append(f"Never changed, so all of the pull on them cancelled: {names}.")
    return said


def _geometric(values: Sequence[float]) -> float:
    return math.exp(sum(map(math.log, values)) / len(values))


def _times(ratio: float) -> str:
    return f"{ratio:.1f} times as much as"


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"

"""Table 1 and sections 3.2 and 3.3: what cancels in which layer, and which layer deletes best.

The paper: on a CNN trained on AG News, the later a layer, the more of the examples' gradients
cancel out, the more alike two examples' gradients are, and the worse are the rows that it names
when they are left out. Biases cancel more than weights, and leaving them out makes TracIn better.

Here: one CNN on AG News with the paper's layers. `wt.cancellation` gives C(W) and the cosine of two
training examples' gradients; `wt.evaluate` the deletion curves and the linear datamodeling score.

What differs: the paper takes cosines of test examples, here they are of training examples. C of
all layers together is Σ G / Σ ΔW over the layers, since norms are known by layer. The paper's own C
does not follow from the G and ΔW that it prints: 559,142 / 4.37 is 50 times its 2,555, and 627,206
/ 0.74 is 50 times its 16,789. Its CNN of 10 filters is said to have 21,222 parameters and 102
biases; with word embeddings of 128 the layers described have 7,040 weights and 34 biases. Its
second pair of AUC-DEL+ in section 3.2 must be AUC-DEL−.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import wordtrace as wt
from reproduction import settings
from reproduction.data import Given
from reproduction.record import Finding
from reproduction.study import COLUMNS, about, above, controls, curves, row, studied, told, trained

#: Measure: cancellation, cosine, AUC-DEL+, AUC-DEL−. The last row: C of biases alone, section 3.2.
PAPER: dict[str, tuple[float | None, float | None, float, float]] = {
    "tracin-first": (1863, 0.035, -0.077, 0.045),
    "tracin-second": (2019, 0.075, -0.075, 0.022),
    "tracin-third": (3126, 0.21, 0.012, 0.006),
    "tracin-last": (2966, 0.23, -0.016, -0.032),
    "tracin-all": (2368, None, -0.065, 0.046),
    "tracin-all+bias": (16789, None, -0.036, 0.011),
}
#: The places of the layers in the CNN, from its input.
_LAYERS = {"tracin-first": 0, "tracin-second": 1, "tracin-third": 2, "tracin-last": -1}


def run(size: str, work: Path, given: Given | None = None, workers: int | None = None) -> Finding:
    """Train, measure and judge; what is there from before is taken up."""
    setting = settings.LAYERS[size]
    trained_run = trained("agnews", size, setting, work / "layers-agnews", given)
    found = wt.cancellation(trained_run)
    study = studied(trained_run, setting, list(PAPER), workers)
    rows = [_row(study, found.parameters, name) for name in PAPER]
    said = [told(trained_run, study, setting)]
    for second in ("tracin-last", "tracin-all"):
        said.append(above(study, "tracin-first", second))
    said.append(above(study, "tracin-all", "tracin-all+bias"))
    said.append("C in the last row is that of the biases, of all layers together.")
    return Finding(
        "layers",
        [*rows, *controls(study)],
        _columns(),
        " ".join(said),
        {
            **about(trained_run, study, setting),
            "parameters": found.document()["parameters"],
        },
        curves({"AG News, CNN": study}),
    )


def costs(size: str) -> tuple[int, float]:
    """Return how many models are trained at most, and the seconds that they take."""
    setting = settings.LAYERS[size]
    models = setting.models(len(PAPER), 4)
    return models, models * setting.seconds


def _row(study: wt.Evaluation, parameters: Sequence[Any], measure: str) -> dict[str, Any]:
    cancellation, cosine, *paper = PAPER[measure]
    part = "bias" if measure.endswith("+bias") else "weight"
    found = [one for one in parameters if one.part == part]
    if measure in _LAYERS:
        found = [found[_LAYERS[measure]]]
    moved = sum(one.movement for one in found)
    return {
        **row(study, measure, (paper[0], paper[1])),
        "cancellation": sum(one.gradients for one in found) / moved if moved else None,
        "cosine": found[0].cosine if measure in _LAYERS else None,
        "same_label": found[0].same_label if measure in _LAYERS else None,
        "paper_cancellation": cancellation,
        "paper_cosine": cosine,
    }


def _columns() -> dict[str, str]:
    return {
        "layer": "{measure}",
        "C ↓": "{cancellation:,.0f}",
        "paper's C": "{paper_cancellation:,.0f}",
        "cosine ↓": "{cosine:.3f}",
        "of one label": "{same_label:.3f}",
        "paper's cosine": "{paper_cosine:.3f}",
        **COLUMNS,
    }

"""The linear datamodeling score of each measure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from wordtrace.errors import InputError
from wordtrace.plots.drawing import CONTROL, PLUS, axes, document_of, plain, tidy

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def lds(evaluation: Any, ax: Axes | None = None) -> Axes:
    """Draw how well each measure's summed scores foretell retraining on random halves.

    Parameters
    ----------
    evaluation
        From :func:`wordtrace.evaluate` with ``lds=``; or its document.

    Returns
    -------
    matplotlib.axes.Axes
        With a point and an interval of 95 % for each measure, the best one at the top (Spearman's
        correlation, averaged over the queries); a line at 0, where a measure that knows nothing
        lies; and, where models were trained with several seeds, a line with its band at about the
        most that any measure reaches, the root of the truth's reliability.

    Raises
    ------
    InputError
        When the evaluation has no linear datamodeling score, or Matplotlib is missing.

    Examples
    --------
    >>> axes = wt.plots.lds(evaluation)
    >>> axes.get_xlabel()
    'linear datamodeling score (Spearman)'
    """
    document = document_of(evaluation, "wordtrace-evaluation")
    found = document["lds"]
    if not found or not isinstance(found, Mapping):
        raise InputError("this evaluation has no linear datamodeling score; evaluate with lds.")
    rows = sorted(found["measures"].items(), key=lambda item: float(item[1]["mean"]))
    drawn = axes(ax, height=0.9 + 0.35 * len(rows))
    for place, (_, one) in enumerate(rows):
        drawn.plot([one["low"], one["high"]], [place, place], color=PLUS, linewidth=1.6)
        drawn.plot(one["mean"], place, "o", color=PLUS, markersize=5)
    drawn.axvline(0, color=CONTROL, linewidth=0.8)
    if found["reliability"]:
        most = {end: math.sqrt(found["reliability"][end]) for end in ("mean", "low", "high")}
        drawn.axvspan(most["low"], most["high"], color=CONTROL, alpha=0.15, linewidth=0)
        drawn.axvline(most["mean"], color=CONTROL, linewidth=0.8, linestyle="--")
    drawn.set_yticks(range(len(rows)), [plain(name) for name, _ in rows])
    drawn.set(xlabel="linear datamodeling score (Spearman)", ylim=(-0.6, len(rows) - 0.4))
    tidy(drawn)
    return drawn

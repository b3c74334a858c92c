"""The linear datamodeling score of each measure."""

from __future__ import annotations

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
        With a point and an interval of 95 % for each measure (Spearman's correlation, averaged over
        the queries), and a line at 0, where a measure that knows nothing lies.

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
    rows = [one for one in document["lds"] if one["mean"] is not None]
    if not rows:
        raise InputError("this evaluation has no linear datamodeling score; evaluate with lds.")
    drawn = axes(ax, height=0.9 + 0.35 * len(rows))
    for place, one in enumerate(reversed(rows)):
        drawn.plot([one["low"], one["high"]], [place, place], color=PLUS, linewidth=1.6)
        drawn.plot(one["mean"], place, "o", color=PLUS, markersize=5)
    drawn.axvline(0, color=CONTROL, linewidth=0.8)
    drawn.set_yticks(range(len(rows)), [plain(one["measure"]) for one in reversed(rows)])
    drawn.set(xlabel="linear datamodeling score (Spearman)", ylim=(-0.6, len(rows) - 0.4))
    tidy(drawn)
    return drawn

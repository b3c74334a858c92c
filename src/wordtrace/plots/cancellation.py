"""How much of the examples' pull cancels out, layer by layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wordtrace.errors import InputError
from wordtrace.plots.drawing import CONTROL, PLUS, axes, document_of, plain, tidy

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def cancellation(result: Any, ax: Axes | None = None) -> Axes:
    """Draw the cancellation ratio C(W) of each layer's weights and bias (section 3.2, Table 1).

    Parameters
    ----------
    result
        From :func:`wordtrace.cancellation`, or ``wt.load``; or its document.

    Returns
    -------
    matplotlib.axes.Axes
        With a bar for each parameter that has a ratio, on a logarithmic scale.

    Raises
    ------
    InputError
        When it is no cancellation or has no ratio, or Matplotlib is missing.

    Examples
    --------
    >>> axes = wt.plots.cancellation(wt.cancellation(run))
    >>> axes.get_xscale()
    'log'
    """
    document = document_of(result, "wordtrace-cancellation")
    rows = [one for one in document["parameters"] if one["cancellation"]]
    if not rows:
        raise InputError("no parameter of this run has a cancellation ratio: none of them moved.")
    drawn = axes(ax, height=0.9 + 0.3 * len(rows))
    places = range(len(rows) - 1, -1, -1)
    drawn.barh(
        list(places),
        [one["cancellation"] for one in rows],
        color=[CONTROL if one["part"] == "bias" else PLUS for one in rows],
    )
    drawn.set_xscale("log")
    drawn.set_yticks(list(places), [plain(f"{one['layer']} {one['part']}") for one in rows])
    drawn.set_xlabel("cancellation ratio C(W), the higher the more cancels out")
    tidy(drawn)
    return drawn

"""What smaller indexes keep of the exact ranking."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wordtrace.plots.drawing import CONTROL, MINUS, PLUS, axes, document_of, tidy

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def compression(calibration: Any, ax: Axes | None = None) -> Axes:
    """Draw what an index of each top-k keeps of the exact ranking, over the bytes that it takes.

    Parameters
    ----------
    calibration
        The document of :func:`wordtrace.calibrate`.

    Returns
    -------
    matplotlib.axes.Axes
        With the share of the exact 20 strongest rows and Spearman's correlation, each over bytes an
        example, and k written at each point.

    Raises
    ------
    InputError
        When it is no calibration, or Matplotlib is missing.

    Examples
    --------
    >>> axes = wt.plots.compression(wt.calibrate(run))
    >>> axes.get_xlabel()
    'bytes an example'
    """
    document = document_of(calibration, "wordtrace-calibration")
    rows = document["rows"]
    drawn = axes(ax)
    sizes = [one["bytes_per_example"] for one in rows]
    shares = [one["overlap"] for one in rows]
    drawn.plot(sizes, shares, "o-", color=PLUS, label="share of the exact top 20")
    drawn.plot(
        sizes, [one["spearman"] for one in rows], "s--", color=MINUS, label="Spearman, all rows"
    )
    drawn.axhline(document["wanted"], color=CONTROL, linewidth=0.8, label="share wanted")
    for size, share, one in zip(sizes, shares, rows, strict=True):
        said = "all" if one["top_k"] is None else f"k = {one['top_k']}"
        drawn.annotate(said, (size, share), xytext=(0, 6), textcoords="offset points")
    drawn.set(xlabel="bytes an example", xscale="log", ylim=(None, 1.05))
    drawn.legend(frameon=False, fontsize="small")
    tidy(drawn)
    return drawn

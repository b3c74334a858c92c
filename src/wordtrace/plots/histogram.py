"""The self-influences of the training rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from wordtrace.errors import InputError
from wordtrace.plots.drawing import CONTROL, MINUS, axes, tidy

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def self_influence(
    values: npt.ArrayLike,
    marked: Sequence[int] | npt.ArrayLike = (),
    name: str = "marked rows",
    ax: Axes | None = None,
) -> Axes:
    """Draw how many rows have which self-influence, and where some of them lie.

    Parameters
    ----------
    values
        Self-influences, shape (rows,), such as ``index.rows().table()["self_influence"]``. Those of
        0 are left out, since the scale is logarithmic.
    marked
        Places of rows to be drawn in another colour, such as those with a wrong label.
    name
        What the marked rows are, for the legend.

    Returns
    -------
    matplotlib.axes.Axes
        With a histogram in 40 bins of equal width on a logarithmic scale.

    Raises
    ------
    InputError
        When no value is over 0, or Matplotlib is missing.

    Examples
    --------
    >>> axes = wt.plots.self_influence([0.5, 1.0, 8.0, 9.0], marked=[3], name="wrong labels")
    >>> axes.get_xscale()
    'log'
    """
    found = np.asarray(values, np.float64).ravel()
    chosen = np.zeros(len(found), np.bool_)
    chosen[np.asarray(marked, np.int64)] = True
    over = found > 0
    if not over.any():
        raise InputError("no self-influence is over 0; there is nothing to draw.")
    low, high = found[over].min(), found[over].max()
    edges = np.geomspace(low, high if high > low else low * 2, 41)
    drawn = axes(ax)
    drawn.hist(found[over & ~chosen], bins=edges.tolist(), color=CONTROL, label="rows")
    if chosen.any():
        drawn.hist(found[over & chosen], bins=edges.tolist(), color=MINUS, label=name, alpha=0.85)
        drawn.legend(frameon=False, fontsize="small")
    drawn.set(xscale="log", xlabel="self-influence", ylabel="rows")
    tidy(drawn)
    return drawn

"""Curves over the number of rows: deletion, and fixes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from wordtrace.errors import InputError, option
from wordtrace.plots.drawing import CONTROL, SEVERAL, axes, band, document_of, tidy

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_RANDOM = "random rows"
_SAID = {"proponents": "DEL+", "opponents": "DEL−"}


def deletion(
    evaluation: Any, sign: Literal["proponents", "opponents"] = "proponents", ax: Axes | None = None
) -> Axes:
    """Draw deletion curves: what leaving out the k strongest rows changes, beside random rows.

    Parameters
    ----------
    evaluation
        From :func:`wordtrace.evaluate`, or ``wt.load``; or its document.
    sign
        "proponents" (DEL+, which falls for a good measure) or "opponents" (DEL−, which rises).

    Returns
    -------
    matplotlib.axes.Axes
        With a line and a band of 95 % for each measure, and a dashed one for each control.

    Raises
    ------
    InputError
        When it is no evaluation, has no curve of this sign, or Matplotlib is missing.

    Examples
    --------
    >>> axes = wt.plots.deletion(evaluation)
    >>> axes.get_xlabel()
    'rows left out (k)'
    """
    document = document_of(evaluation, "wordtrace-evaluation")
    lines = {
        name: parts[sign]["curve"] for name, parts in document["measures"].items() if sign in parts
    }
    if not lines:
        raise InputError(f"{option('sign')} is {sign!r}: this evaluation has no such curve.")
    drawn = axes(ax)
    for place, (name, points) in enumerate(lines.items()):
        band(drawn, points, name, SEVERAL[place % len(SEVERAL)])
    for name, part in document["controls"].items():
        said = f"{name} rows" if name == "random" else f"random rows of its {name}"
        band(drawn, part["curve"], said, CONTROL, control=True)
    drawn.axhline(0, color=CONTROL, linewidth=0.8)
    drawn.set(xlabel="rows left out (k)", ylabel=f"change after retraining ({_SAID[sign]})")
    drawn.legend(frameon=False, fontsize="small")
    tidy(drawn)
    return drawn


def fix(result: Any, ax: Axes | None = None) -> Axes:
    """Draw the share of retrainings that are right, over the number of rows changed.

    Parameters
    ----------
    result
        From ``index.fix``, or ``wt.load``; or its document.

    Returns
    -------
    matplotlib.axes.Axes
        With a line and a band of 95 % for each kind of change, a dashed one for random rows, and
        the level of retraining alone.

    Raises
    ------
    InputError
        When it is no fix, or Matplotlib is missing.

    Examples
    --------
    >>> axes = wt.plots.fix(fixed)
    >>> axes.get_xlabel()
    'rows changed (k)'
    """
    document = document_of(result, "wordtrace-fix")
    drawn = axes(ax)
    place = 0
    for name, points in document["curves"].items():
        control = name == _RANDOM
        colour = CONTROL if control else SEVERAL[place % len(SEVERAL)]
        band(drawn, points, name, colour, control=control)
        place += not control
    level = document["base"]["mean"]
    drawn.axhline(level, color=CONTROL, linewidth=0.8, label="retraining alone")
    drawn.set(xlabel="rows changed (k)", ylabel="share of retrainings that are right", ylim=(0, 1))
    drawn.legend(frameon=False, fontsize="small")
    tidy(drawn)
    return drawn

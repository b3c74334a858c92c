"""What a verification measured, beside its controls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wordtrace.errors import InputError, option
from wordtrace.plots.drawing import CONTROL, PLUS, axes, document_of, plain, tidy

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def effects(verification: Any, query: int = 0, ax: Axes | None = None) -> Axes:
    """Draw the changes that a verification measured, each with its interval and its seeds.

    Parameters
    ----------
    verification
        From :func:`wordtrace.verify`, or ``wt.load``; or its document.
    query
        Which of its queries, from 0.

    Returns
    -------
    matplotlib.axes.Axes
        With a row for the removed rows and one for each control: a dot for each seed, the mean and
        its interval.

    Raises
    ------
    InputError
        When it is no verification or has no such query, or Matplotlib is missing.

    Examples
    --------
    >>> axes = wt.plots.effects(verification)
    >>> axes.get_yticklabels()[-1].get_text().startswith('without')
    True
    """
    document = document_of(verification, "wordtrace-verification")
    if not 0 <= query < len(document["queries"]):
        raise InputError(f"{option('query')} is {query}; there are {len(document['queries']):,}.")
    asked = document["queries"][query]
    count = len(asked["removed"])
    rows = [(f"without the {count:,} {document['remove']}", asked["without"]["change"], PLUS)]
    rows += [(f"without {one['name']}", one["change"], CONTROL) for one in asked["controls"]]
    drawn = axes(ax, height=0.9 + 0.5 * len(rows))
    for place, (_, change, colour) in enumerate(reversed(rows)):
        drawn.plot([change["low"], change["high"]], [place, place], color=colour, linewidth=2)
        values = change["values"]
        drawn.plot(values, [place + 0.18] * len(values), ".", color=colour, alpha=0.6)
        drawn.plot(change["mean"], place, "o", color=colour)
    drawn.axvline(0, color=CONTROL, linewidth=0.8)
    drawn.set_yticks(range(len(rows)), [plain(name) for name, *_ in reversed(rows)])
    what = {"number": "the prediction", "answer": "the answer's probability"}
    said = what.get(document.get("measured", ""), f"P({plain(str(asked['label']))})")
    drawn.set(xlabel=f"change of {said} after retraining", ylim=(-0.5, len(rows) - 0.3))
    tidy(drawn)
    return drawn

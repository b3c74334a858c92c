"""Which words of a query and of a training row share how much influence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from wordtrace.errors import InputError
from wordtrace.plots.drawing import axes, plain

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def word_map(hit: Any, most: int = 15, ax: Axes | None = None) -> Axes:
    """Draw a row's words against the query's: each shared word's contribution to the score.

    Parameters
    ----------
    hit
        One of a trace's proponents or opponents (:class:`.Hit`); or its document.
    most
        How many of the words, by the size of their contributions.

    Returns
    -------
    matplotlib.axes.Axes
        With the query's words from left to right and the row's from top to bottom, in the order in
        which they stand; blue for the label that is explained, orange against it, white for 0.

    Raises
    ------
    InputError
        When the measure has no words, or Matplotlib is missing.

    Examples
    --------
    >>> axes = wt.plots.word_map(trace.proponents[0])
    >>> axes.get_xlabel()
    'words of the query'
    """
    document = hit if isinstance(hit, dict) else hit.document()
    words = document.get("words")
    if not words:
        raise InputError("this row has no words: its measure is not a sum over words.")
    chosen = sorted(words, key=lambda one: -abs(one["contribution"]))[:most]
    ours = _in_order(chosen, lambda one: (one["token"], one["spans"]))
    asked = _in_order(
        chosen, lambda one: (one.get("query_token") or one["token"], one.get("query_spans", []))
    )
    grid = np.zeros((len(ours), len(asked)))
    for one in chosen:
        grid[ours.index(one["token"]), asked.index(one.get("query_token") or one["token"])] += one[
            "contribution"
        ]
    drawn = axes(ax, 1.6 + 0.38 * len(asked), 1.2 + 0.3 * len(ours))
    end = float(np.abs(grid).max()) or 1.0
    picture = drawn.imshow(grid, cmap=_blue_and_orange(), vmin=-end, vmax=end, aspect="auto")
    drawn.set_xticks(range(len(asked)), [plain(one) for one in asked], rotation=60, ha="right")
    drawn.set_yticks(range(len(ours)), [plain(one) for one in ours])
    drawn.set(xlabel="words of the query", ylabel="words of the training row")
    figure = drawn.get_figure()
    assert figure is not None
    figure.colorbar(picture, ax=drawn, label="contribution")
    return drawn


def _in_order(words: list[Any], of: Any) -> list[str]:
    """Return each different word once, by where it stands first; those that stand nowhere last."""
    first: dict[str, tuple[bool, str, int]] = {}
    for name, spans in map(of, words):
        at = min(((False, one[0], one[1]) for one in spans), default=(True, "", 0))
        first[name] = min(first.get(name, at), at)
    return sorted(first, key=lambda name: first[name])


def _blue_and_orange() -> Any:
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("for-and-against", ["#d45c00", "#ffffff", "#1c62b2"])

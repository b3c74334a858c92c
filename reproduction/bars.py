"""The one kind of figure that several scripts draw: bars side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Colours that colour-blind people tell apart (Okabe and Ito's), as in wordtrace's own figures.
_COLOURS = ("#1c62b2", "#d45c00", "#009e73", "#cc79a7", "#8a93a3")


def drawn(
    names: Sequence[str],
    values: Mapping[str, Sequence[float | None]],
    label: str,
    *,
    logarithmic: bool = False,
) -> Figure:
    """Return a figure with a group of lying bars for each name, one bar for each kind of value.

    Parameters
    ----------
    values
        By what they are: a value for each name; None draws no bar.
    label
        Of the axis.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.5, 0.8 + 0.32 * len(names) * max(1.0, len(values) / 2)))
    figure.set_layout_engine("constrained")
    axes = figure.subplots()
    height = 0.8 / len(values)
    for kind, (said, several) in enumerate(values.items()):
        places = [place + (kind - (len(values) - 1) / 2) * height for place in range(len(names))]
        kept = [(at, value) for at, value in zip(places, several, strict=True) if value is not None]
        axes.barh(
            *([at for at, _ in kept], [value for _, value in kept]),
            height=height,
            label=said,
            color=_COLOURS[kind % len(_COLOURS)],
        )
    axes.set_yticks(range(len(names)), [name.replace("$", r"\$") for name in names])
    axes.invert_yaxis()
    axes.set_xlabel(label)
    if logarithmic:
        axes.set_xscale("log")
    axes.axvline(0 if not logarithmic else 1, color="#8a93a3", linewidth=0.8)
    axes.spines[["top", "right"]].set_visible(False)
    if len(values) > 1:
        axes.legend(frameon=False, fontsize="small")
    return figure

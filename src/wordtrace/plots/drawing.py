"""What all figures share: colours that colour-blind people tell apart, and axes to draw on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from wordtrace.errors import InputError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Document = Mapping[str, Any]

#: For and against a label, as on pages; and what a control is drawn in.
PLUS, MINUS, CONTROL = "#1c62b2", "#d45c00", "#8a93a3"
#: Of several measures (Okabe and Ito's colours, without the two above).
SEVERAL = ("#1c62b2", "#d45c00", "#009e73", "#cc79a7", "#7a5195", "#56b4e9", "#b8a000")


def document_of(result: Any, *formats: str) -> Document:
    """Return a result's document, or the document itself.

    Raises
    ------
    InputError
        When it is of none of some formats.
    """
    found: Document = result if isinstance(result, Mapping) else result.document()
    if found.get("format") not in formats:
        wanted = " or ".join(one.removeprefix("wordtrace-") for one in formats)
        given = str(found.get("format")).removeprefix("wordtrace-")
        raise InputError(f"this figure is of a result of the kind {wanted}, not {given!r}.")
    return found


def axes(given: Axes | None, width: float = 6.0, height: float = 3.6) -> Axes:
    """Return axes to draw on, new ones of some inches unless there are any.

    Raises
    ------
    InputError
        When Matplotlib is not installed.
    """
    if given is not None:
        return given
    try:
        from matplotlib import pyplot
    except ImportError:
        raise InputError("figures need Matplotlib: pip install 'wordtrace[plot]'.") from None
    _, made = pyplot.subplots(figsize=(width, height), layout="constrained")
    return made


def tidy(drawn: Axes) -> None:
    """Take the lines away at the top and the right."""
    drawn.spines[["top", "right"]].set_visible(False)


def plain(text: str) -> str:
    """Return a text that Matplotlib does not take for mathematics."""
    return text.replace("$", r"\$")


def band(
    drawn: Axes, points: Sequence[Document], name: str, colour: str, *, control: bool = False
) -> None:
    """Draw a curve over k with the band of its intervals."""
    k = [one["k"] for one in points]
    drawn.plot(
        k,
        [one["mean"] for one in points],
        color=colour,
        label=plain(name),
        marker="o",
        markersize=3.5,
        linestyle="--" if control else "-",
    )
    lows, highs = [one["low"] for one in points], [one["high"] for one in points]
    drawn.fill_between(k, lows, highs, color=colour, alpha=0.15, linewidth=0)

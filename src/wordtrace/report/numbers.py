"""Numbers as people read them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

# Decimals that are still read at a glance.
_PLAIN = 6


def signed(value: float, digits: int = 2) -> str:
    """Write a number with its sign, a true minus among them; what rounds to zero has none.

    Where all digits are far behind the point, a power of ten that depends on `digits` alone stands
    at the end: numbers beside each other stay comparable.
    """
    if digits > _PLAIN:
        power = digits - 2
        shown = signed(value * 10.0**power)
        return shown if shown.strip("0.") == "" else f"{shown}e−{power}"
    shown = f"{value:+.{digits}f}"
    return shown[1:] if not shown.strip("+-0.") else shown.replace("-", "−")


def in_digits(value: float, digits: int) -> str:
    """Write a number without a sign of its own; a power of ten where it is very small."""
    shown = f"{value:.{digits}f}" if digits <= _PLAIN else f"{value:.2e}"
    return shown.replace("-", "−")


def signed_or_dash(value: float | None) -> str:
    """Write a number with its sign to two digits; a dash for none."""
    return "–" if value is None else signed(value)


def interval(estimate: Mapping[str, Any], digits: int = 2) -> str:
    """Write a mean with its interval."""
    low, high = signed(estimate["low"], digits), signed(estimate["high"], digits)
    return f"{signed(estimate['mean'], digits)} [{low}, {high}]"


def bounded(estimate: Mapping[str, Any]) -> str:
    """Write a share from 0 to 1 with its interval."""
    return f"{estimate['mean']:.2f} [{estimate['low']:.2f}, {estimate['high']:.2f}]"


def percent(value: float) -> str:
    """Write a share; 0 % and 100 % only where they are true."""
    if 0 < value < 0.01:
        return "under 1 %"
    if 0.99 < value < 1:
        return "over 99 %"
    return f"{value:.0%}".replace("%", " %")


def in_percent(probability: float | None) -> str:
    """Write a probability in brackets, to stand after a label; nothing where there is none."""
    return "" if probability is None else f" ({percent(probability)})"


def digits_for(largest: float, significant: int = 3) -> int:
    """Return the decimals that show the largest of some numbers to so many significant digits."""
    if not largest or not math.isfinite(largest):
        return 2
    return min(300, max(2, significant - 1 - math.floor(math.log10(abs(largest)))))


def score_digits(query: Mapping[str, Any]) -> int:
    """Return the decimals of a query's scores, the same for all of them."""
    hits = [*query["proponents"], *query["opponents"]]
    return digits_for(max((abs(hit["score"]) for hit in hits), default=0.0))


def seconds(value: float) -> str:
    """Write a duration."""
    if value < 1:
        return f"{value * 1000:.0f} ms" if value >= 0.01 else f"{value * 1000:.1f} ms"
    if value < 60:
        return f"{value:.1f} s"
    return f"{value / 60:.1f} min" if value < 5400 else f"{value / 3600:.1f} h"

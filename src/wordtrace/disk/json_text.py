"""Parsing JSON that somebody else may have written: whatever it is, the answer is a ValueError."""

from __future__ import annotations

import json
import math
from typing import Any, NoReturn


def parse_json(text: str | bytes, *, finite: bool = True) -> Any:
    """Return the value of a JSON text.

    Parameters
    ----------
    finite
        Refuse numbers that are none or infinite, as no JSON has them; other libraries write them.

    Raises
    ------
    ValueError
        For text that is no JSON or no UTF-8, is nested too deeply, or holds a number that is too
        large.
    """
    try:
        if not finite:
            return json.loads(text)
        return json.loads(text, parse_constant=_refuse, parse_float=_finite)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _finite(digits: str) -> float:
    value = float(digits)
    if math.isinf(value):
        raise ValueError(f"{digits[:20]} is too large a number")
    return value


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")

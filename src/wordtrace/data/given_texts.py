"""Checking what a Python user gives as texts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wordtrace.errors import InputError

_WANTED = "give a text, a list of texts, a list of pairs of texts (tuples of two), or Examples"


def check_texts(texts: Any) -> None:
    """Refuse what is neither a text nor a list of texts or of pairs, which may not be empty.

    Raises
    ------
    InputError
        Says what was given, and at which place of a list.
    """
    if _is_text(texts):
        return
    listed = hasattr(texts, "__len__") and hasattr(texts, "__getitem__")
    if not listed or isinstance(texts, Mapping | bytes | bytearray) or hasattr(texts, "columns"):
        raise InputError(f"{_shown(texts)} is no text; {_WANTED}.")
    if len(texts) == 0:
        raise InputError("there is no query; give at least one text.")
    for place, one in enumerate(texts):
        pair = isinstance(one, tuple | list) and len(one) == 2 and all(map(_is_text, one))
        if not pair and not _is_text(one):
            raise InputError(
                f"{_shown(one)}, at place {place} of the texts, is no text; {_WANTED}."
            )


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _shown(value: object) -> str:
    if value is None:
        return "None"
    shown = " ".join(repr(value).split())
    return f"{type(value).__name__} {shown if len(shown) <= 40 else shown[:39] + '…'}"

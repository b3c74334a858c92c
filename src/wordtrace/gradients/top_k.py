"""How many positions of a text are kept (Eq. 5)."""

from __future__ import annotations

from wordtrace.errors import InputError, option


def check_top_k(top_k: int | None) -> None:
    """Refuse a k that keeps nothing (InputError); None keeps all positions."""
    if top_k is not None and top_k < 1:
        raise InputError(f"{option('top_k')} is {top_k}; give 1 or more.")

"""What a command needs that is installed only with an extra."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from wordtrace.errors import InputError


@contextmanager
def extra(name: str) -> Iterator[None]:
    """Say which extra to install where an import inside fails for lack of its packages."""
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("wordtrace"):
            raise
        raise InputError(
            f"this needs the package {error.name}: pip install 'wordtrace[{name}]'."
        ) from None

"""Nothing is answered from an index that another process changed meanwhile.

An index's files are opened when they are first asked for. Where it was built anew in between, an
answer would be made of both; so each answer looks before and after whether it is the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, Protocol, TypeVar, cast

from wordtrace.errors import CorruptError
from wordtrace.index.folder import IndexFolder

Method = TypeVar("Method", bound=Callable[..., Any])


class Held(Protocol):
    """What answers from an index."""

    folder: IndexFolder


@contextmanager
def unchanged(folder: IndexFolder) -> Iterator[None]:
    """Raise ChangedError where an index is another one before or after what is done with it."""
    folder.check_unchanged()
    try:
        yield
    except (CorruptError, OSError):
        folder.check_unchanged()
        raise
    folder.check_unchanged()


def unmixed(method: Method) -> Method:
    """Have a method of an index answer of the state that was opened, or raise ChangedError."""

    @wraps(method)
    def checked(self: Held, *given: Any, **named: Any) -> Any:
        with unchanged(self.folder):
            return method(self, *given, **named)

    return cast(Method, checked)

"""Attributes that are computed when first asked for, once, however many threads ask."""

from __future__ import annotations

from functools import cached_property
from threading import RLock
from typing import Any, Self, TypeVar, overload

Value = TypeVar("Value")


class once(cached_property[Value]):
    """A :class:`functools.cached_property` that one thread computes while the others wait.

    The standard one has no lock from Python 3.12 on: eight threads that ask for the tokenized
    training texts would tokenize them eight times.
    """

    @overload
    def __get__(self, instance: None, owner: type[Any] | None = None) -> Self: ...

    @overload
    def __get__(self, instance: object, owner: type[Any] | None = None) -> Value: ...

    def __get__(self, instance: object | None, owner: type[Any] | None = None) -> Self | Value:
        """Return the value. Once it is there, Python finds it before it comes here."""
        if instance is None:
            return self
        key = f"{self.attrname} is being computed"
        with instance.__dict__.setdefault(key, RLock()):
            try:
                return super().__get__(instance, owner)
            finally:
                # A lock can't be pickled. A thread that waits for this one then finds the value.
                instance.__dict__.pop(key, None)

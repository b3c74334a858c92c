"""Making dataclasses again from the JSON to which they were written."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

Kind = TypeVar("Kind")

#: The key in a field's metadata for its name in the JSON, where that is another name.
KEY = "key"


def decode(kind: type[Kind], value: Any) -> Kind:
    """Return the dataclass that JSON describes, with all that it holds.

    A field that is missing has its default, or is None where its type allows that. What the
    dataclass does not know is passed over.

    Raises
    ------
    ValueError
        For a missing value, or one of another type; the message names the first such place.
    """
    found: Kind = decode_value(kind, value, "")
    return found


def decode_value(kind: Any, value: Any, place: str) -> Any:
    """Return what JSON describes, where that is to be of a type, as a dataclass's field has it.

    A number must be finite and fit into 64 bits: what computes with it expects no other.

    Raises
    ------
    ValueError
        For a value of another type; the message names the first such place in `place`.
    """
    if kind is int or kind is float:
        numbers = int | float if kind is float else int
        known = isinstance(value, numbers) and not isinstance(value, bool) and _fits(value)
        return _checked(known, value, place)
    origin, inner = _shape(kind)
    if kind is Any:
        return value
    if origin in (Union, UnionType):
        return _one_of(inner, value, place)
    if origin is Literal:
        return _checked(value in inner, value, place)
    if origin is tuple:
        return _tuple(inner, value, place)
    if origin is not None and issubclass(origin, Mapping):
        _checked(isinstance(value, Mapping), value, place)
        return {key: decode_value(inner[1], one, f"{place}.{key}") for key, one in value.items()}
    if is_dataclass(kind):
        return _dataclass(kind, value, place)
    return _checked(isinstance(value, kind), value, place)


def _dataclass(kind: Any, value: Any, place: str) -> Any:
    _checked(isinstance(value, Mapping), value, place)
    found = {}
    for name, key, hint, needed in _entries(kind):
        if key in value:
            found[name] = decode_value(hint, value[key], f"{place}.{key}")
        elif needed:
            if NoneType not in get_args(hint):
                raise ValueError(f"{place.lstrip('.') or 'it'} lacks {key!r}")
            found[name] = None
    return kind(**found)


def _tuple(inner: tuple[Any, ...], value: Any, place: str) -> tuple[Any, ...]:
    _checked(isinstance(value, list | tuple), value, place)
    if inner[-1] is Ellipsis:
        inner = inner[:1] * len(value)
    _checked(len(inner) == len(value), value, place)
    pairs = enumerate(zip(inner, value, strict=True))
    return tuple(decode_value(kind, one, f"{place}[{at}]") for at, (kind, one) in pairs)


def _one_of(kinds: tuple[Any, ...], value: Any, place: str) -> Any:
    if value is None and NoneType in kinds:
        return None
    *others, last = [kind for kind in kinds if kind is not NoneType]
    for kind in others:
        try:
            return decode_value(kind, value, place)
        except ValueError:
            continue
    return decode_value(last, value, place)


def _checked(right: bool, value: Any, place: str) -> Any:
    if not right:
        raise ValueError(f"{place.lstrip('.') or 'it'} is {repr(value)[:40]}")
    return value


def _fits(value: int | float) -> bool:
    return -(2**63) <= value < 2**63 if isinstance(value, int) else math.isfinite(value)


# An index has thousands of shards, each a dataclass of seven fields: types are taken apart once.
@cache
def _shape(kind: Any) -> tuple[Any, tuple[Any, ...]]:
    return get_origin(kind), get_args(kind)


@cache
def _entries(kind: Any) -> list[tuple[str, str, Any, bool]]:
    """Return each field's name, its key in the JSON, its type, and whether it has no default."""
    hints = get_type_hints(kind)
    return [
        (
            one.name,
            one.metadata.get(KEY, one.name),
            hints[one.name],
            one.default is MISSING and one.default_factory is MISSING,
        )
        for one in fields(kind)
    ]

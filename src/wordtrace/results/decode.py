"""Making dataclasses again from the JSON to which they were written."""

from __future__ import annotations

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
    found: Kind = _decode(kind, value, "")
    return found


def _decode(kind: Any, value: Any, place: str) -> Any:
    origin, inner = get_origin(kind), get_args(kind)
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
        return {key: _decode(inner[1], one, f"{place}.{key}") for key, one in value.items()}
    if is_dataclass(kind):
        return _dataclass(kind, value, place)
    if kind in (int, float):
        numbers = int | float if kind is float else int
        return _checked(isinstance(value, numbers) and not isinstance(value, bool), value, place)
    return _checked(isinstance(value, kind), value, place)


def _dataclass(kind: Any, value: Any, place: str) -> Any:
    _checked(isinstance(value, Mapping), value, place)
    hints, found = _hints(kind), {}
    for field in fields(kind):
        key = field.metadata.get(KEY, field.name)
        hint = hints[field.name]
        if key in value:
            found[field.name] = _decode(hint, value[key], f"{place}.{key}")
        elif field.default is MISSING and field.default_factory is MISSING:
            if NoneType not in get_args(hint):
                raise ValueError(f"{place.lstrip('.') or 'it'} lacks {key!r}")
            found[field.name] = None
    return kind(**found)


def _tuple(inner: tuple[Any, ...], value: Any, place: str) -> tuple[Any, ...]:
    _checked(isinstance(value, list | tuple), value, place)
    if inner[-1] is Ellipsis:
        inner = inner[:1] * len(value)
    _checked(len(inner) == len(value), value, place)
    pairs = enumerate(zip(inner, value, strict=True))
    return tuple(_decode(kind, one, f"{place}[{at}]") for at, (kind, one) in pairs)


def _one_of(kinds: tuple[Any, ...], value: Any, place: str) -> Any:
    if value is None and NoneType in kinds:
        return None
    *others, last = [kind for kind in kinds if kind is not NoneType]
    for kind in others:
        try:
            return _decode(kind, value, place)
        except ValueError:
            continue
    return _decode(last, value, place)


def _checked(right: bool, value: Any, place: str) -> Any:
    if not right:
        raise ValueError(f"{place.lstrip('.') or 'it'} is {repr(value)[:40]}")
    return value


@cache
def _hints(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind)

"""Groups of options that several verbs share, each written once as a class."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import MISSING, fields, is_dataclass
from functools import wraps
from pathlib import Path
from typing import Any, get_type_hints

import typer
from typer.models import OptionInfo

from wordtrace.cli.effect import refuse_empty, running
from wordtrace.errors import InputError, option

_CONTEXT = "typed_as"
_HUGE = 2**53
#: Options that name what is written; an argument of the same name is read.
_WRITTEN = ("out", "patch")
#: Parameters that name what is read, of which some may be a hub's name.
_READ = frozenset({"data", "eval_data"})


def grouped(verb: Callable[..., None]) -> Callable[..., None]:
    """Return a verb as Typer can read it: each part of its groups is a parameter of its own.

    A group is a dataclass, or a class that lists its ``parameters()``.

    A verb takes ``where: ColumnOptions``; the command has ``--text``, ``--label`` and so on where
    that parameter stands, and the verb receives the object that is made of them.
    """
    hints = get_type_hints(verb, include_extras=True)
    groups = {
        name: {one.name: one for one in _parameters(hint)}
        for name, hint in hints.items()
        if isinstance(hint, type) and (is_dataclass(hint) or hasattr(hint, "parameters"))
    }
    parameters = []
    for name, one in inspect.signature(verb).parameters.items():
        if name not in groups:
            parameters.append(one.replace(annotation=hints[name], kind=one.KEYWORD_ONLY))
            continue
        parameters += groups[name].values()

    written = {name for name in _WRITTEN if _is_option(hints.get(name))}
    context = inspect.Parameter(_CONTEXT, inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context)

    @wraps(verb)
    def command(**given: Any) -> None:
        with running(given.pop(_CONTEXT)):
            refuse_empty()
            _refuse_huge(given)
            _refuse_onto(given, written)
            for name, group in groups.items():
                given[name] = hints[name](**{one: given.pop(one) for one in group})
            verb(**given)

    command.__signature__ = inspect.Signature([*parameters, context])  # type: ignore[attr-defined]
    command.__annotations__ = {one.name: one.annotation for one in [*parameters, context]}
    return command


def _is_option(hint: Any) -> bool:
    return any(isinstance(one, OptionInfo) for one in getattr(hint, "__metadata__", ()))


def _refuse_huge(given: Mapping[str, Any]) -> None:
    """Refuse whole numbers that no library takes (InputError): nothing is counted so far here."""
    for name, value in given.items():
        if isinstance(value, int) and abs(value) >= _HUGE:
            raise InputError(f"{option(name)} is {value}; give a number below {_HUGE:,}.")


def _refuse_onto(given: Mapping[str, Any], written: Collection[str]) -> None:
    """Refuse to write a file over one that the same command reads, or writes (InputError).

    A folder has checks of its own.
    """
    places = {
        name: [Path(one) for one in (value if isinstance(value, list) else [value])]
        for name, value in given.items()
        if value and (isinstance(value, Path) or name in _READ or _is_paths(value))
    }
    for name in sorted(written & places.keys()):
        for other in sorted(places.keys() - {name}):
            if any(_same(places[name][0], one) for one in places[other]):
                raise InputError(
                    f"{option(name, str(places[name][0]))} is a file that this command also "
                    f"{'writes' if other in written else 'reads'}; choose another place."
                )


def _is_paths(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(one, Path) for one in value)


def _same(one: Path, other: Path) -> bool:
    if one == other:
        return not one.is_dir()
    with suppress(OSError, ValueError):
        return one.is_file() and one.samefile(other)
    return False


def _parameters(group: Any) -> list[inspect.Parameter]:
    """Return the parameters that a group stands for: its own list, else a dataclass's fields."""
    if hasattr(group, "parameters"):
        listed: list[inspect.Parameter] = group.parameters()
        return listed
    own = get_type_hints(group, include_extras=True)
    return [
        inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=inspect.Parameter.empty if field.default is MISSING else field.default,
            annotation=own[field.name],
        )
        for field in fields(group)
    ]

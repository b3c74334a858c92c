"""Options that stand together on several verbs, written once: a dataclass among the parameters."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import MISSING, fields, is_dataclass
from functools import wraps
from typing import Any, get_type_hints


def grouped(verb: Callable[..., None]) -> Callable[..., None]:
    """Return a verb as Typer can read it: each field of its dataclasses is a parameter of its own.

    A verb takes ``where: ColumnOptions``; the command has ``--text``, ``--label`` and so on where
    that parameter stands, and the verb receives the object that is made of them.
    """
    hints = get_type_hints(verb, include_extras=True)
    groups = {
        name: hint for name, hint in hints.items() if isinstance(hint, type) and is_dataclass(hint)
    }
    parameters = []
    for name, one in inspect.signature(verb).parameters.items():
        if name not in groups:
            parameters.append(one.replace(annotation=hints[name], kind=one.KEYWORD_ONLY))
            continue
        own = get_type_hints(groups[name], include_extras=True)
        parameters += [
            inspect.Parameter(
                field.name,
                inspect.Parameter.KEYWORD_ONLY,
                default=inspect.Parameter.empty if field.default is MISSING else field.default,
                annotation=own[field.name],
            )
            for field in fields(groups[name])
        ]

    @wraps(verb)
    def command(**given: Any) -> None:
        for name, group in groups.items():
            given[name] = group(**{field.name: given.pop(field.name) for field in fields(group)})
        verb(**given)

    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {one.name: one.annotation for one in parameters}
    return command

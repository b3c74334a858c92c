"""Options that would do nothing, since another one is absent or present: they are refused.

What was typed is asked of the command line itself, so that an option counts that was given its
own default. A value from the environment is no option.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import typer

from wordtrace.errors import InputError

#: Options for which nothing is a value: no kinds of tokens, no weights, no measures.
_MAY_BE_EMPTY = ("without", "weights", "measures")

_command: ContextVar[typer.Context | None] = ContextVar("command", default=None)


@contextmanager
def running(context: typer.Context) -> Iterator[None]:
    """Make a command the one whose options are asked about."""
    before = _command.set(context)
    try:
        yield
    finally:
        _command.reset(before)


def needs(what: str, there: bool, *names: str) -> None:
    """Refuse options that mean nothing without another one, where that is not there.

    Parameters
    ----------
    what
        The other option, as a user writes it.
    names
        The parameters of the options.

    Raises
    ------
    InputError
        Names the first of them that was typed.
    """
    for flag in () if there else _typed(names):
        raise InputError(f"{flag} goes with {what}, which is not given.")


def excludes(what: str, there: bool, *names: str) -> None:
    """Refuse options to which another one leaves nothing to say, where that is there.

    The parameters are those of :func:`needs` (InputError).
    """
    for flag in _typed(names) if there else ():
        raise InputError(f"{flag} does nothing with {what}; leave out one of the two.")


def refuse_empty() -> None:
    """Refuse an option whose value is empty, as a script's variable may be (InputError)."""
    context = _command.get()
    for parameter in context.command.params if context else ():
        name = parameter.name or ""
        if context and context.params.get(name) == "" and name not in _MAY_BE_EMPTY:
            for flag in _typed((name,)):
                if flag.startswith("-"):
                    raise InputError(f"{flag} is empty; give a value, or leave it out.")


def _typed(names: tuple[str, ...]) -> Iterator[str]:
    """Yield the flags of those parameters that the user typed."""
    context = _command.get()
    if context is None:  # a verb that is called as a function
        return
    for parameter in context.command.params:
        source = context.get_parameter_source(parameter.name or "")
        if parameter.name in names and source is not None and source.name == "COMMANDLINE":
            off = parameter.secondary_opts and context.params[parameter.name] is False
            yield (parameter.secondary_opts if off else parameter.opts)[0]

"""Placeholders in a command's words: {data}, {out} and {seed}."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

from wordtrace.errors import InputError, option

KNOWN = ("data", "out", "seed")
#: The same as variables of the environment.
VARIABLES = {name: f"WORDTRACE_{name.upper()}" for name in KNOWN}
# ${NAME} is the shell's; {{name}} stands for {name} itself.
_PLACE = re.compile(r"\{\{(\w+)\}\}|(?<!\$)\{([A-Za-z_]\w*)\}")


def check(words: Iterable[str]) -> None:
    """Refuse a placeholder that is not known (InputError)."""
    for word in words:
        for found in _PLACE.finditer(word):
            name = found[2]
            if name is not None and name not in KNOWN:
                raise InputError(
                    f"the command of {option('retrain')} has the placeholder {{{name}}}; known are "
                    f"{{data}}, {{out}} and {{seed}}, and {{{{{name}}}}} stands for the text "
                    f"{{{name}}} itself."
                )


def names(words: Iterable[str]) -> set[str]:
    """Return which values words ask for, as placeholders or by their variables."""
    every = "\n".join(words)
    found = {one[2] for one in _PLACE.finditer(every) if one[2] in KNOWN}
    return found | {name for name, variable in VARIABLES.items() if variable in every}


def filled(word: str, values: Mapping[str, str], *, quoted: bool = False) -> str:
    """Return a word with its placeholders filled in, `quoted` for a shell."""

    def value(found: re.Match[str]) -> str:
        if found[1] is not None:
            return "{" + found[1] + "}"
        if found[2] not in values:
            return found[0]
        one = values[found[2]]
        return shlex.quote(one) if quoted else one

    return _PLACE.sub(value, word)


def variables(values: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of the environment that say what the placeholders stand for."""
    return {VARIABLES[name]: value for name, value in values.items()}


@contextmanager
def environment(values: Mapping[str, str]) -> Iterator[None]:
    """Have the variables in this process for a time, for a function that it calls."""
    before = {name: os.environ.get(name) for name in VARIABLES.values()}
    os.environ.update(variables(values))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value

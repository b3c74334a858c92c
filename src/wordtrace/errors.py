"""Errors that a user can act on: one sentence saying what is wrong, where, and what to do.

Every error raised on purpose is a :class:`WordtraceError`. The command line prints its message
without a traceback and exits with its ``exit_code`` (0 done, 1 the job failed, 2 the arguments or
the input are wrong, 130 interrupted).

A message names a setting by :func:`option`: a Python user then reads ``top_k``, a user of the
command line ``--top-k``.
"""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Callable
from dataclasses import dataclass

Value = str | int | float | bool | tuple[str | int | float, ...]

# A mark inside a message begins and ends with these. They hold a number that is drawn anew in each
# process, so that no text of a user can be taken for a mark; and an error replaces marks as soon as
# it is made, so that no mark leaves the process.
_SECRET = os.urandom(8).hex()
_BEGIN, _END = f"\ufdd0{_SECRET}<", f">{_SECRET}\ufdd1"
_LINES = re.compile(r"\s*[\r\n]\s*")
_MARK = re.compile(f"{_BEGIN}(.*?){_END}", re.DOTALL)


@dataclass(frozen=True)
class Option:
    """A setting that a message names, and the value that it is advised to have, where there is one.

    ``str()`` writes it as Python does: ``top_k``, or ``executor='ray'``.
    """

    name: str
    value: Value | None = None

    def __str__(self) -> str:
        return self.name if self.value is None else f"{self.name}={self.value!r}"


def option(name: str, value: Value | None = None) -> str:
    """Return the name of a setting for the message of a :class:`WordtraceError`, and only for it.

    Examples
    --------
    >>> error = InputError(f"{option('top_k')} is 0; give {option('top_k', 10)}.")
    >>> str(error)
    'top_k is 0; give top_k=10.'
    >>> error.worded(lambda one: "--" + one.name.replace("_", "-"))
    '--top-k is 0; give --top-k.'
    """
    return f"{_BEGIN}{(name, value)!r}{_END}"


class WordtraceError(Exception):
    """Base of all errors that wordtrace raises on purpose; the job failed (exit status 1).

    Attributes
    ----------
    parts
        The message in pieces: text, and the settings that it names.

    Examples
    --------
    >>> try:
    ...     index.trace("")
    ... except wt.WordtraceError as error:
    ...     print(type(error).__name__)
    InputError
    """

    exit_code = 1
    # What a library says of an input may be of several lines; those of a script's log are kept.
    one_line = False

    def __init__(self, message: str = "") -> None:
        pieces = _MARK.split(message)
        # Every second piece is a mark's: the repr of its name and value.
        self.parts: tuple[str | Option, ...] = tuple(
            Option(*ast.literal_eval(piece)) if place % 2 else piece
            for place, piece in enumerate(pieces)
        )
        super().__init__(self.worded(str))

    def worded(self, spell: Callable[[Option], str]) -> str:
        """Return the message with each setting that it names as `spell` writes it."""
        said = "".join(part if isinstance(part, str) else spell(part) for part in self.parts)
        return _LINES.sub(" ", said.strip()) if self.one_line else said


class InputError(WordtraceError):
    """The data, a file or an argument is wrong; nothing was written (exit status 2)."""

    exit_code = 2
    one_line = True


class DataError(InputError):
    """A training or query file can't be used; the message names file, line, column or id."""


class MismatchError(InputError):
    """Two things that should belong together do not (an index and another run, say)."""


class CorruptError(WordtraceError):
    """A file on disk is incomplete, changed or of an unknown format; nothing is guessed."""

    one_line = True


class ChangedError(WordtraceError):
    """The index on disk is no longer the one that was opened; it can be opened again."""


class NumericalError(WordtraceError):
    """A loss or gradient is NaN or infinite; the message names the example."""


class TrainingError(WordtraceError):
    """A training by the user's own command or function failed; it is not tried again."""


class DataWarning(UserWarning):
    """Data could be read in more than one way; the message says which was taken."""

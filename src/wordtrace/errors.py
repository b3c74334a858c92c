"""Errors that a user can act on: one sentence saying what is wrong, where, and what to do.

Every error raised on purpose is a :class:`WordtraceError`. The command line prints its message
without a traceback and exits with its ``exit_code`` (0 done, 1 the job failed, 2 the arguments or
the input are wrong, 130 interrupted).
"""

from __future__ import annotations


class WordtraceError(Exception):
    """Base of all errors that wordtrace raises on purpose; the job failed (exit status 1)."""

    exit_code = 1


class InputError(WordtraceError):
    """The data, a file or an argument is wrong; nothing was written (exit status 2)."""

    exit_code = 2


class DataError(InputError):
    """A training or query file can't be used; the message names file, line, column or id."""


class MismatchError(InputError):
    """Two things that should belong together do not (an index and another run, say)."""


class CorruptError(WordtraceError):
    """A file on disk is incomplete, changed or of an unknown format; nothing is guessed."""


class NumericalError(WordtraceError):
    """A loss or gradient is NaN or infinite; the message names the example."""

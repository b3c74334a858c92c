"""Choosing what a foreign training's data are made from."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from wordtrace.errors import DataWarning, InputError, option
from wordtrace.retrainers.own_rows import given_rows, own_rows
from wordtrace.retrainers.training_file import TrainingFile, given_file, recorded_file
from wordtrace.run.run import Run

#: What a command or a function of the user's may name of its training file's columns.
_COLUMNS = ("text", "text2", "label", "id", "split")


def columns_of(given: object) -> dict[str, Any]:
    """Return the columns that a command or a function names; None for one that it does not."""
    return {name: getattr(given, name) for name in _COLUMNS}


def training_file(run: Run, data: Any, columns: Mapping[str, Any]) -> TrainingFile:
    """Return what a training's data are made from, known to hold the run's training rows.

    Parameters
    ----------
    data
        A path, or a table in memory; None for the file that the run was read from, or, where that
        is gone or holds other rows now, a folder of ``datasets`` made from the run's own rows.
    columns
        Those that the user named, of :class:`.Origin`'s; None in place of one that was not.

    Raises
    ------
    InputError
        When the data are not the run's, or can't be read.

    Warns
    -----
    DataWarning
        Where the file that the run was read from is there and holds other rows now.
    """
    if data is None:
        named = [name for name, one in columns.items() if one is not None]
        if named:
            raise InputError(
                f"{option(named[0])} names a column of {option('data')}, which is not given; give "
                "the training file, too."
            )
        try:
            recorded = recorded_file(run)
        except InputError as error:
            why = str(error).rstrip(".")
            warnings.warn(
                f"the file of the run's training rows is not what it was ({why}): models are "
                "trained on a `datasets` folder made from the run's own rows.",
                DataWarning,
                stacklevel=2,
            )
            recorded = None
        return own_rows(run) if recorded is None else recorded
    if isinstance(data, TrainingFile):
        return data
    if isinstance(data, str | Path):
        return given_file(run, data, columns)
    return given_file(run, given_rows(run, data), columns)

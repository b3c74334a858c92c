"""A run that is joined of several trainings, seen as these."""

from __future__ import annotations

import copy

from wordtrace.errors import InputError
from wordtrace.run.run import Run


def apart(run: Run) -> list[Run]:
    """Return a run's trainings one by one; they share the rows and their tokens."""
    if not run.others:
        return [run]
    found = [copy.copy(one) for one in (run, *run.others)]
    for one in found:
        one.others = ()
        one.train, one.tokenizer, one.encoded = run.train, run.tokenizer, run.encoded
    return found


def require_one(run: Run, what: str) -> None:
    """Refuse `what`, which looks at one training, where there are several (InputError)."""
    if run.others:
        raise InputError(
            f"{what} looks at one training, and this run is joined of {run.trainings}; open "
            f"{run.path} alone."
        )

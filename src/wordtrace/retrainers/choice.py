"""What trains: the run's own training, a command, a function, or any retrainer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from wordtrace.errors import InputError, option
from wordtrace.retrainers.command import Command
from wordtrace.retrainers.function import Function
from wordtrace.retrainers.own import own_retrainer
from wordtrace.retrainers.retrainer import Retrainer
from wordtrace.run.run import Run

#: What `retrain` may be: a retrainer, a command as text or as words, or a function.
Retrain = Retrainer | str | Sequence[str] | Callable[[Path, int, Path], Any]


def retrainer_for(
    run: Run, given: Retrain | None, what: str, executor: object = "processes"
) -> Retrainer:
    """Return the retrainer that is meant, ready for a run.

    Parameters
    ----------
    given
        None for the run's own training; a command as :class:`.Command` takes it; a function as
        :class:`.Function` takes it; a retrainer.
    what, executor
        As of :func:`.own_retrainer`.

    Raises
    ------
    InputError
        When the run's own training can't be repeated here, or a command or a function can't train
        it.
    """
    if given is None:
        if run.manifest.recipe is None:
            raise InputError(
                f"{run.path} was trained elsewhere, so its training is not known here as one of "
                f"`wordtrace train` is; name what trains by {option('retrain')}: your own command, "
                "such as 'python train.py {data} {out} {seed}', or a replay of what the callback "
                f"recorded ({option('replay')}; wt.Replay() in Python)."
            )
        return own_retrainer(run, what, executor)
    found = _retrainer(given)
    if isinstance(found, Command | Function):
        return found.for_run(run)
    if hasattr(found, "refusal") and (reason := found.refusal(run)) is not None:
        raise InputError(reason)
    return found


def _retrainer(given: Any) -> Retrainer:
    if isinstance(given, str | list | tuple):
        return Command(given)
    if hasattr(given, "train") and hasattr(given, "settings"):
        retrainer: Retrainer = given
        return retrainer
    if not callable(given):
        raise InputError(
            f"{option('retrain')} is {type(given).__name__}; give a command, a function "
            "f(data, seed, out), or a retrainer such as wt.Replay()."
        )
    return Function(given)

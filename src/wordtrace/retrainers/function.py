"""Training by the user's own function."""

from __future__ import annotations

import hashlib
import inspect
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

import torch

from wordtrace.errors import InputError, TrainingError, WordtraceError, option
from wordtrace.execute.child import share_of_cores
from wordtrace.retrainers import placeholders
from wordtrace.retrainers.foreign import Predictor, trained
from wordtrace.retrainers.retrainer import Change, Said
from wordtrace.retrainers.trained_model import check_scored
from wordtrace.retrainers.training_data import columns_of, training_file
from wordtrace.retrainers.training_file import TrainingFile
from wordtrace.run.run import Run


@dataclass(frozen=True)
class Function:
    """Trains by a function of your own, in this process or in worker processes.

    It is called as ``function(data, seed, out)``: the path of the training file with the change
    (see :class:`Command`), the seed, and an empty folder. It returns the folder in which it saved
    the model, or what predicts: a callable that takes a list of texts, or of pairs of texts, and
    returns an array of probabilities, shape (texts, outputs), in the order of the run's
    `label_names` (of a regression numbers; of a language model the probability of each answer).
    While it runs, the environment says the same as a command's.

    Parameters
    ----------
    function
        It reaches worker processes by cloudpickle; with ``workers=1`` it runs in this one.
    data, text, text2, label, id, split, keep
        As of :class:`Command`.
    name
        What identifies the function: results are stored under it. By default its source, so that
        a change of it starts anew; give a name where there is no source, or where values that it
        uses are made elsewhere.

    Raises
    ------
    InputError
        For what is no function, or has no source and no name; from :meth:`for_run`, for data that
        are not the run's.

    Examples
    --------
    >>> def train(data, seed, out):
    ...     # … train a model on the file `data`, then
    ...     return lambda texts: [[0.5, 0.25, 0.25] for text in texts]
    >>> wt.Function(train, data="news.csv", name="half").settings["function"]
    'half'
    """

    function: Callable[[Path, int, Path], Any]
    data: Any = None
    text: str | None = None
    text2: str | None = None
    label: str | Sequence[str] | None = None
    id: str | Literal[False] | None = None
    split: str | None = None
    name: str | None = None
    keep: bool = True

    def __post_init__(self) -> None:
        if not callable(self.function):
            raise InputError(
                f"{type(self.function).__name__} is no function; give one that is called as "
                "f(data, seed, out)."
            )
        if self.label is not None and not isinstance(self.label, str):
            object.__setattr__(self, "label", tuple(self.label))
        if self.name is None:
            object.__setattr__(self, "name", _name(self.function))

    @property
    def settings(self) -> dict[str, Any]:
        """What identifies the training: the function's name or source, and the data."""
        file = self.data if isinstance(self.data, TrainingFile) else None
        return {
            "function": self.name,
            "data": str(self.data) if file is None else file.fingerprint,
        }

    def for_run(self, run: Run) -> Function:
        """Return it with the data of a run, known to be there (InputError)."""
        return replace(self, data=training_file(run, self.data, columns_of(self)))

    def train(self, run: Run, change: Change) -> Said:
        """Train once; see :class:`.Retrainer`.

        Raises
        ------
        TrainingError
            When the function fails, or returns nothing that can be asked.
        """
        ready = self if isinstance(self.data, TrainingFile) else self.for_run(run)
        train = partial(ready._call, run, change.seed)
        return trained(run, change, ready.data, train, keep=self.keep)

    def _call(self, run: Run, seed: int, data: Path, out: Path, log: Path) -> Path | Predictor:
        log.unlink(missing_ok=True)
        threads = torch.get_num_threads()
        torch.set_num_threads(share_of_cores())
        try:
            with placeholders.environment({"data": str(data), "out": str(out), "seed": str(seed)}):
                found = self.function(data, seed, out)
        except WordtraceError:
            raise
        except Exception as error:
            log.write_text(traceback.format_exc(), encoding="utf-8")
            raise TrainingError(
                f"the function that trains failed with seed {seed} "
                f"({type(error).__name__}: {error}); where it did is in {log}."
            ) from error
        finally:
            torch.set_num_threads(threads)
        if isinstance(found, str | Path):
            check_scored(run)
            folder = Path(found)
            if not folder.is_dir():
                raise InputError(
                    f"the function that trains returned {str(found)!r}, which is no folder; return "
                    "the folder in which it saved the model."
                )
            return folder
        if callable(found):
            predict: Predictor = found
            return predict
        raise InputError(
            f"the function that trains returned {type(found).__name__}; return the folder in which "
            "it saved the model, or a callable from a list of texts to an array of probabilities."
        )


def _name(function: Any) -> str:
    """Return what identifies a function by its source.

    Raises
    ------
    InputError
        Where the source is not there, or does not tell all.
    """
    inner = inspect.unwrap(function)
    try:
        if not inspect.isfunction(inner):
            raise TypeError
        source = inspect.getsource(inner)
    except (OSError, TypeError):
        raise InputError(
            f"{option('retrain')}: the source of {getattr(function, '__name__', function)!r} can't "
            "be read, by which its results are told from those of another function; give "
            'wt.Function(function, name="…").'
        ) from None
    digest = hashlib.blake2b(source.encode(), digest_size=20).hexdigest()
    return f"{inner.__qualname__} {digest}"

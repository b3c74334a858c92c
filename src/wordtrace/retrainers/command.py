"""Training by the user's own command."""

from __future__ import annotations

import os
import shlex
import shutil
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

from wordtrace.disk import fingerprint
from wordtrace.errors import DataWarning, InputError, TrainingError, option
from wordtrace.execute import child
from wordtrace.report.text import line
from wordtrace.retrainers import placeholders
from wordtrace.retrainers.foreign import trained
from wordtrace.retrainers.retrainer import Change, Said
from wordtrace.retrainers.trained_model import check_scored
from wordtrace.retrainers.training_data import columns_of, training_file
from wordtrace.retrainers.training_file import TrainingFile
from wordtrace.run.run import Run

#: The endings of files that make a command what it is: where one changes, models are trained anew.
_PROGRAMS = (
    *(".py", ".sh", ".pl", ".rb", ".r", ".jl", ".ipynb"),
    *(".json", ".yaml", ".yml", ".toml", ".cfg", ".ini", ".conf"),
)
_LARGEST = 1 << 24


@dataclass(frozen=True)
class Command:
    """Trains by a command of your own, such as a script that calls the Trainer.

    In its words ``{data}``, ``{out}`` and ``{seed}`` are filled in: the training file with the
    change, the folder in which the model is to be at the end, and the seed. The variables
    WORDTRACE_DATA, WORDTRACE_OUT and WORDTRACE_SEED say the same. What the command prints goes to
    ``RUN/retrained/KEY/log.txt``.

    The training file has the format, the order and every other byte of the one that the run was
    trained on. At the end ``{out}``, or its last ``checkpoint-N``, must hold a model or an adapter
    with the run's labels and vocabulary, saved as safetensors.

    Parameters
    ----------
    words
        The command: one text, which is split as a shell splits it, or a list of words.
    data
        The training file: a path as for :func:`.read_examples`, a ``datasets.Dataset``, a DataFrame
        or a list of dicts. None for the file that the run was read from; where that is gone, a
        folder of ``datasets`` is made from the run's own rows.
    text, text2, label, id, split
        The columns of `data`; by default those of the run.
    shell
        Give the command to ``/bin/sh`` as it is, which then knows ``&&``, ``$NAME`` and so on;
        values are quoted where they are filled in.
    time_limit
        The seconds after which a training is ended; it counts as failed.
    keep
        Keep the models in the run's folder: another question about the same training then costs a
        forward pass.

    Raises
    ------
    InputError
        For an empty command or an unknown placeholder; from :meth:`for_run`, for a program that is
        not there, or data that are not the run's.

    Examples
    --------
    >>> train = wt.Command("python train.py --train_file {data} --output_dir {out} --seed {seed}")
    >>> train.words
    ('python', 'train.py', '--train_file', '{data}', '--output_dir', '{out}', '--seed', '{seed}')
    """

    words: str | Sequence[str]
    data: Any = None
    text: str | None = None
    text2: str | None = None
    label: str | Sequence[str] | None = None
    id: str | Literal[False] | None = None
    split: str | None = None
    shell: bool = False
    time_limit: float | None = None
    keep: bool = True
    #: The folder that the command runs in, and the numbers of threads that the user set.
    folder: str = field(default="", repr=False, kw_only=True)
    threads: tuple[tuple[str, str], ...] = field(default=(), repr=False, kw_only=True)

    def __post_init__(self) -> None:
        object.__setattr__(self, "words", _split(self.words, shell=self.shell))
        if self.label is not None and not isinstance(self.label, str):
            object.__setattr__(self, "label", tuple(self.label))
        placeholders.check(self.words)
        if self.time_limit is not None and not self.time_limit > 0:
            raise InputError(f"{option('time_limit')} is {self.time_limit}; it must be over 0.")

    @property
    def settings(self) -> dict[str, Any]:
        """What identifies the training: the words, the data, and the script's own content."""
        file = self.data if isinstance(self.data, TrainingFile) else None
        return {
            "command": list(self.words),
            "shell": self.shell,
            "data": str(self.data) if file is None else file.fingerprint,
            "programs": self._programs(),
        }

    def for_run(self, run: Run) -> Command:
        """Return it with all that it needs for a run, once that is known to be there.

        Raises
        ------
        InputError
            For a program that is not there, data that are not the run's, or a run whose models
            can't be read from a folder.

        Warns
        -----
        DataWarning
            Where the command does not seem to ask for the data, or the folder of the model.
        """
        check_scored(run)
        here = replace(
            self,
            folder=self.folder or os.getcwd(),
            threads=tuple((one, os.environ[one]) for one in child.THREADS if one in os.environ),
        )
        here._check_program()
        here._tell_unasked()
        return replace(here, data=training_file(run, self.data, columns_of(self)))

    def train(self, run: Run, change: Change) -> Said:
        """Train once; see :class:`.Retrainer`.

        Raises
        ------
        TrainingError
            When the command fails, or leaves no model that can be asked.
        """
        ready = self if isinstance(self.data, TrainingFile) else self.for_run(run)
        train = partial(ready._run, change.seed)
        return trained(run, change, ready.data, train, keep=self.keep)

    def _run(self, seed: int, data: Path, out: Path, log: Path) -> Path:
        values = {"data": str(data), "out": str(out), "seed": str(seed)}
        words = [placeholders.filled(one, values, quoted=self.shell) for one in self.words]
        log.write_text(f"$ {words[0] if self.shell else shlex.join(words)}\n", encoding="utf-8")
        ended = child.run(
            ["/bin/sh", "-c", words[0]] if self.shell else words,
            log,
            folder=Path(self.folder),
            environment=child.environment_of(dict(self.threads), **placeholders.variables(values)),
            limit=self.time_limit,
        )
        if ended.status == 0:
            return out
        after = "" if ended.status is not None or ended.reason else f" ({self.time_limit:g} s)"
        lines = [line(one) for one in child.last_lines(log) if not one.startswith("$ ")]
        told = "".join(f"\n  {one}" for one in lines)
        raise TrainingError(
            f"the command that trains {ended.words}{after}, with seed {seed}; its output is in "
            f"{log}" + (f", and ends with:{told}" if told else ", and is empty.")
        )

    def _check_program(self) -> None:
        program = self.words[0]
        if self.shell or "{" in program:
            return
        place = program if os.sep not in program else os.path.join(self.folder, program)
        if shutil.which(place) is None:
            raise InputError(
                f"the program {program!r} of {option('retrain')} is not there, or can't be run; "
                "give its whole path, or start with the program that runs it, such as python."
            )

    def _tell_unasked(self) -> None:
        """Warn where neither the words nor the script ask for a value that is needed."""
        asked = placeholders.names([*self.words, *map(_text, self._files())])
        for name, what in (("data", "the training file"), ("out", "the folder of the model")):
            if name not in asked:
                warnings.warn(
                    f"the command that trains does not name {{{name}}}, {what}; "
                    f"it must read it from the variable {placeholders.VARIABLES[name]}.",
                    DataWarning,
                    stacklevel=3,
                )

    def _files(self) -> list[Path]:
        """Return the files among the words that make the command what it is."""
        words = shlex.split(self.words[0]) if self.shell else self.words
        places = [Path(self.folder or os.getcwd(), one) for one in words if "{" not in one]
        return [
            place
            for place in places
            if place.suffix.lower() in _PROGRAMS
            and place.is_file()
            and place.stat().st_size <= _LARGEST
        ]

    def _programs(self) -> list[str]:
        return [fingerprint.of_file(place) for place in self._files()]


def _split(words: str | Sequence[str], *, shell: bool) -> tuple[str, ...]:
    """Return a command's words; of a shell's command the one text."""
    if shell:
        if not isinstance(words, str) and len(words) != 1:
            raise InputError(
                f"{option('shell', True)} takes the command as one text, not as a list of words."
            )
        text = words if isinstance(words, str) else words[0]
        found: tuple[str, ...] = (text,) if text.strip() else ()
    elif isinstance(words, str):
        try:
            found = tuple(shlex.split(words))
        except ValueError as error:
            raise InputError(
                f"the command of {option('retrain')} can't be split into words ({error}); close "
                "its quotes, or give a list of words."
            ) from None
    else:
        found = tuple(str(one) for one in words)
    if not found or not found[0]:
        raise InputError(f"the command of {option('retrain')} is empty; give a program.")
    return found


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")

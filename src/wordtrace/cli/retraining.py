"""The options that say how a model is trained again: as the run was, or by what the user names."""

from __future__ import annotations

import json
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from wordtrace.cli.columns import id_of
from wordtrace.cli.consent import consent
from wordtrace.cli.effect import needs
from wordtrace.errors import InputError

if TYPE_CHECKING:
    from wordtrace.retrainers.choice import Retrain

_option = partial(typer.Option, rich_help_panel="How it is trained")

#: What only a command of the user's has.
_OF_A_COMMAND = (
    "shell",
    *("data", "data_text", "data_text2", "data_label", "data_id", "data_no_id", "data_split"),
    "time_limit",
)


@dataclass(frozen=True)
class HowTrained:
    """What trains: the run's own training, a command of the user's, or a replay of the Trainer.

    Or what only looks: a training from a checkpoint on, or a few steps from the final model.
    """

    retrain: Annotated[
        str | None,
        _option(
            "--retrain",
            help="Your command that trains, with {data}, {out} and {seed} in it; or @FILE.json, a "
            "list of words. For models that were trained elsewhere.",
        ),
    ] = None
    shell: Annotated[
        bool, _option("--shell", help="With --retrain: give the command to /bin/sh.")
    ] = False
    replay: Annotated[
        bool,
        _option("--replay", help="Repeat the training that wt.TraceCallback recorded."),
    ] = False
    from_checkpoint: Annotated[
        int | None,
        _option(
            "--from-checkpoint",
            metavar="STEP",
            help="A cheaper look: repeat the run's own training from this checkpoint on.",
        ),
    ] = None
    tail_patch: Annotated[
        int | None,
        _option(
            "--tail-patch",
            metavar="STEPS",
            help="A cheaper look, for every run: so many steps against the rows from the final "
            "model.",
        ),
    ] = None
    tail_rate: Annotated[
        float | None,
        _option("--tail-rate", help="With --tail-patch: the learning rate; the training's mean."),
    ] = None
    tail_on: Annotated[
        bool,
        _option(
            "--tail-on",
            help="With --tail-patch: steps on the rows, and what they change is turned round.",
        ),
    ] = False
    data: Annotated[
        Path | None,
        _option(
            "--data",
            help="With --retrain: the training file, from which {data} is made; by default the "
            "one that the run was read from.",
        ),
    ] = None
    data_text: Annotated[
        str | None, _option("--data-text", help="Its text column; the run's by default.")
    ] = None
    data_text2: Annotated[
        str | None, _option("--data-text2", help="Its column of second texts.")
    ] = None
    data_label: Annotated[str | None, _option("--data-label", help="Its label column.")] = None
    data_id: Annotated[str | None, _option("--data-id", help="Its id column.")] = None
    data_no_id: Annotated[
        bool, _option("--data-no-id", help="Its ids are row numbers, even if it has a column id.")
    ] = False
    data_split: Annotated[str | None, _option("--data-split", help="Its split.")] = None
    time_limit: Annotated[
        float | None,
        _option("--time-limit", help="With --retrain: seconds after which a training is ended."),
    ] = None
    keep_models: Annotated[
        bool,
        _option(
            "--keep-models/--no-keep-models",
            help="With --retrain or --replay: keep each model, so that another question of the "
            "same training costs no training.",
        ),
    ] = True
    device: Annotated[
        str | None,
        _option(
            "--device",
            help="Where a pretrained model is trained again and asked: cpu, cuda, or auto: a GPU "
            "where there is one. By default cpu; of a replay where it was recorded.",
            show_default=False,
        ),
    ] = None
    yes: Annotated[
        bool,
        _option("--yes", help="Train by --retrain or --replay without asking whether to."),
    ] = False
    dry_run: Annotated[
        bool,
        _option("--dry-run", help="Say how many models would be trained, and train none."),
    ] = False

    @property
    def opened_on(self) -> str:
        """The device with which a run is opened."""
        return self.device or "cpu"

    def consent(self, as_json: bool) -> AbstractContextManager[None]:
        """Return where a plan is shown, and asked about, before the first training."""
        from wordtrace.verification.plan import asking

        return asking(partial(consent, yes=self.yes, dry_run=self.dry_run, as_json=as_json))

    def library(self) -> dict[str, Any]:
        """Return what the library takes (InputError)."""
        return {"retrain": self._retrainer()}

    def _retrainer(self) -> Retrain | None:
        ways = (self.retrain, self.replay or None, self.from_checkpoint, self.tail_patch)
        if sum(one is not None for one in ways) > 1:
            raise InputError("give one of --retrain, --replay, --from-checkpoint and --tail-patch.")
        needs("--tail-patch", self.tail_patch is not None, "tail_rate", "tail_on")
        if self.retrain is not None:
            return self._command()
        needs("--retrain", False, *_OF_A_COMMAND)
        needs("--retrain or --replay", self.replay, "keep_models")
        if self.replay:
            from wordtrace.retrainers.replay import Replay

            return Replay(device=self.device or "recorded", keep=self.keep_models)
        from wordtrace.retrainers.partial import FromCheckpoint, TailPatch

        if self.from_checkpoint is not None:
            return FromCheckpoint(self.from_checkpoint)
        if self.tail_patch is not None:
            return TailPatch(self.tail_patch, self.tail_rate, on=self.tail_on)
        return None

    def _command(self) -> Retrain:
        """Return the user's command."""
        assert self.retrain is not None
        from wordtrace.retrainers.command import Command

        return Command(
            _words(self.retrain),
            data=self.data,
            text=self.data_text,
            text2=self.data_text2,
            label=self.data_label,
            id=id_of(self.data_no_id, self.data_id, "--data-id"),
            split=self.data_split,
            shell=self.shell,
            time_limit=self.time_limit,
            keep=self.keep_models,
        )


def _words(given: str) -> str | list[str]:
    """Return a command as it was typed, or the words that a file lists."""
    if not given.startswith("@"):
        return given
    path = Path(given[1:])
    try:
        words = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"--retrain {given}: the file can't be read ({error.strerror}).") from None
    except (ValueError, RecursionError) as error:
        raise InputError(f"--retrain {given}: the file is no JSON ({error}).") from None
    if not isinstance(words, list) or not all(isinstance(one, str) for one in words):
        raise InputError(
            f'--retrain {given}: the file must hold a list of words, as ["python", "train.py", '
            '"{data}"].'
        )
    return words

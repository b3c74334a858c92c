"""``wordtrace record``."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from wordtrace.cli.columns import ColumnOptions
from wordtrace.cli.output import Json
from wordtrace.cli.recording import (
    Chosen,
    Data,
    EvalData,
    EvalSplit,
    Overwrite,
    RunOut,
    exists,
    finish,
)
from wordtrace.errors import InputError

_model = partial(typer.Option, rich_help_panel="Model and labels")
_training = partial(typer.Option, rich_help_panel="What the training was")


@dataclass(frozen=True)
class OtherModelOptions:
    """What the weights are of, where the output folder does not say."""

    kind: Annotated[
        str | None,
        _model(
            "--labels",
            help="What they are: class (one a text), set (several a text) or number; by default "
            "as the model's configuration says.",
        ),
    ] = None
    label_names: Annotated[
        list[str] | None,
        _model(
            help="The labels in the order of the model's classes, with commas between; where a "
            "name holds a comma, a JSON list, or the option repeated, once for each name."
        ),
    ] = None
    tokenizer: Annotated[
        Path | None, _model(help="Its folder, if it does not lie beside the weights.")
    ] = None
    base: Annotated[
        Path | None, _model(help="Folder of the model that a LoRA adapter was trained on.")
    ] = None

    def library(self) -> dict[str, Any]:
        """Return them as the library takes them (InputError)."""
        names = self.label_names
        return {**asdict(self), "label_names": _names(names) if names else None}


@dataclass(frozen=True)
class TrainingOptions:
    """What the training did, where the output folder does not say."""

    max_length: Annotated[
        int | None,
        _training(help="Most tokens of an example; as the tokenizer was set in training."),
    ] = None
    max_completion_length: Annotated[
        int | None,
        _training(help="Most tokens of a sequence-to-sequence model's completion."),
    ] = None
    end: Annotated[
        bool,
        _training(
            "--end/--no-end",
            help="For a causal language model: completions ended with the end token.",
        ),
    ] = True
    loss: Annotated[
        str | None,
        _training(
            help="For a causal language model: the tokens that its loss asked for: completion "
            "(or the last answer), assistant (each of its turns), completion+assistant, or all; by "
            "default as TRL does.",
        ),
    ] = None
    label_smoothing: Annotated[
        float, _training(help="Label smoothing of the training's loss, if it had any.")
    ] = 0.0
    class_weights: Annotated[
        str | None,
        _training(
            help="Class weights of the training's loss, in the order of the classes, with commas."
        ),
    ] = None
    learning_rate: Annotated[
        float | None, _training("--lr", help="Rate of every checkpoint, where none was logged.")
    ] = None

    def library(self) -> dict[str, Any]:
        """Return them as the library takes them (InputError)."""
        return {**asdict(self), "class_weights": _weights(self.class_weights)}


def record(
    output: Annotated[Path, typer.Argument(help="A Trainer's output_dir, or a saved model.")],
    out: RunOut,
    columns: ColumnOptions,
    model: OtherModelOptions,
    training: TrainingOptions,
    chosen: Chosen,
    data: Annotated[
        Path | None,
        typer.Option(
            help=f"The training data: {Data} Not needed for OUT.recording, in which wordtrace's "
            "callback kept them."
        ),
    ] = None,
    eval_data: EvalData = None,
    eval_split: EvalSplit = None,
    copy: Annotated[
        bool,
        typer.Option(
            "--copy",
            help="Copy the weights instead of linking them.",
            rich_help_panel="Recording",
        ),
    ] = False,
    force: Annotated[
        bool,
        typer.Option(
            "--force",
            help="Adopt it although the loss that was logged is not the one recomputed.",
            rich_help_panel="Recording",
        ),
    ] = False,
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """Adopt the output folder of a transformers Trainer as a run, as it is.

    A language model's data are read as TRL reads them: messages, prompt and completion,
    conversations, or text. With --text and --text2, these are the prompt and the completion. No
    label is read.
    """
    from wordtrace import api

    existed = exists(out, overwrite)
    run = api.record(
        output,
        data,
        out,
        **{**columns.library(), "text": columns.text},
        **model.library(),
        **training.library(),
        checkpoints=chosen.library(),
        eval_data=eval_data,
        eval_split=eval_split,
        copy=copy,
        force=force,
        overwrite=overwrite,
    )
    finish(run, existed, as_json)


def _names(given: list[str]) -> tuple[str, ...]:
    if len(given) > 1:
        return tuple(given)
    if not given[0].lstrip().startswith("["):
        return tuple(given[0].split(","))
    try:
        names = json.loads(given[0])
    except (ValueError, RecursionError):
        names = None
    if not isinstance(names, list) or not all(isinstance(one, str) for one in names):
        raise InputError(
            f"--label-names is {given[0]!r}; as a JSON list it must hold texts, such as "
            '["a, b", "c"].'
        )
    return tuple(names)


def _weights(given: str | None) -> tuple[float, ...] | None:
    if given is None:
        return None
    try:
        return tuple(float(one) for one in given.split(","))
    except ValueError:
        raise InputError(
            f"--class-weights is {given!r}; it must be numbers such as 0.5,2."
        ) from None

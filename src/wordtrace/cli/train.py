"""``wordtrace train``."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from wordtrace.cli.columns import ColumnOptions
from wordtrace.cli.effect import excludes, needs
from wordtrace.cli.executors import Device
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

if TYPE_CHECKING:
    from wordtrace.api import Recipe, Settings

_held_out = partial(typer.Option, rich_help_panel="Held-out examples")
_model = partial(typer.Option, rich_help_panel="Model")
_training = partial(typer.Option, rich_help_panel="Training")
_recording = partial(typer.Option, rich_help_panel="Recording")


@dataclass(frozen=True)
class HeldOutOptions:
    """Which examples are held out."""

    eval_data: EvalData = None
    eval_split: EvalSplit = None
    eval_label: Annotated[
        str | None, _held_out(help="Its label column, where it has another name.")
    ] = None
    eval_fraction: Annotated[
        float, _held_out(help="Without either: this part of DATA is held out, 0 for none.")
    ] = 0.1


@dataclass(frozen=True)
class ModelOptions:
    """What is trained."""

    model: Annotated[
        str,
        _model(help="cnn: the paper's; or a pretrained model's folder, or its name on the hub."),
    ] = "cnn"
    layers: Annotated[
        int | None, _model(help="Keep only the first so many layers of a pretrained model.")
    ] = None
    embeddings: Annotated[
        Path | None,
        _model(help="Folder of a pretrained encoder whose word embeddings are the start."),
    ] = None
    dim: Annotated[int, _model(help="Dimensions of an embedding.")] = 128
    filters: Annotated[int, _model(help="Filters of each convolution.")] = 10
    vocabulary: Annotated[int, _model(help="Most word pieces, without --embeddings.")] = 30_000
    max_length: Annotated[int, _model(help="Most tokens of an example.")] = 128

    def settings(self, chosen: Chosen, early_stopping: int | None) -> Settings:
        """Return them as the library takes them (InputError)."""
        from wordtrace import api

        excludes("--embeddings", self.embeddings is not None, "vocabulary")
        needs("--model cnn", self.model == "cnn", "dim", "filters", "vocabulary")
        return api.Settings(
            **asdict(self), checkpoints=chosen.library(), early_stopping=early_stopping
        )


@dataclass(frozen=True)
class RecipeOptions:
    """How it is trained; None is what suits the model."""

    epochs: Annotated[int | None, _training(help="5; of a pretrained model 3.")] = None
    optimizer: Annotated[str | None, _training(help="sgd; of a pretrained model adamw.")] = None
    learning_rate: Annotated[
        float | None,
        _training("--lr", help="Learning rate: 0.05; of a pretrained model 5e-5."),
    ] = None
    momentum: Annotated[float, _training()] = 0.9
    weight_decay: Annotated[float, _training()] = 0.0
    schedule: Annotated[
        str | None, _training(help="constant; of a pretrained model linear, to 0.")
    ] = None
    freeze_embeddings: Annotated[
        bool, _training("--freeze-embeddings", help="Leave the word embeddings as they start.")
    ] = False
    batch_size: Annotated[int, _training()] = 32
    seed: Annotated[int, _training()] = 0

    def recipe(self, model: str) -> Recipe:
        """Return them as the library takes them (InputError)."""
        from wordtrace import api
        from wordtrace.run.recipe import defaults

        given: dict[str, Any] = {
            name: value for name, value in asdict(self).items() if value is not None
        }
        recipe = api.Recipe(**{**defaults(model), **given})
        needs("--optimizer sgd", recipe.optimizer == "sgd", "momentum")
        return recipe


def train(
    data: Annotated[Path, typer.Argument(help=Data)],
    out: RunOut,
    columns: ColumnOptions,
    held_out: HeldOutOptions,
    model: ModelOptions,
    training: RecipeOptions,
    chosen: Chosen,
    device: Device = "cpu",
    early_stopping: Annotated[
        int | None,
        _training(help="Stop after this many epochs without a lower held-out loss; keep the best."),
    ] = None,
    resume: Annotated[bool, _recording(help="Go on where an interrupted training stopped.")] = True,
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """Train a model on DATA and record the run: checkpoints, learning rates, data."""
    from wordtrace import api

    apart = held_out.eval_data is not None
    needs("--eval", apart, "eval_label")
    excludes("--eval", apart, "eval_fraction")
    excludes("--eval-split", held_out.eval_split is not None, "eval_fraction")
    recipe = training.recipe(model.model)
    settings = model.settings(chosen, early_stopping)
    existed = exists(out, overwrite)
    run = api.train(
        data,
        out,
        **columns.library(),
        **asdict(held_out),
        recipe=recipe,
        settings=settings,
        device=device,
        resume=resume,
        overwrite=overwrite,
    )
    finish(run, existed, as_json)

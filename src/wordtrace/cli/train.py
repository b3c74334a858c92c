"""``wordtrace train``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from wordtrace.cli.output import Json, say

_DATA = "Columns and data"
_MODEL = "Model"
_TRAINING = "Training"
_RECORDING = "Recording"


def train(
    data: Annotated[
        Path,
        typer.Argument(
            help="CSV, TSV, JSONL or Parquet (also gzipped), or a folder saved by `datasets`; "
            "where there is none, a data set's name on the Hugging Face hub."
        ),
    ],
    out: Annotated[Path, typer.Option(help="The run's folder.")],
    text: Annotated[str, typer.Option(help="Column of the text.", rich_help_panel=_DATA)] = "text",
    text2: Annotated[
        str | None, typer.Option(help="Column of a pair's second text.", rich_help_panel=_DATA)
    ] = None,
    label: Annotated[
        str, typer.Option(help="Column of the label.", rich_help_panel=_DATA)
    ] = "label",
    id: Annotated[
        str | None,
        typer.Option(
            help="Column of the ids; 'id' where there is one, else the row's number from 0.",
            rich_help_panel=_DATA,
        ),
    ] = None,
    split: Annotated[
        str | None,
        typer.Option(
            help="Split of a `datasets` folder or a data set on the hub.", rich_help_panel=_DATA
        ),
    ] = None,
    eval: Annotated[
        Path | None, typer.Option(help="File of held-out examples.", rich_help_panel=_DATA)
    ] = None,
    eval_split: Annotated[
        str | None,
        typer.Option(help="Split of --eval, or, without it, of DATA.", rich_help_panel=_DATA),
    ] = None,
    eval_label: Annotated[
        str | None,
        typer.Option(help="Its label column, where it has another name.", rich_help_panel=_DATA),
    ] = None,
    eval_fraction: Annotated[
        float,
        typer.Option(
            help="Without either: this part of DATA is held out, 0 for none.",
            rich_help_panel=_DATA,
        ),
    ] = 0.1,
    model: Annotated[
        str,
        typer.Option(
            help="cnn: the paper's; or a pretrained model's folder, or its name on the hub.",
            rich_help_panel=_MODEL,
        ),
    ] = "cnn",
    layers: Annotated[
        int | None,
        typer.Option(help="Of a pretrained model: only its first so many.", rich_help_panel=_MODEL),
    ] = None,
    embeddings: Annotated[
        Path | None,
        typer.Option(
            help="Folder of a pretrained encoder whose word embeddings are the start.",
            rich_help_panel=_MODEL,
        ),
    ] = None,
    dim: Annotated[
        int, typer.Option(help="Dimensions of an embedding.", rich_help_panel=_MODEL)
    ] = 128,
    filters: Annotated[
        int, typer.Option(help="Filters of each convolution.", rich_help_panel=_MODEL)
    ] = 10,
    vocabulary: Annotated[
        int, typer.Option(help="Most word pieces, without --embeddings.", rich_help_panel=_MODEL)
    ] = 30_000,
    max_length: Annotated[
        int, typer.Option(help="Most tokens of an example.", rich_help_panel=_MODEL)
    ] = 128,
    epochs: Annotated[
        int | None,
        typer.Option(help="5; of a pretrained model 3.", rich_help_panel=_TRAINING),
    ] = None,
    optimizer: Annotated[
        str | None,
        typer.Option(help="sgd; of a pretrained model adamw.", rich_help_panel=_TRAINING),
    ] = None,
    lr: Annotated[
        float | None,
        typer.Option(
            help="Learning rate: 0.05; of a pretrained model 5e-5.", rich_help_panel=_TRAINING
        ),
    ] = None,
    momentum: Annotated[float, typer.Option(rich_help_panel=_TRAINING)] = 0.9,
    weight_decay: Annotated[float, typer.Option(rich_help_panel=_TRAINING)] = 0.0,
    schedule: Annotated[
        str | None,
        typer.Option(
            help="constant; of a pretrained model linear, to 0.", rich_help_panel=_TRAINING
        ),
    ] = None,
    freeze_embeddings: Annotated[
        bool,
        typer.Option(
            "--freeze-embeddings",
            help="Leave the word embeddings as they start.",
            rich_help_panel=_TRAINING,
        ),
    ] = False,
    batch_size: Annotated[int, typer.Option(rich_help_panel=_TRAINING)] = 32,
    seed: Annotated[int, typer.Option(rich_help_panel=_TRAINING)] = 0,
    device: Annotated[
        str,
        typer.Option(
            help="cpu, cuda, or auto: a GPU where there is one.", rich_help_panel=_TRAINING
        ),
    ] = "cpu",
    early_stopping: Annotated[
        int | None,
        typer.Option(
            help="Stop after this many epochs without a lower held-out loss; keep the best.",
            rich_help_panel=_TRAINING,
        ),
    ] = None,
    checkpoints: Annotated[
        int,
        typer.Option(
            help="How many to choose, where the loss has not saturated.",
            rich_help_panel=_RECORDING,
        ),
    ] = 3,
    checkpoint_steps: Annotated[
        str | None,
        typer.Option(help="Or the very steps, such as 39,78,117.", rich_help_panel=_RECORDING),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option(
            help="Go on where an interrupted training stopped.", rich_help_panel=_RECORDING
        ),
    ] = True,
    overwrite: Annotated[
        bool,
        typer.Option(
            "--overwrite", help="Replace a finished run, at the end.", rich_help_panel=_RECORDING
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Train a model on DATA and record the run: checkpoints, learning rates, data."""
    from wordtrace import api
    from wordtrace.cli.show import show_run
    from wordtrace.run.describe import describe_run
    from wordtrace.run.recipe import defaults

    given: dict[str, Any] = {
        "epochs": epochs,
        "optimizer": optimizer,
        "learning_rate": lr,
        "schedule": schedule,
    }
    recipe = api.Recipe(
        **{
            **defaults(model),
            **{name: value for name, value in given.items() if value is not None},
        },
        batch_size=batch_size,
        momentum=momentum,
        weight_decay=weight_decay,
        freeze_embeddings=freeze_embeddings,
        seed=seed,
    )
    settings = api.Settings(
        model=model,
        layers=layers,
        dim=dim,
        filters=filters,
        max_length=max_length,
        vocabulary=vocabulary,
        embeddings=embeddings,
        checkpoints=steps_of(checkpoint_steps) or checkpoints,
        early_stopping=early_stopping,
    )
    existed = (out / "run.json").exists() and not overwrite
    run = api.train(
        data,
        out,
        text=text,
        text2=text2,
        label=label,
        id=id,
        split=split,
        eval_data=eval,
        eval_split=eval_split,
        eval_label=eval_label,
        eval_fraction=eval_fraction,
        recipe=recipe,
        settings=settings,
        device=device,
        resume=resume,
        overwrite=overwrite,
    )
    if existed:
        say(f"{out} holds this very run already; nothing was done.")
    show_run(describe_run(run), as_json)
    if not as_json:
        say(f"Next: wordtrace index {out}")


def steps_of(given: str | None) -> tuple[int, ...] | None:
    """Read --checkpoint-steps (InputError)."""
    from wordtrace.errors import InputError

    if given is None:
        return None
    try:
        return tuple(int(step) for step in given.split(","))
    except ValueError:
        raise InputError(
            f"--checkpoint-steps is {given!r}; it must be steps such as 39,78,117."
        ) from None

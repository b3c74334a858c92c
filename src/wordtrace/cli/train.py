"""``wordtrace train``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

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
            help="CSV, TSV, JSONL or Parquet (also gzipped), or a folder saved by `datasets`."
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
        str | None, typer.Option(help="Split of a `datasets` folder.", rich_help_panel=_DATA)
    ] = None,
    eval: Annotated[
        Path | None, typer.Option(help="File of held-out examples.", rich_help_panel=_DATA)
    ] = None,
    eval_label: Annotated[
        str | None,
        typer.Option(help="Its label column, where it has another name.", rich_help_panel=_DATA),
    ] = None,
    eval_fraction: Annotated[
        float,
        typer.Option(
            help="Without --eval: this part of DATA is held out, 0 for none.",
            rich_help_panel=_DATA,
        ),
    ] = 0.1,
    model: Annotated[str, typer.Option(help="cnn: the paper's.", rich_help_panel=_MODEL)] = "cnn",
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
    epochs: Annotated[int, typer.Option(rich_help_panel=_TRAINING)] = 5,
    lr: Annotated[float, typer.Option(help="Learning rate.", rich_help_panel=_TRAINING)] = 0.05,
    momentum: Annotated[float, typer.Option(rich_help_panel=_TRAINING)] = 0.9,
    weight_decay: Annotated[float, typer.Option(rich_help_panel=_TRAINING)] = 0.0,
    schedule: Annotated[
        str, typer.Option(help="constant, or linear to 0.", rich_help_panel=_TRAINING)
    ] = "constant",
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
    device: Annotated[str, typer.Option(help="cpu, or cuda.", rich_help_panel=_TRAINING)] = "cpu",
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
    """Train the paper's CNN on DATA and record the run: checkpoints, learning rates, data."""
    from wordtrace import api
    from wordtrace.cli.show import show_run
    from wordtrace.run.describe import describe_run

    recipe = api.Recipe(
        epochs=epochs,
        batch_size=batch_size,
        learning_rate=lr,
        momentum=momentum,
        weight_decay=weight_decay,
        schedule=schedule,
        freeze_embeddings=freeze_embeddings,
        seed=seed,
    )
    settings = api.Settings(
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
        model=model,
        eval_data=eval,
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

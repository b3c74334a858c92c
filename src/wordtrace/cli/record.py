"""``wordtrace record``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from wordtrace.cli.output import Json, say
from wordtrace.cli.train import steps_of


def record(
    output: Annotated[Path, typer.Argument(help="A Trainer's output_dir, with checkpoint-*.")],
    data: Annotated[
        Path,
        typer.Option(
            help="The training data: CSV, TSV, JSONL or Parquet (also gzipped), or a folder saved "
            "by `datasets`; where there is none, a data set's name on the Hugging Face hub."
        ),
    ],
    out: Annotated[Path, typer.Option(help="The run's folder.")],
    text: Annotated[str, typer.Option(help="Column of the text.")] = "text",
    text2: Annotated[str | None, typer.Option(help="Column of a pair's second text.")] = None,
    label: Annotated[
        str,
        typer.Option(help="Column of the label; or one of 0 and 1 for each class: toxic,threat."),
    ] = "label",
    labels: Annotated[
        str | None,
        typer.Option(
            help="What they are: class (one a text), set (several a text) or number; by default "
            "as the model's configuration says."
        ),
    ] = None,
    id: Annotated[
        str | None,
        typer.Option(help="Column of the ids; 'id' where there is one, else the row's number."),
    ] = None,
    split: Annotated[
        str | None, typer.Option(help="Split of a `datasets` folder or a data set on the hub.")
    ] = None,
    eval: Annotated[Path | None, typer.Option(help="File of held-out examples.")] = None,
    eval_split: Annotated[
        str | None, typer.Option(help="Split of --eval, or, without it, of --data.")
    ] = None,
    label_names: Annotated[
        str | None,
        typer.Option(help="The labels in the order of the model's classes, with commas between."),
    ] = None,
    max_length: Annotated[
        int | None,
        typer.Option(help="Most tokens of an example; as the tokenizer was set in training."),
    ] = None,
    max_completion_length: Annotated[
        int | None,
        typer.Option(help="Most tokens of a sequence-to-sequence model's completion."),
    ] = None,
    label_smoothing: Annotated[
        float, typer.Option(help="Of the training's loss, where it had any.")
    ] = 0.0,
    class_weights: Annotated[
        str | None,
        typer.Option(help="Of the training's loss, in the order of the classes, with commas."),
    ] = None,
    lr: Annotated[
        float | None, typer.Option(help="Rate of every checkpoint, where none was logged.")
    ] = None,
    checkpoints: Annotated[
        int, typer.Option(help="How many to choose, where the loss has not saturated.")
    ] = 3,
    checkpoint_steps: Annotated[
        str | None, typer.Option(help="Or the very steps, such as 500,1000.")
    ] = None,
    tokenizer: Annotated[
        Path | None, typer.Option(help="Its folder, if it does not lie beside the weights.")
    ] = None,
    base: Annotated[
        Path | None, typer.Option(help="Folder of the model that a LoRA adapter was trained on.")
    ] = None,
    copy: Annotated[
        bool, typer.Option("--copy", help="Copy the weights instead of linking them.")
    ] = False,
    end: Annotated[
        bool,
        typer.Option(
            "--end/--no-end", help="Of a causal language model: completions had an end token."
        ),
    ] = True,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a run, at the end.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Adopt the output folder of a transformers Trainer as a run, as it is.

    Of a language model --text is the prompt and --text2 the completion; no label is read.
    """
    from wordtrace import api
    from wordtrace.cli.show import show_run
    from wordtrace.run.describe import describe_run

    existed = (out / "run.json").exists() and not overwrite
    run = api.record(
        output,
        data,
        out,
        text=text,
        text2=text2,
        label=label,
        id=id,
        split=split,
        eval_data=eval,
        eval_split=eval_split,
        overwrite=overwrite,
        label_names=None if label_names is None else tuple(label_names.split(",")),
        max_length=max_length,
        max_completion_length=max_completion_length,
        label_smoothing=label_smoothing,
        class_weights=_numbers(class_weights),
        learning_rate=lr,
        checkpoints=steps_of(checkpoint_steps) or checkpoints,
        tokenizer=tokenizer,
        base=base,
        copy=copy,
        end=end,
        kind=labels,  # type: ignore[arg-type]  # it is checked there
    )
    if existed:
        say(f"{out} holds this very run already; nothing was done.")
    show_run(describe_run(run), as_json)
    if not as_json:
        say(f"Next: wordtrace index {out}")


def _numbers(given: str | None) -> tuple[float, ...] | None:
    from wordtrace.errors import InputError

    if given is None:
        return None
    try:
        return tuple(float(one) for one in given.split(","))
    except ValueError:
        raise InputError(
            f"--class-weights is {given!r}; it must be numbers such as 0.5,2."
        ) from None

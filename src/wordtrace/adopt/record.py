"""Adopting a training that was done elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from wordtrace.adopt.choices import Choices
from wordtrace.adopt.dialogues import check_alike, read_training
from wordtrace.adopt.make_run import make_run
from wordtrace.adopt.trainer_output import labels_of
from wordtrace.data.examples import Examples
from wordtrace.data.labelling import Kind
from wordtrace.data.readers import read_examples
from wordtrace.run.run import Run


def record(
    output: str | Path,
    data: Any,
    out: str | Path,
    *,
    text: str | None = None,
    text2: str | None = None,
    label: str | Sequence[str] = "label",
    id: str | Literal[False] | None = None,
    split: str | None = None,
    eval_data: Any = None,
    eval_split: str | None = None,
    overwrite: bool = False,
    label_names: tuple[str, ...] | None = None,
    max_length: int | None = None,
    max_completion_length: int | None = None,
    learning_rate: float | None = None,
    checkpoints: int | tuple[int, ...] = 3,
    tokenizer: Path | None = None,
    base: Path | None = None,
    copy: bool = False,
    end: bool = True,
    kind: Kind | None = None,
    label_smoothing: float = 0.0,
    class_weights: tuple[float, ...] | None = None,
    loss: str | None = None,
) -> Run:
    """Adopt the output folder of a finished ``transformers.Trainer`` as a run.

    Where a text has several labels, they are a list in one column, or several columns of 0 and 1:
    ``label=("toxic", "threat")`` or ``"toxic,threat"``.

    A language model's examples are read as TRL reads them: messages (with tools), a prompt and its
    completion, conversations as ShareGPT writes them, or text, told by the names of the columns.
    With `text` and `text2` other columns are named: the prompt and the completion, or, without
    `text2`, a text of which all counts. `label` is not read.

    Parameters
    ----------
    output
        The Trainer's ``output_dir``, with its ``checkpoint-*`` folders; or the folder of one saved
        model, which then is the one checkpoint.
    data
        The training data: Examples, or whatever :func:`read_examples` reads.
    out
        The run's folder.
    eval_data
        Held-out examples.
    split, eval_split
        Names of splits of a ``DatasetDict`` or a data set on the hub. If only `eval_split` is
        given, the held-out examples are taken from `data`.
    loss
        For a causal language model: the tokens that its loss asked for. "completion" is what
        follows the prompt, or a conversation's last answer; "assistant" is each turn of the
        assistant, "completion+assistant" those in the completion; "all" is all. By default as TRL
        does: "completion" for prompt and completion, "all" for all else.
    label_names, max_length, max_completion_length, learning_rate, checkpoints, tokenizer, base, \
    copy, end, kind, label_smoothing, class_weights
        What the folder does not tell: see :class:`wordtrace.adopt.choices.Choices`.

    Raises
    ------
    InputError
        When something in the folder or the data can't be used; the message says what to do.
    CorruptError
        For weights that don't fit the model, or that hold NaN.

    Examples
    --------
    >>> trainer = Trainer(model, arguments, train_dataset=rows, processing_class=tokenizer)
    >>> _ = trainer.train()
    >>> run = wt.record("trainer-output", "news.csv", "runs/recorded")
    >>> len(run.train)
    60
    """
    choices = Choices(
        label_names=label_names,
        max_length=max_length,
        learning_rate=learning_rate,
        checkpoints=checkpoints,
        tokenizer=tokenizer,
        base=base,
        copy=copy,
        end=end,
        kind=kind,
        max_completion_length=max_completion_length,
        label_smoothing=label_smoothing,
        class_weights=class_weights,
        counts=loss,
    )
    trained_on = labels_of(output, base)
    if trained_on is None:
        return _of_language_model(
            *(output, data, out, choices),
            columns={"text": text, "text2": text2, "id": id},
            splits=(split, eval_split),
            eval_data=eval_data,
            overwrite=overwrite,
        )
    known: Kind = choices.kind or trained_on
    if known == "set" and isinstance(label, str) and "," in label:
        label = tuple(one.strip() for one in label.split(",") if one.strip())
    names = label_names if known == "set" and isinstance(label, str) else None

    def read(source: Any, part: str | None) -> Examples:
        if isinstance(source, Examples):
            return source
        return read_examples(
            source,
            text=text or "text",
            text2=text2,
            label=label,
            id=id,
            split=part,
            label_names=names,
            kind=known,
        )

    examples = read(data, split)
    if eval_data is None and eval_split is not None:
        eval_data = data
    return make_run(
        output,
        examples,
        out,
        held_out=None if eval_data is None else read(eval_data, eval_split),
        choices=choices,
        ordered=not isinstance(label, str),
        overwrite=overwrite,
    )


def _of_language_model(
    output: str | Path,
    data: Any,
    out: str | Path,
    choices: Choices,
    *,
    columns: dict[str, Any],
    splits: tuple[str | None, str | None],
    eval_data: Any,
    overwrite: bool,
) -> Run:
    """Adopt a language model's training; how its texts became tokens is told by the data's form."""
    read = read_training(data, split=splits[0], **columns)
    if eval_data is None and splits[1] is not None:
        eval_data = data
    held_out = None
    if eval_data is not None:
        held_out = read_training(eval_data, split=splits[1], **columns)
        check_alike(read, held_out)
    return make_run(
        output,
        read.examples,
        out,
        held_out=None if held_out is None else held_out.examples,
        choices=replace(choices, preparation=read.preparation, form=read.form),
        overwrite=overwrite,
    )

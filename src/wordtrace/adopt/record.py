"""Adopting a training that was done elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

from wordtrace.adopt.choices import Choices
from wordtrace.adopt.dialogues import check_alike, read_training
from wordtrace.adopt.make_run import make_run
from wordtrace.adopt.recorded_rows import RecordedRows
from wordtrace.adopt.trainer_output import expected_labels
from wordtrace.adopt.training_data import read_data
from wordtrace.adopt.tried import Source
from wordtrace.data.examples import Examples
from wordtrace.data.labelling import Kind
from wordtrace.data.readers import read_examples
from wordtrace.errors import InputError, option
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
    force: bool = False,
) -> Run:
    """Adopt the output folder of a finished ``transformers.Trainer`` as a run.

    Where a text has several labels, they are a list in one column, or several columns of 0 and 1:
    ``label=("toxic", "threat")`` or ``"toxic,threat"``.

    A language model's examples are read as TRL reads them: messages (with tools), a prompt and its
    completion, conversations as ShareGPT writes them, or text, told by the names of the columns.
    With `text` and `text2` other columns are named: the prompt and the completion, or, without
    `text2`, a text of which all counts. `label` is not read.

    The loss that the Trainer logged is recomputed from the data as they were read. Where the two
    do not fit, the training was misread: it is refused, and the message names what fits instead.

    Parameters
    ----------
    output
        The Trainer's ``output_dir``, with its ``checkpoint-*`` folders; or the folder of one saved
        model, which then is the one checkpoint.
    data
        The training data: Examples, or whatever :func:`read_examples` reads. None for the folder
        of a recording, ``OUT.recording``, in which :class:`.TraceCallback` kept the rows itself.
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
    force
        Adopt the training although its logged loss is not the one that is recomputed; every result
        of the run then says so.

    Raises
    ------
    InputError
        When something in the folder or the data can't be used, or the training was misread; the
        message says what to do.
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
        force=force,
    )
    if data is None:
        return _of_recording(
            *(output, out, choices),
            eval_data,
            label,
            overwrite,
            text=text,
            text2=text2,
            id=id,
            split=eval_split,
        )
    expected = expected_labels(output, base)
    if expected.kind is None:
        return _of_language_model(
            *(output, data, out, choices),
            columns={"text": text, "text2": text2, "id": id},
            splits=(split, eval_split),
            eval_data=eval_data,
            overwrite=overwrite,
        )
    columns = (text or "text", text2, label, id)
    reader, choices, examples = read_data(columns, data, split, choices, expected)
    if eval_data is None and eval_split is not None:
        eval_data = data
    return make_run(
        output,
        examples,
        out,
        held_out=None if eval_data is None else reader.read(eval_data, eval_split),
        choices=choices,
        source=Source(
            labels="the labels" if isinstance(data, Examples) else reader.called,
            columns=partial(reader.by_other_columns, data, split),
            ordered=not isinstance(reader.label, str),
        ),
        overwrite=overwrite,
    )


def read_labelled(
    source: Any,
    trained_on: Kind,
    split: str | None,
    *,
    text: str | None,
    text2: str | None,
    label: str | Sequence[str],
    id: str | Literal[False] | None,
    choices: Choices,
) -> Examples:
    """Read data as a training of a classifier read it; `trained_on` is the kind of its labels."""
    if isinstance(source, Examples):
        return source
    known = choices.kind or trained_on
    if known == "set" and isinstance(label, str) and "," in label:
        label = tuple(one.strip() for one in label.split(",") if one.strip())
    return read_examples(
        source,
        text=text or "text",
        text2=text2,
        label=label,
        id=id,
        split=split,
        label_names=choices.label_names if known == "set" and isinstance(label, str) else None,
        kind=known,
    )


def _of_recording(
    output: str | Path,
    out: str | Path,
    choices: Choices,
    eval_data: Any,
    label: str | Sequence[str],
    overwrite: bool,
    **columns: Any,
) -> Run:
    """Adopt a training that our callback saw, whose rows it has kept."""
    recorded = RecordedRows.of(Path(output))
    if recorded is None:
        raise InputError(
            f"{output} holds no rows of its training; give the training data by {option('data')}."
        )
    held_out, trained_on = recorded.held_out, expected_labels(output, choices.base).kind
    if eval_data is not None and trained_on is None:
        held_out = read_training(eval_data, **columns).examples
    elif eval_data is not None and trained_on is not None:
        held_out = read_labelled(eval_data, trained_on, label=label, choices=choices, **columns)
    return make_run(
        output,
        recorded.examples,
        out,
        held_out=held_out,
        choices=recorded.told(choices),
        source=Source(ordered=True),
        overwrite=overwrite,
        recorded=recorded,
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

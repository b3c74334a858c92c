"""Adopting a training that was done elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, Literal

from wordtrace.adopt.choices import Choices
from wordtrace.adopt.make_run import make_run
from wordtrace.adopt.trainer_output import expected_labels
from wordtrace.adopt.training_data import read_data
from wordtrace.adopt.tried import Source
from wordtrace.data.examples import Examples
from wordtrace.data.labelling import Kind
from wordtrace.run.run import Run


def record(
    output: str | Path,
    data: Any,
    out: str | Path,
    *,
    text: str = "text",
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
    force: bool = False,
) -> Run:
    """Adopt the output folder of a finished ``transformers.Trainer`` as a run.

    Where a text has several labels, they are a list in one column, or several columns of 0 and 1:
    ``label=("toxic", "threat")`` or ``"toxic,threat"``.

    A language model's examples have a prompt, `text`, and a completion, `text2`; the loss of an
    example is the mean loss of the completion's tokens. For a causal model they may also have
    `text` alone, and then all of it counts. `label` is not read.

    The loss that the Trainer logged is recomputed from the data as they were read. Where the two
    do not fit, the training was misread: it is refused, and the message names what fits instead.

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
        force=force,
    )
    columns = (text, text2, label, id)
    reader, choices, examples = read_data(
        columns, data, split, choices, expected_labels(output, base)
    )
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

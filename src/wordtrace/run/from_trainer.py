"""Adopting a training that was done elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from wordtrace.data.examples import Examples
from wordtrace.data.readers import read_examples
from wordtrace.run import adopt
from wordtrace.run.run import Run
from wordtrace.run.source import Choices, task_of


def record(
    output: str | Path,
    data: Any,
    out: str | Path,
    *,
    text: str = "text",
    text2: str | None = None,
    label: str = "label",
    id: str | None = None,
    split: str | None = None,
    eval_data: Any = None,
    overwrite: bool = False,
    **choices: Any,
) -> Run:
    """Adopt the output folder of a finished ``transformers.Trainer`` as a run.

    Parameters
    ----------
    output
        The Trainer's ``output_dir``, with its ``checkpoint-*`` folders.
    data
        The training data: what :func:`read_examples` takes, or Examples.
    out
        The run's folder.
    eval_data
        Held-out examples.
    **choices
        The fields of :class:`wordtrace.run.source.Choices`: `label_names`, `max_length`,
        `max_completion_length`, `learning_rate`, `checkpoints`, `tokenizer`, `base`, `copy`, `end`,
        `label_smoothing`, `class_weights`.

    A language model's examples have a prompt, `text`, and a completion, `text2`, whose tokens' mean
    loss is the example's; or, of a causal one, `text` alone, all of which counts. `label` is not
    read.

    Raises
    ------
    InputError
        One sentence: what of the folder or the data can't be used, and what to do.
    CorruptError
        For weights that don't fit the model, or that hold NaN.
    """
    column = None if task_of(output) == "generation" else label

    def read(source: Any) -> Examples:
        if isinstance(source, Examples):
            return source
        return read_examples(
            source,
            text=text,
            text2=text2,
            label=column,
            id=id,
            split=split,
            require_labels=column is not None,
        )

    return adopt.record(
        output,
        read(data),
        out,
        held_out=None if eval_data is None else read(eval_data),
        choices=Choices(**choices),
        overwrite=overwrite,
    )

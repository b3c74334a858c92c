"""A training's data as its model saw it, with labels in the order of the model's outputs."""

from __future__ import annotations

from functools import partial

import numpy as np

from wordtrace.adopt import labels
from wordtrace.adopt.choices import Choices
from wordtrace.adopt.trainer_output import TrainerOutput, class_count, predicted_by
from wordtrace.data.examples import Examples
from wordtrace.data.labelling import COMPLETION
from wordtrace.errors import DataError, InputError, option
from wordtrace.models import configs
from wordtrace.models.seq2seq_tokenizer import Seq2SeqTokenizer


def ordered_as_model(
    output: TrainerOutput,
    examples: Examples,
    held_out: Examples | None,
    choices: Choices,
    ordered: bool,
) -> tuple[Examples, Examples | None]:
    """Bring the labels into the order of the model's outputs.

    Raises
    ------
    InputError
        For labels that are not the model's, or of another kind.
    DataError
        For an example without a label, and held-out pairs where the training had none.
    """
    examples = _one(output, examples, choices, ordered)
    if held_out is not None:
        held_out = _one(output, held_out, choices, ordered)
        if held_out.has_pairs != examples.has_pairs:
            raise DataError(
                f"{held_out.source}: give two text columns in both files or in neither."
            )
    for data in (examples, held_out):
        if data is not None and not (given := data.labelling.given(data.labels)).all():
            bare = data.ids[int((~given).argmax())]
            raise DataError(f"{data.source}: the example {bare!r} has no label; label it.")
    return examples, held_out


def _one(output: TrainerOutput, examples: Examples, choices: Choices, ordered: bool) -> Examples:
    if configs.is_generator(output.config):
        return _completions(output, examples)
    classes = labels.class_names(output.config, class_count(output))
    kind = configs.kind_of(output.config)
    if examples.kind != kind:
        raise InputError(
            f"{output.folder} was trained on labels of the kind {kind!r}, {examples.source} was "
            f"read as {examples.kind!r}; read it with kind={kind!r}."
        )
    return labels.match(
        examples, classes, choices.label_names, partial(predicted_by, output), ordered
    )


def _completions(output: TrainerOutput, examples: Examples) -> Examples:
    """Return a language model's examples, which all have the one label."""
    if isinstance(output.tokenizer, Seq2SeqTokenizer) and not examples.has_pairs:
        raise InputError(
            f"{examples.source}: a sequence-to-sequence model takes a prompt and a completion; "
            f"give the completion's column by {option('text2')}."
        )
    return Examples.of(
        examples.table["text"],
        np.zeros(len(examples), np.int64),
        (COMPLETION,),
        ids=examples.ids,
        texts2=examples.table["text2"] if examples.has_pairs else None,
        source=examples.source,
        origin=examples.origin,
    )

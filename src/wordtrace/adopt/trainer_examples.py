"""A Trainer's rows as examples: their texts, read back from their tokens, and their labels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from wordtrace.adopt.labels import class_names
from wordtrace.adopt.trainer_rows import TrainerRows, Unreadable
from wordtrace.data.examples import Examples
from wordtrace.data.labelling import COMPLETION, Kind, Labels
from wordtrace.errors import InputError, option
from wordtrace.execute.progress import track
from wordtrace.models import configs
from wordtrace.models.completions import CompletionTokenizer
from wordtrace.models.ids_as_text import IdsAsText
from wordtrace.models.plain_tokenizer import PlainTokenizer
from wordtrace.models.protocol import TextTokenizer
from wordtrace.models.seq2seq_tokenizer import Seq2SeqTokenizer
from wordtrace.run.kept_tokens import second_of
from wordtrace.run.written_back import SOURCE


def examples_of(
    rows: TrainerRows,
    tokenizer: TextTokenizer,
    config: Mapping[str, Any],
    kind: Kind | None,
    label_names: tuple[str, ...] | None = None,
    end: int | None = None,
) -> Examples:
    """Return a Trainer's rows as examples, with labels in the order of the model's outputs.

    Parameters
    ----------
    config
        The model's.
    kind
        The kind of the labels; None: as the model's configuration or the labels themselves say.
    label_names
        What the classes are called; None: as the model calls them.
    end
        The token that may end a language model's text, whether or not it counted.

    Raises
    ------
    InputError
        For labels that are no classes of the model's.
    """
    pairs = _has_pairs(rows, tokenizer)
    reader = IdsAsText(tokenizer, pairs, end)
    texts, texts2 = [], []
    with track("Reading texts", len(rows.ids), "texts") as advance:
        for row in range(len(rows.ids)):
            ids = rows.encoded[row].tolist()
            first, second = reader.texts(ids, second_of(rows.encoded, row))
            texts.append(first)
            texts2.append(second)
            advance(1)
    names, labels, known = _labels(rows, config, kind)
    if label_names is not None and rows.labels is not None and known != "number":
        if len(label_names) != len(names):
            raise InputError(
                f"{option('label_names')} gives {len(label_names)} names; the model has "
                f"{len(names)} classes."
            )
        names = label_names
    return Examples.of(
        texts,
        labels,
        names,
        ids=rows.ids,
        texts2=texts2 if pairs else None,
        source=SOURCE,
        kind=known,
    )


def _has_pairs(rows: TrainerRows, tokenizer: TextTokenizer) -> bool:
    """Whether the examples have two texts: a prompt, or what a tokenizer joins by its template."""
    if isinstance(tokenizer, Seq2SeqTokenizer):
        return True
    every = range(len(rows.ids))
    if isinstance(tokenizer, CompletionTokenizer | PlainTokenizer):
        return any(second_of(rows.encoded, row) > 0 for row in every)
    if tokenizer.types:
        assert rows.encoded.second is not None
        return bool((rows.encoded.second < rows.encoded.lengths).any())
    reader = IdsAsText(tokenizer, True)
    return all(reader.parted(rows.encoded[row].tolist()) for row in every)


def _labels(
    rows: TrainerRows, config: Mapping[str, Any], kind: Kind | None
) -> tuple[tuple[str, ...], Labels, Kind]:
    if rows.labels is None:
        return (COMPLETION,), np.zeros(len(rows.ids), np.int64), "class"
    given = rows.labels
    classes = class_names(config, len(config.get("id2label") or (0, 1)))
    if kind is None and config.get("problem_type") is None and given.dtype.kind == "f":
        # transformers tells the two by their form when it computes the first loss.
        known: Kind = "number" if len(classes) == 1 else "set"
    else:
        known = kind or configs.kind_of(config)
    if known != "class":
        return (() if known == "number" else tuple(classes)), given.astype(np.float32), known
    places = given.astype(np.int64).reshape(len(rows.ids), -1)
    if places.shape[1] != 1:
        raise Unreadable(f"row 0 of {SOURCE} has {places.shape[1]} labels, its model one a text.")
    wrong = (places[:, 0] < 0) | (places[:, 0] >= len(classes))
    if wrong.any():
        row = int(wrong.argmax())
        raise InputError(
            f"row {row} of {SOURCE} has the label {places[row, 0]}; the model has "
            f"{len(classes)} classes."
        )
    return _named(classes), places[:, 0], "class"


def _named(classes: list[str]) -> tuple[str, ...]:
    """Return the names of the classes; their numbers where they have none."""
    generic = classes == [f"LABEL_{place}" for place in range(len(classes))]
    return tuple(map(str, range(len(classes)))) if generic else tuple(classes)

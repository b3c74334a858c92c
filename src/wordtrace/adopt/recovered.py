"""What a language model was trained on, read back from its tokens: conversations or plain texts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from wordtrace.adopt.choices import Choices
from wordtrace.adopt.recorded_rows import differing
from wordtrace.adopt.trainer_examples import examples_of
from wordtrace.adopt.trainer_output import tokenizer_of
from wordtrace.adopt.trainer_rows import TrainerRows
from wordtrace.data.batches import Encoded
from wordtrace.data.examples import Examples
from wordtrace.data.labelling import COMPLETION
from wordtrace.errors import InputError
from wordtrace.execute.progress import track
from wordtrace.models.chat_reader import ChatReader
from wordtrace.models.chat_tokenizer import LOSSES, ChatTokenizer
from wordtrace.run.written_back import SOURCE

#: The share of rows (one in any case) whose tokens may be others than those of the conversation
#: read from them: a row that was cut in the middle of a character, say. Their own are kept.
_ODD = 0.01


def recover(
    rows: TrainerRows,
    places: list[Path],
    config: dict[str, Any],
    choices: Choices,
    *,
    trl: bool,
    end: int | None,
) -> tuple[Examples, Choices]:
    """Return the examples, and with what is known of the training how they became tokens.

    Parameters
    ----------
    places
        The folders of the tokenizer.
    config
        The model's.
    trl
        Whether TRL trains, which ends plain texts in a way of its own.
    end
        The token that ends a text, if one does.
    """
    chat = _conversations(rows, places, config, choices)
    if chat is not None:
        return chat
    told = replace(choices, preparation="plain" if trl else "own", counts=None)
    tokenizer, _ = tokenizer_of(places, config, told)
    found = examples_of(rows, tokenizer, config, choices.kind, end=end)
    if trl:
        told = replace(told, counts="completion" if found.has_pairs else "all")
    return found, told


def _conversations(
    rows: TrainerRows, places: list[Path], config: dict[str, Any], choices: Choices
) -> tuple[Examples, Choices] | None:
    """Read the rows as what the tokenizer's chat template has written; None where they are not."""
    told = replace(choices, preparation="chat", counts=None)
    try:
        tokenizer, _ = tokenizer_of(places, config, told)
    except InputError:
        return None  # there is no template
    assert isinstance(tokenizer, ChatTokenizer)
    texts = _documents(rows, tokenizer)
    if texts is None:
        return None
    best: tuple[int, str] | None = None
    for loss in ("all", *(one for one in LOSSES if one != "all")):
        try:
            made = tokenizer.asking(loss).encode(texts)
        except InputError:
            return None
        if _odd(made, rows.encoded) > max(1.0, _ODD * len(texts)):
            continue
        others = sum(1 for _ in differing(made, rows.encoded, True))
        if best is None or others < best[0]:
            best = others, loss
        if not others:
            break
    if best is None:
        return None
    examples = Examples.of(
        texts, np.zeros(len(texts), np.int64), (COMPLETION,), ids=rows.ids, source=SOURCE
    )
    return examples, replace(told, counts=best[1])


def _documents(rows: TrainerRows, tokenizer: ChatTokenizer) -> list[str] | None:
    """Return the conversations as texts; None where too many rows are none."""
    reader, texts = ChatReader(tokenizer.template), []
    with track("Reading conversations", len(rows.ids), "texts") as advance:
        for row in range(len(rows.ids)):
            ids = rows.encoded[row].tolist()
            found = reader.read(tokenizer.inner.decode(ids, skip_special_tokens=False))
            if found is None:
                return None
            texts.append(found.text())
            advance(1)
    return texts


def _odd(one: Encoded, other: Encoded) -> int:
    """Return how many rows have other tokens."""
    return sum(not np.array_equal(one[row], other[row]) for row in range(len(one)))

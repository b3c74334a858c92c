"""Explaining a span of an answer, by the loss of its tokens alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from wordtrace.data.batches import Encoded
from wordtrace.errors import InputError
from wordtrace.models.tokenizer import Span, TokenAt

#: A part of an answer: itself, or (start, end) in characters.
Passage = str | tuple[int, int]


def find_span(part: Passage, field: str, answer: str, name: str) -> Span:
    """Return the place of a part in an answer.

    Parameters
    ----------
    field
        "text2", or "text" if there is no prompt.
    name
        The query's name, for messages.

    Raises
    ------
    InputError
        When the part is empty, does not stand exactly once in the answer, or the characters are
        outside it.
    """
    if not isinstance(part, str):
        start, end = part
        if not 0 <= start < end <= len(answer) or not answer[start:end].strip():
            raise InputError(
                f"the span {start}:{end} is no part of the answer of {name}, which has "
                f"{len(answer)} characters; give START:END within it, END not included."
            )
        return field, start, end
    if not part.strip():
        raise InputError("the span is empty; give a part of the answer.")
    found = [at for at in range(len(answer)) if answer.startswith(part, at)]
    if not found:
        raise InputError(
            f"the span {part!r} is not in the answer of {name}; give a part of it as it is written."
        )
    if len(found) > 1:
        places = ", ".join(f"{at}:{at + len(part)}" for at in found[:5])
        raise InputError(
            f"the span {part!r} stands {len(found)} times in the answer of {name}; say which by "
            f"its characters: {places}."
        )
    return field, found[0], found[0] + len(part)


def narrow(
    encoded: Encoded,
    positions: Sequence[Sequence[TokenAt]],
    spans: Sequence[Span | None],
    first: int = 0,
) -> Encoded:
    """Let only the tokens that reach into a span count, instead of the whole completion.

    Parameters
    ----------
    positions
        The places of each example's tokens.
    spans
        One span for each example; None for its whole completion.
    first
        The number of the first example, for messages.

    Raises
    ------
    InputError
        When a part of a span was cut off, or when nothing stands before the span to predict it
        from.
    """
    begins = np.zeros(len(encoded), np.int64) if encoded.second is None else encoded.second
    asked = np.stack([begins, encoded.lengths], axis=1)
    for row, (span, tokens) in enumerate(zip(spans, positions, strict=True)):
        if span is None:
            continue
        field, start, end = span
        held = [
            (place, one.span)
            for place, one in enumerate(tokens)
            if one.span is not None and one.span[0] == field
        ]
        inside = [place for place, (_, begin, last) in held if begin < end and start < last]
        if not inside or max(last for _, (_, _, last) in held) < end:
            raise InputError(
                f"the span ends at character {end} of the answer of query {first + row}, beyond "
                f"the {len(tokens)} tokens that the model reads; give a shorter prompt or another "
                "span."
            )
        if inside == [0]:
            raise InputError(
                f"the span of query {first + row} is the text's first token, which the model "
                "predicts from nothing; give a longer one."
            )
        asked[row] = inside[0], inside[-1] + 1
    return replace(encoded, asked=asked)

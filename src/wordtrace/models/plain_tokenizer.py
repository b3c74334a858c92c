"""Plain texts, or prompts with completions, as TRL prepares them for a language model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import takewhile
from typing import Any

import numpy as np

from wordtrace.data.batches import Encoded
from wordtrace.errors import InputError, option
from wordtrace.execute.progress import track
from wordtrace.models.tokenizer import Span, TokenAt, Tokenizer

#: The tokens that a loss may ask for.
LOSSES = ("completion", "all")
_CHUNK = 1024


class PlainTokenizer:
    """A text, or a prompt and its completion as one text, with the end token as TRL writes it.

    The end is written as text behind a text that does not end with it; then all is tokenized, with
    what the tokenizer adds by itself, and cut. A completion begins with the first token in which
    the whole differs from its prompt.

    Parameters
    ----------
    inner
        The model's tokenizer.
    end
        The token that ends a text, or None.
    loss
        The tokens that the loss asks for: "completion" or "all"; None for "completion".
    """

    types = True

    def __init__(self, inner: Tokenizer, end: int | None, loss: str | None = None) -> None:
        check_loss(loss)
        self._tokens, self.end, self.loss = inner, end, loss
        self.inner, self.max_length = inner.inner, inner.max_length
        # What is too long is cut here, since TRL cuts what the tokenizer adds, too.
        self.inner.no_truncation()
        self.size = inner.size
        self.token, self.word, self.save = inner.token, inner.word, inner.save
        self.special = inner.special | ({end} if end is not None else set())
        self._written = "" if end is None else inner.inner.id_to_token(end)

    def asking(self, loss: str | None) -> PlainTokenizer:
        """Return the same tokenizer for another loss."""
        return PlainTokenizer(self._tokens, self.end, loss)

    def scopes(
        self, texts: Sequence[str], texts2: Sequence[str] | None = None
    ) -> dict[str, Encoded]:
        """Tokenize for each loss that a training may have had, TRL's default first."""
        names = LOSSES if texts2 is not None else ("all",)
        return {name: self.asking(name).encode(texts, texts2) for name in names}

    def encode(
        self, texts: Sequence[str], texts2: Sequence[str] | None = None, what: str | None = None
    ) -> Encoded:
        """Tokenize many; `what` names the progress bar, None shows none."""
        parts, second, truncated = [], [], 0
        with track(what or "", len(texts) if what else 0, "texts") as advance:
            for prompt, one in self._encoded(texts, texts2):
                ids = np.asarray(one.ids, np.int32)
                parts.append(ids[: self.max_length])
                begins = 0 if self.loss == "all" or prompt is None else alike(prompt, one.ids)
                second.append(min(begins, self.max_length))
                truncated += len(ids) > self.max_length
                if what:
                    advance(1)
        return Encoded.of(parts, second, truncated)

    def positions(
        self, texts: Sequence[str], texts2: Sequence[str] | None = None
    ) -> list[list[TokenAt]]:
        """Say where in the texts each token stands; the end that was added stands nowhere."""
        found = []
        pairs = zip(texts, texts2 or [""] * len(texts), strict=True)
        for (text, text2), (_, one) in zip(pairs, self._encoded(texts, texts2), strict=True):
            places = zip(one.ids, one.special_tokens_mask, one.offsets, strict=True)
            found.append(
                [
                    TokenAt(token, None if special else _span(text, text2, *place))
                    for token, special, place in list(places)[: self.max_length]
                ]
            )
        return found

    def _encoded(
        self, texts: Sequence[str], texts2: Sequence[str] | None
    ) -> Iterator[tuple[list[int] | None, Any]]:
        """Yield each prompt's tokens, None without one, and the whole text's encoding."""
        for start in range(0, len(texts), _CHUNK):
            prompts = list(texts[start : start + _CHUNK])
            second = prompts if texts2 is None else texts2[start : start + _CHUNK]
            ended = [
                one if not self._written or one.endswith(self._written) else one + self._written
                for one in second
            ]
            if texts2 is None:
                yield from ((None, one) for one in self.inner.encode_batch(ended))
                continue
            whole = [prompt + one for prompt, one in zip(prompts, ended, strict=True)]
            begun = self.inner.encode_batch_fast(prompts)
            for prompt, one in zip(begun, self.inner.encode_batch(whole), strict=True):
                yield prompt.ids, one


def check_loss(loss: str | None) -> None:
    """Refuse a loss that plain texts can't have had (InputError)."""
    if loss not in (None, *LOSSES):
        raise InputError(
            f"{option('loss')} is {loss!r}, but the data holds no conversations; it must be one of "
            f"{', '.join(LOSSES)}."
        )


def alike(ids: Sequence[int], others: Sequence[int]) -> int:
    """Return with how many of the same tokens two sequences begin."""
    pairs = zip(ids, others, strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def _span(text: str, text2: str, start: int, end: int) -> Span | None:
    """Return where a token stands; a token over both texts in the second, which it reaches."""
    whole = text + text2
    if start >= len(whole):
        return None
    end = min(end, len(whole))
    while start < end - 1 and whole[start].isspace():
        start += 1
    if end <= len(text):
        return "text", start, end
    return "text2", max(0, start - len(text)), end - len(text)

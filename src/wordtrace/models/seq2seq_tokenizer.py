"""A prompt for the encoder and a completion for the decoder as one row of token ids."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from wordtrace.data.batches import Encoded
from wordtrace.errors import InputError, option
from wordtrace.models.tokenizer import FILE, TokenAt, Tokenizer

#: The tokenizer of the completions, where it is another one than the prompts'.
TARGET_FILE = "target_tokenizer.json"
# Their decoder begins with the completion's last token (the language), not with one of its own.
_TURNED = ("mbart", "plbart")


@dataclass(frozen=True)
class Decoding:
    """How a model's decoder is fed in training.

    Attributes
    ----------
    start
        The token put before a completion; None: the completion's own last token.
    max_length
        The most tokens of a completion, `start` left out.
    target
        Completions have a tokenizer of their own.
    """

    start: int | None
    max_length: int
    target: bool = False

    @classmethod
    def of(cls, config: Mapping[str, Any], max_length: int, *, target: bool) -> Decoding:
        """Read from a model's ``config.json`` (InputError where it does not tell)."""
        if config.get("model_type") in _TURNED:
            return cls(None, max_length, target)
        start = config.get("decoder_start_token_id")
        if not isinstance(start, int):
            raise InputError(
                "the model's config.json names no decoder_start_token_id; add the one that the "
                "training used."
            )
        return cls(start, max_length, target)


class Seq2SeqTokenizer:
    """A prompt for the encoder and a completion for the decoder, one after the other.

    A pair (text, text2) becomes the prompt's tokens, then the decoder's: its start token and the
    completion's. What the batch knows as the second text begins with the start token.

    Parameters
    ----------
    prompts, completions
        The tokenizers of the two sides; the same vocabulary.
    decoding
        How the decoder begins.
    """

    types = True

    def __init__(self, prompts: Tokenizer, completions: Tokenizer, decoding: Decoding) -> None:
        self.prompts, self.completions, self.decoding = prompts, completions, decoding
        self.inner, self.max_length = prompts.inner, prompts.max_length
        self.token, self.word = prompts.token, prompts.word
        self.size = max(prompts.size, completions.size, (decoding.start or 0) + 1)
        start = set() if decoding.start is None else {decoding.start}
        self.special: frozenset[int] = prompts.special | completions.special | start

    @classmethod
    def open(cls, folder: Path, max_length: int, decoding: Decoding) -> Seq2SeqTokenizer:
        """Read what :meth:`save` wrote into a run's folder (CorruptError)."""
        file = folder / (TARGET_FILE if decoding.target else FILE)
        return cls(
            Tokenizer.open(folder / FILE, max_length, literal=False),
            Tokenizer.open(file, decoding.max_length, literal=False),
            decoding,
        )

    def encode(
        self, texts: Sequence[str], texts2: Sequence[str] | None = None, what: str | None = None
    ) -> Encoded:
        """Tokenize many; `what` names the progress bar, None shows none."""
        prompts = self.prompts.encode(texts, what=what)
        answers = self.completions.encode(_needed(texts2), what=what)
        parts: list[np.ndarray[tuple[int], np.dtype[np.int32]]] = []
        for row in range(len(prompts)):
            answer = answers[row]
            start = answer[-1:] if self.decoding.start is None else [self.decoding.start]
            parts += [prompts[row], np.asarray(start, np.int32), answer]
        lengths = prompts.lengths + answers.lengths + 1
        if self.decoding.start is None:
            lengths -= answers.lengths == 0
        offsets = np.zeros(len(prompts) + 1, np.int64)
        np.cumsum(lengths, out=offsets[1:])
        every = np.concatenate(parts) if parts else np.empty(0, np.int32)
        truncated = min(len(prompts), prompts.truncated + answers.truncated)
        return Encoded(every, offsets, truncated, prompts.lengths)

    def positions(
        self, texts: Sequence[str], texts2: Sequence[str] | None = None
    ) -> list[list[TokenAt]]:
        """Say where in the texts each token stands; as :meth:`.Tokenizer.positions` does."""
        found = []
        for prompt, answer in zip(
            self.prompts.positions(texts), self.completions.positions(_needed(texts2)), strict=True
        ):
            start = self.decoding.start
            first = answer[-1:] if start is None else [TokenAt(start, None)]
            begun = [TokenAt(one.token, None) for one in first]
            found.append([*prompt, *begun, *(_in_second(one) for one in answer)])
        return found

    def save(self, path: Path) -> None:
        """Write ``tokenizer.json``, and the completions' beside it where it is another."""
        self.prompts.save(path)
        if self.decoding.target:
            self.completions.save(path.with_name(TARGET_FILE))


def _needed(texts2: Sequence[str] | None) -> Sequence[str]:
    if texts2 is None:
        raise InputError(
            "a sequence-to-sequence model takes a prompt and a completion; give the completion's "
            f"column by {option('text2')}."
        )
    return texts2


def _in_second(one: TokenAt) -> TokenAt:
    if one.span is None:
        return one
    return TokenAt(one.token, ("text2", one.span[1], one.span[2]))

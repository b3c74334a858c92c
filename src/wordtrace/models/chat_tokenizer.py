"""Conversations as token ids, and which of the tokens the loss asks for, as TRL prepares them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from wordtrace.data.batches import Encoded
from wordtrace.data.conversations import Conversation, Malformed, content_of
from wordtrace.errors import InputError, option
from wordtrace.execute.progress import track
from wordtrace.models.chat_template import ChatTemplate, Written
from wordtrace.models.chat_turns import Dialogue, Turn, find_turns
from wordtrace.models.plain_tokenizer import alike
from wordtrace.models.tokenizer import TokenAt, Tokenizer

#: The assistant's turns in the completion: where TRL is asked for both.
BOTH = "completion+assistant"
#: The tokens that a loss may ask for.
LOSSES = ("completion", "all", "assistant", BOTH)
#: A conversation that says next to nothing.
SHORTEST = Conversation(
    (), ({"role": "user", "content": "."}, {"role": "assistant", "content": "."})
).text()
_CHUNK = 1024

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class _Read:
    """A conversation, as it is written and as it is tokenized."""

    conversation: Conversation
    written: Written
    encoding: Any


class ChatTokenizer:
    """Conversations, each given as its document's text, as language models are trained on them.

    A conversation is written by the chat template and tokenized as it stands, without further
    special tokens; what is longer than `max_length` loses its end.

    Parameters
    ----------
    inner
        The model's tokenizer.
    template
        Its chat template.
    loss
        The tokens that the loss asks for: "completion" (the answer: what follows the prompt, or the
        last turn of the assistant), "assistant" (each of its turns), "completion+assistant" (both),
        or "all"; None for what TRL does by default: "completion" where prompt and completion stand
        apart, else "all".
    """

    types = True

    def __init__(self, inner: Tokenizer, template: ChatTemplate, loss: str | None = None) -> None:
        if loss not in (None, *LOSSES):
            raise InputError(
                f"{option('loss')} is {loss!r}; it must be one of {', '.join(LOSSES)}."
            )
        self._tokens, self.template, self.loss = inner, template, loss
        self._spoken = loss in ("assistant", BOTH)
        self.inner, self.max_length = inner.inner, inner.max_length
        # What is too long is cut here: the assistant's turns are found in the whole.
        self.inner.no_truncation()
        self.size = inner.size
        self.token, self.word = inner.token, inner.word
        added = inner.inner.get_added_tokens_decoder()
        self.special = inner.special | {id for id, one in added.items() if one.special}

    def asking(self, loss: str | None) -> ChatTokenizer:
        """Return the same tokenizer for another loss."""
        return ChatTokenizer(self._tokens, self.template, loss)

    def encode(
        self, texts: Sequence[str], texts2: Sequence[str] | None = None, what: str | None = None
    ) -> Encoded:
        """Tokenize many; `what` names the progress bar, None shows none.

        Raises
        ------
        InputError
            For a conversation that can't be read, or that the template refuses.
        """
        parts, counted, truncated = [], [], 0
        with track(what or "", len(texts) if what else 0, "texts") as advance:
            for one in self._read(texts, texts2):
                ids = np.asarray(one.encoding.ids, np.int32)
                parts.append(ids[: self.max_length])
                counted.append(self._counted(one)[: self.max_length])
                truncated += len(ids) > self.max_length
                if what:
                    advance(1)
        offsets = np.zeros(len(parts) + 1, np.int64)
        np.cumsum([len(part) for part in parts], out=offsets[1:])
        return Encoded(
            np.concatenate(parts) if parts else np.empty(0, np.int32),
            offsets,
            truncated,
            counted=np.concatenate(counted) if counted else np.empty(0, np.bool_),
        )

    def scopes(
        self, texts: Sequence[str], texts2: Sequence[str] | None = None
    ) -> dict[str, Encoded]:
        """Tokenize for each loss that a training may have had, TRL's default for the form first.

        The token ids may differ, too: for the assistant's turns alone TRL changes some templates.
        """
        names = ["all", "completion", "assistant"]
        if texts and _parsed(texts[0], 0).prompt:
            names = ["completion", "all", BOTH, "assistant"]
        return {name: self.asking(name).encode(texts, texts2) for name in names}

    def answers(self, texts: Sequence[str], first: int = 0) -> Encoded:
        """Tokenize queries: of the tokens that the loss asks for, only the answer's count.

        Parameters
        ----------
        first
            The number of the first query, for messages.

        Raises
        ------
        InputError
            When a conversation has no answer, or it was cut.
        """
        encoded = self.asking(BOTH if self._spoken else "completion").encode(texts)
        assert encoded.counted is not None
        for at in range(len(encoded)):
            start, end = encoded.offsets[at : at + 2]
            if not encoded.counted[start:end].any():
                raise InputError(
                    f"query {first + at} has no answer of the assistant in its first "
                    f"{self.max_length} tokens; give a conversation that ends with one."
                )
        return encoded

    def shown(self, text: str) -> str:
        """Return a conversation as the model reads it, all of it."""
        return self._written(_parsed(text, 0)).text

    def turns(self, text: str) -> list[Turn]:
        """Return where each message's content stands in what :meth:`shown` gives."""
        return list(self.dialogue(text).turns)

    def dialogue(self, text: str) -> Dialogue:
        """Return :meth:`shown` and :meth:`turns` together."""
        conversation = _parsed(text, 0)
        shown = self._written(conversation).text
        turns = find_turns(self.template, conversation, shown, self._spoken)
        return Dialogue(shown, tuple(turns))

    def answer(self, text: str) -> tuple[int, str]:
        """Return where a conversation's answer stands in what :meth:`shown` gives, and its text.

        It is the content of the last message of the assistant that is written out; empty where
        there is none.
        """
        found = self.dialogue(text)
        spoken = [one for one in found.turns if one.role == "assistant"]
        if not spoken:
            return 0, ""
        return spoken[-1].start, found.text[spoken[-1].start : spoken[-1].end]

    def contents(self, text: str) -> str:
        """Return what the messages of a conversation say, without roles or template."""
        return "\n".join(filter(None, map(content_of, _parsed(text, 0).messages)))

    def positions(
        self, texts: Sequence[str], texts2: Sequence[str] | None = None
    ) -> list[list[TokenAt]]:
        """Say where each token stands in the conversation as :meth:`shown` gives it."""
        return [
            [
                TokenAt(token, ("text", *_without_space(one.written.text, start, end)))
                for token, (start, end) in zip(
                    one.encoding.ids[: self.max_length], one.encoding.offsets, strict=False
                )
            ]
            for one in self._read(texts, texts2)
        ]

    def save(self, path: Path) -> None:
        """Write ``tokenizer.json``, and the template beside it."""
        self._tokens.save(path)
        self.template.save(path.parent)

    def _written(self, conversation: Conversation) -> Written:
        return self.template.write(conversation, spoken=self._spoken)

    def _read(self, texts: Sequence[str], texts2: Sequence[str] | None) -> Iterator[_Read]:
        if texts2 is not None:
            raise InputError(
                "this run was trained on conversations; give {'messages': […]}, a conversation."
            )
        for start in range(0, len(texts), _CHUNK):
            read = [_parsed(one, at) for at, one in enumerate(texts[start : start + _CHUNK], start)]
            written = []
            for at, one in enumerate(read, start):
                try:
                    written.append(self._written(one))
                except InputError as error:
                    raise InputError(f"conversation {at}: {error}") from None
            found = self.inner.encode_batch([one.text for one in written], add_special_tokens=False)
            yield from map(_Read, read, written, found)

    def _counted(self, one: _Read) -> Mask:
        """Return which tokens count, bool, shape (tokens before the cut,)."""
        loss = self.loss or ("completion" if one.conversation.prompt else "all")
        counted = np.ones(len(one.encoding.ids), np.bool_)
        if loss in ("completion", BOTH):
            counted[: self._begins(one)] = False
        if loss in ("assistant", BOTH):
            counted &= self._assistant(one)
        return counted

    def _begins(self, one: _Read) -> int:
        """Return where the completion begins: where it parts from the prompt, token by token."""
        conversation = one.conversation
        before = conversation.messages[: conversation.begins]
        if not before:
            return 0
        prompt = self.template.write(conversation, before, spoken=self._spoken, answer=True)
        ids = self.inner.encode(prompt.text, add_special_tokens=False).ids
        return alike(ids, one.encoding.ids)

    def _assistant(self, one: _Read) -> Mask:
        """Return which tokens are the assistant's."""
        counted = np.zeros(len(one.encoding.ids), np.bool_)
        marked = one.written.spoken
        for start, end in self._ended_turns(one) if marked is None else marked:
            first = one.encoding.char_to_token(start)
            if first is None:
                break
            last = one.encoding.char_to_token(end - 1)
            counted[first : last + 1 if last else None] = True
        return counted

    def _ended_turns(self, one: _Read) -> list[tuple[int, int]]:
        """Return the assistant's contents, each with the token that ends its turn."""
        text = one.written.text
        found = []
        for turn in find_turns(self.template, one.conversation, text, self._spoken):
            if turn.role != "assistant":
                continue
            after = one.encoding.char_to_token(turn.end) if turn.end < len(text) else None
            ends = after is not None and one.encoding.ids[after] in self.special
            found.append((turn.start, one.encoding.offsets[after][1] if ends else turn.end))
        return found


def _parsed(text: str, place: int) -> Conversation:
    try:
        return Conversation.of(text)
    except Malformed as error:
        raise InputError(f"conversation {place}: {error}") from None


def _without_space(text: str, start: int, end: int) -> tuple[int, int]:
    while start < end - 1 and text[start] == " ":
        start += 1
    return start, end

"""From token ids back to the texts that they stand for, and to the places of tokens in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import tokenizers

from wordtrace.models.chat_tokenizer import ChatTokenizer
from wordtrace.models.completions import CompletionTokenizer, in_completion
from wordtrace.models.plain_tokenizer import PlainTokenizer
from wordtrace.models.protocol import TextTokenizer
from wordtrace.models.seq2seq_tokenizer import Seq2SeqTokenizer
from wordtrace.models.tokenizer import TokenAt

Ids = Sequence[int]
#: What a decoder writes for bytes that are no whole character.
_BROKEN = "\ufffd"


@dataclass(frozen=True)
class Template:
    """The special tokens that a tokenizer puts before, between and after texts."""

    before: tuple[int, ...]
    between: tuple[int, ...]
    after: tuple[int, ...]

    @classmethod
    def of(cls, inner: tokenizers.Tokenizer) -> Template:
        """Find them by tokenizing two texts."""
        given = inner.encode("a", "b")
        first, second = (
            [at for at, one in enumerate(given.sequence_ids) if one == which] for which in (0, 1)
        )
        ids = tuple(given.ids)
        if not first or not second:
            return cls((), (), ())
        return cls(ids[: first[0]], ids[first[-1] + 1 : second[0]], ids[second[-1] + 1 :])

    def inside(self, ids: Ids) -> tuple[int, int]:
        """Return from where to where `ids` are no special tokens at the ends."""
        start, end = 0, len(ids)
        if self.before and tuple(ids[: len(self.before)]) == self.before:
            start = len(self.before)
        if self.after and end - start >= len(self.after):
            end -= len(self.after) * (tuple(ids[end - len(self.after) :]) == self.after)
        return start, end

    def parted(self, ids: Ids) -> tuple[int, int] | None:
        """Return from where to where the tokens between two texts stand; None: nowhere."""
        start, end = self.inside(ids)
        size = len(self.between)
        for at in range(start, end - size + 1) if size else ():
            if tuple(ids[at : at + size]) == self.between:
                return at, at + size
        return None


class IdsAsText:
    """Writes an example's token ids as text, for people to read.

    Special tokens at the ends are left out. A language model's prompt ends where the first token
    counts, and prompt and completion together are the text of all its tokens.

    Parameters
    ----------
    tokenizer
        The one that made the ids.
    pairs
        Whether an example has two texts.
    end
        The token that may end a language model's text; by default the one that the tokenizer adds.
    """

    def __init__(self, tokenizer: TextTokenizer, pairs: bool, end: int | None = None) -> None:
        self._tokenizer, self._pairs, self._end = tokenizer, pairs, end
        if end is None and isinstance(tokenizer, CompletionTokenizer | PlainTokenizer):
            self._end = tokenizer.end
        self._template = Template.of(tokenizer.inner)
        self._target = self._template
        if isinstance(tokenizer, Seq2SeqTokenizer):
            self._target = Template.of(tokenizer.completions.inner)

    def parted(self, ids: Ids) -> bool:
        """Whether tokens that stand between two texts stand in an example."""
        return self._template.parted(ids) is not None

    def texts(self, ids: Ids, second: int) -> tuple[str, str]:
        """Return an example's text and, for pairs, its second text, which is else empty.

        Parameters
        ----------
        second
            For a language model: where its completion begins.
        """
        found = {"text": "", "text2": ""}
        for field, start, end in self._pieces(ids, second):
            found[field] = self._read(ids[start:end])
        whole = found["text"]
        if self._joined:
            start, end = self._completed(ids)
            prompt = self._read(ids[start : max(start, min(second, end))])
            at = _shared(prompt, whole)
            return whole[:at], whole[at:]
        return whole, found["text2"]

    def positions(self, ids: Ids, second: int, text: str, text2: str = "") -> list[TokenAt]:
        """Say where each token stands in the example's texts, as they are shown."""
        found = [TokenAt(int(one), None) for one in ids]
        if isinstance(self._tokenizer, ChatTokenizer):
            shown = self._tokenizer.shown(text)
            pieces, limits = [("text", 0, len(ids))], {"text": len(shown)}
        else:
            shown, pieces = None, self._pieces(ids, second)
            limits = {"text": len(text), "text2": len(text2)}
            if self._joined:
                limits["text"] += len(text2)
        for field, start, end in pieces:
            here = ids[start:end]
            for at, (first, last) in enumerate(self._places(here, shown), start):
                if first < min(last, limits[field]):
                    found[at] = TokenAt(found[at].token, (field, first, min(last, limits[field])))
        return [in_completion(one, text) for one in found] if self._joined else found

    @property
    def _joined(self) -> bool:
        return self._pairs and isinstance(self._tokenizer, CompletionTokenizer | PlainTokenizer)

    def _pieces(self, ids: Ids, second: int) -> list[tuple[str, int, int]]:
        """Return from where to where each text's tokens stand."""
        if isinstance(self._tokenizer, Seq2SeqTokenizer):
            prompt, answer = (
                self._template.inside(ids[:second]),
                self._target.inside(ids[second + 1 :]),
            )
            return [
                ("text", *prompt),
                ("text2", second + 1 + answer[0], second + 1 + answer[1]),
            ]
        if isinstance(self._tokenizer, CompletionTokenizer | PlainTokenizer):
            return [("text", *self._completed(ids))]
        start, end = self._template.inside(ids)
        between = self._template.parted(ids) if self._pairs else None
        if between is None:
            return [("text", start, end)]
        return [("text", start, between[0]), ("text2", between[1], end)]

    def _completed(self, ids: Ids) -> tuple[int, int]:
        """Return from where to where a prompt and its completion stand, without the end token."""
        start, end = self._template.inside(ids)
        if end > start and ids[end - 1] == self._end:
            end -= 1
        return start, end

    def _read(self, ids: Ids) -> str:
        found: str = self._tokenizer.inner.decode(list(ids), skip_special_tokens=False)
        return found

    def _places(self, ids: Ids, shown: str | None) -> list[tuple[int, int]]:
        """Return the characters of each token: those that it adds to the text of those before.

        Parameters
        ----------
        shown
            The text in which they stand; None for the one that they say.
        """
        whole = self._read(ids) if shown is None else shown
        places, first = [], 0
        for count in range(1, len(ids) + 1):
            read = self._read(ids[:count])
            after = max(first, _shared(read.rstrip(_BROKEN), whole))
            # A token that holds a part of a character stands where the character does.
            last = max(after, min(first + 1, len(whole))) if read.endswith(_BROKEN) else after
            start = first
            while start < last - 1 and whole[start].isspace():
                start += 1
            places.append((start, last))
            first = after
        return places


def _shared(one: str, other: str) -> int:
    """Return how many characters two texts begin with alike."""
    if other.startswith(one):
        return len(one)
    pairs = zip(one, other, strict=False)
    return next((at for at, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))

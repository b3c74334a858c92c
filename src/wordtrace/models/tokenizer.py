"""Tokens of a text and where they stand in it: WordPiece trained on the data, or any that is given.

With a tokenizer that is trained on the data, a "[CLS]" or "[PAD]" in a text stays text: only the
template makes special tokens. For a model from elsewhere it is what it was in its training: the
special token.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tokenizers
from tokenizers import decoders, models, normalizers, pre_tokenizers, processors, trainers

from wordtrace.data.batches import Encoded
from wordtrace.errors import CorruptError, DataError, InputError, option
from wordtrace.execute.progress import track

FILE = "tokenizer.json"
_SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
_CHUNK = 4096
_LONG = re.compile(r"(\w{1000})(?=\w)")
_SPACE = str.maketrans({" ": "▁", "\n": "⏎", "\t": "⇥"})

Span = tuple[str, int, int]


@dataclass(frozen=True)
class TokenAt:
    """A token at a position: its id and the characters it covers; None for special tokens."""

    token: int
    span: Span | None


class Tokenizer:
    """A Hugging Face ``tokenizers.Tokenizer`` with a maximum length.

    Parameters
    ----------
    inner
        The tokenizer. Its own truncation tells which text of a pair is cut and at which side (by
        default the longer one, at its right); its length and its padding are replaced.
    max_length
        The most tokens of an example, special tokens included.
    types
        The model is told which tokens are a pair's second text.
    literal
        A special token that stands in a text stays text.
    """

    def __init__(
        self,
        inner: tokenizers.Tokenizer,
        max_length: int,
        *,
        types: bool = False,
        literal: bool = True,
    ) -> None:
        special = inner.num_special_tokens_to_add(is_pair=True)
        if max_length <= special:
            raise InputError(
                f"the maximum length is {max_length}, but {special} tokens are special; "
                f"give {option('max_length', special + 1)} or more."
            )
        self.inner = inner
        self.max_length = max_length
        self.types = types
        #: One more than the highest id.
        self.size = max(inner.get_vocab(with_added_tokens=True).values(), default=-1) + 1
        self._byte_level = isinstance(inner.decoder, decoders.ByteLevel)
        inner.no_padding()
        cut = inner.truncation or {}
        self._cut = str(cut.get("strategy", "longest_first"))
        inner.enable_truncation(
            max_length, strategy=self._cut, direction=cut.get("direction", "right")
        )
        inner.encode_special_tokens = literal
        encoding = inner.encode("a", "b")
        self.special: frozenset[int] = frozenset(
            token
            for token, mask in zip(encoding.ids, encoding.special_tokens_mask, strict=True)
            if mask
        )

    @classmethod
    def train(cls, texts: Iterable[str], vocabulary: int, max_length: int) -> Tokenizer:
        """Train an uncased WordPiece tokenizer with [CLS] and [SEP] on `texts`.

        The same texts give the same tokenizer. (The library numbers the pieces inside a word in
        the order of a hash table that differs from process to process, and settles ties by
        number; so these pieces are handed to it in a fixed order.)

        A word of over 1,000 letters is learned in pieces of 1,000, since the library's time grows
        with the square of a word's length; none has so many but broken data.
        """
        texts = [_LONG.sub(r"\1 ", one) for one in texts]
        normalizer = normalizers.BertNormalizer(lowercase=True)
        characters = {
            piece for one in set().union(*texts) for piece in normalizer.normalize_str(one)
        }
        inside = sorted(f"##{character}" for character in characters if not character.isspace())
        trainer = trainers.WordPieceTrainer(
            vocab_size=max(vocabulary, len(_SPECIAL) + len(inside)),
            special_tokens=[*_SPECIAL, *inside],
            show_progress=False,
        )
        draft = tokenizers.Tokenizer(models.WordPiece(unk_token="[UNK]"))
        draft.normalizer = normalizer
        draft.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        draft.train_from_iterator(texts, trainer)
        # A fresh one, in which the pieces are pieces and not special tokens.
        inner = tokenizers.Tokenizer(models.WordPiece(draft.get_vocab(), unk_token="[UNK]"))
        inner.normalizer = normalizer
        inner.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        inner.add_special_tokens(list(_SPECIAL))
        ids = [(name, inner.token_to_id(name)) for name in ("[CLS]", "[SEP]")]
        inner.post_processor = processors.TemplateProcessing(
            single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=ids
        )
        return cls(inner, max_length)

    @classmethod
    def open(
        cls, path: Path, max_length: int, *, types: bool = False, literal: bool = True
    ) -> Tokenizer:
        """Read a ``tokenizer.json``.

        Raises
        ------
        CorruptError
            When the file is missing or is not a tokenizer.
        """
        try:
            inner = tokenizers.Tokenizer.from_file(str(path))
            inner.encode("a", "b")
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # plain Exception; a panic of the library is not even that
            raise CorruptError(f"{path} is not a readable tokenizer.json ({error}).") from None
        return cls(inner, max_length, types=types, literal=literal)

    def token(self, token_id: int) -> str:
        """Return the piece of text an id stands for, as the tokenizer writes it.

        Byte-level pieces are decoded, with "▁" for the space before a word as SentencePiece has it,
        "⏎" for a new line; a piece that is no whole character stays as it is.
        """
        piece = self.inner.id_to_token(token_id)
        if piece is None:
            return f"<{token_id}>"
        return readable(piece) if self._byte_level else piece

    def word(self, token_ids: Sequence[int]) -> str:
        """Return the word that some tokens spell together, without the marks of pieces.

        If the word was cut inside a character, only its whole characters are returned. If there are
        none, or only space, the tokens stay as :meth:`token` writes them.
        """
        if isinstance(self.inner.model, models.WordPiece):
            inside = self.inner.model.continuing_subword_prefix
            pieces = [self.token(token) for token in token_ids]
            return pieces[0] + "".join(piece.removeprefix(inside) for piece in pieces[1:])
        text = ""
        if self.inner.decoder is not None:
            text = self.inner.decode(token_ids, skip_special_tokens=False).strip().strip("\ufffd")
        return text or "".join(self.token(token) for token in token_ids)

    def encode(
        self, texts: Sequence[str], texts2: Sequence[str] | None = None, what: str | None = None
    ) -> Encoded:
        """Tokenize many examples; `what` names the progress bar, None shows none.

        Returns
        -------
        Encoded
            With the number of examples that were truncated.
        """
        parts: list[np.ndarray[tuple[int], np.dtype[np.int32]]] = []
        second: list[int] = []
        truncated = 0
        for encoding in self._encoded(texts, texts2, what):
            parts.append(np.asarray(encoding.ids, dtype=np.int32))
            truncated += bool(encoding.overflowing)
            if self.types:
                second.append(encoding.type_ids.count(0))
        offsets = np.zeros(len(parts) + 1, np.int64)
        np.cumsum([len(part) for part in parts], out=offsets[1:])
        return Encoded(
            np.concatenate(parts) if parts else np.empty(0, np.int32),
            offsets,
            truncated,
            np.array(second, np.int64) if self.types else None,
        )

    def positions(
        self, texts: Sequence[str], texts2: Sequence[str] | None = None
    ) -> list[list[TokenAt]]:
        """Tokenize examples and say where in the texts each token stands.

        Returns
        -------
        list
            For each example one :class:`TokenAt` a position, as many as :meth:`encode` gives;
            spans are ("text" or "text2", start, end) in characters.
        """
        pairs: list[Any] = list(texts)
        if texts2 is not None:
            pairs = list(zip(texts, texts2, strict=True))
        return [
            [
                TokenAt(token, None if special else _span(one, sequence, start, end))
                for token, special, (start, end), sequence in zip(
                    encoding.ids,
                    encoding.special_tokens_mask,
                    encoding.offsets,
                    encoding.sequence_ids,
                    strict=True,
                )
            ]
            for one, encoding in zip(pairs, self._batch(pairs), strict=True)
        ]

    def save(self, path: Path) -> None:
        """Write ``tokenizer.json``."""
        path.write_text(self.inner.to_str(), encoding="utf-8")

    def _encoded(
        self, texts: Sequence[str], texts2: Sequence[str] | None, what: str | None
    ) -> Iterator[tokenizers.Encoding]:
        with track(what or "", len(texts) if what else 0, "texts") as advance:
            for start in range(0, len(texts), _CHUNK):
                chunk: list[str] | list[tuple[str, str]] = list(texts[start : start + _CHUNK])
                if texts2 is not None:
                    second = texts2[start : start + _CHUNK]
                    chunk = list(zip(texts[start : start + _CHUNK], second, strict=True))
                yield from self._batch(chunk, fast=True)
                if what:
                    advance(len(chunk))

    def _batch(self, chunk: list[Any], *, fast: bool = False) -> list[tokenizers.Encoding]:
        encode = self.inner.encode_batch_fast if fast else self.inner.encode_batch
        try:
            found: list[tokenizers.Encoding] = encode(chunk)
        except Exception:  # the library raises plain Exception
            for one in chunk:
                self._check_can_be_cut(one)
            raise
        except BaseException as error:
            # A panic of the library, which is no Exception: for want of threads, or by its file.
            if type(error).__name__ != "PanicException" or "ThreadPool" in str(error):
                raise
            raise CorruptError(
                f"the tokenizer fails ({error}): its tokenizer.json is damaged; put the old file "
                "back, or train again."
            ) from None
        return found

    def _check_can_be_cut(self, one: str | tuple[str, str]) -> None:
        """Refuse a text, or a pair, that can't be cut as the tokenizer says (DataError)."""
        try:
            self.inner.encode_batch([one])
        except Exception:  # the library raises plain Exception
            first = one if isinstance(one, str) else one[0]
            cut = "first" if self._cut == "only_first" else "second"
            raise DataError(
                f"the example that begins {first[:40]!r} has more than {self.max_length} tokens, "
                f"and this tokenizer cuts the {cut} text of a pair alone, which is not long "
                "enough: shorten the example, or give a larger maximum length."
            ) from None


def _span(texts: str | tuple[str, str], sequence: int | None, start: int, end: int) -> Span:
    """Return where a token stands, without the space before it that some tokenizers count in."""
    text = texts if isinstance(texts, str) else texts[1 if sequence == 1 else 0]
    while start < end - 1 and text[start].isspace():
        start += 1
    return ("text2" if sequence == 1 else "text", start, end)


def readable(piece: str) -> str:
    """Return a byte-level piece as text, as it is where that gives none; space is made visible."""
    try:
        text = bytes(_BYTES[character] for character in piece).decode()
    except (KeyError, UnicodeDecodeError):
        return piece
    return text.translate(_SPACE)


def _byte_stand_ins() -> dict[str, int]:
    """Return GPT-2's table: printable bytes stand for themselves, others from U+0100 on."""
    plain = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    table = {chr(byte): byte for byte in plain}
    others = (byte for byte in range(256) if byte not in plain)
    return table | {chr(0x100 + place): byte for place, byte in enumerate(others)}


_BYTES = _byte_stand_ins()

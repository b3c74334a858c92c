"""The words of many texts as sets of numbers, rare words first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import regex

from wordtrace.execute.progress import track

_CHUNK = 1 << 16
#: What stands between words; letters with their marks, and digits, are words.
_BETWEEN = r"[^\p{L}\p{M}\p{N}]+"
#: Letters of scripts that put no space between words: each is a word of its own.
_ALONE = r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]"
#: A word of a text, as :func:`word_sets` takes it.
WORD = regex.compile(rf"{_ALONE}|(?:(?!{_ALONE})[\p{{L}}\p{{M}}\p{{N}}])+")

Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class WordSets:
    """The words of each row, whatever their case.

    A word that stands twice in a text is two elements, "the" and "the for the second time"; a word
    of a pair's second text is another element than that of the first. A text without any word is
    its own only word.

    Attributes
    ----------
    element
        int64, shape (words of all rows,): those of a row stand together, rising, rare ones first.
    offsets
        int64, shape (rows + 1,): where the elements of each row begin.
    rows_with
        int64, shape (elements,): in how many rows each element stands; it never falls.
    word
        int64, shape (elements,): the place in `words` of each element's word.
    words
        The words, as pyarrow strings.
    """

    element: Numbers
    offsets: Numbers
    rows_with: Numbers
    word: Numbers
    words: pa.Array

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def sizes(self) -> Numbers:
        """How many words each row has, int64, shape (rows,); at least 1."""
        return np.diff(self.offsets)

    def names(self, elements: Numbers) -> list[str]:
        """Return the words of some elements."""
        found: list[str] = self.words.take(pa.array(self.word[elements])).to_pylist()
        return found


def word_sets(fields: Sequence[pa.ChunkedArray]) -> WordSets:
    """Read the words of texts; for pairs, two fields of as many texts."""
    count = len(fields[0])
    chunks: list[pa.DictionaryArray] = []
    lengths: list[Numbers] = []
    with track("Words", count * len(fields), "texts") as advance:
        for field in fields:
            for start in range(0, count, _CHUNK):
                words, each = _split(field.slice(start, _CHUNK).combine_chunks())
                chunks.append(words.dictionary_encode())
                lengths.append(each)
                advance(len(each))
    joined = pa.chunked_array(chunks, pa.dictionary(pa.int32(), pa.large_string()))
    joined = joined.unify_dictionaries()
    names = joined.chunk(0).dictionary if joined.num_chunks else pa.array([], pa.large_string())
    code = np.concatenate([np.empty(0, np.int64), *(one.indices for one in joined.chunks)])
    each = np.concatenate([np.empty(0, np.int64), *lengths])
    rows = np.repeat(np.tile(np.arange(count), len(fields)), each)
    if len(fields) > 1:
        second = len(code) - int(sum(map(np.sum, lengths[len(lengths) // 2 :])))
        code[second:] += len(names)
    return _numbered(rows, code, count, names)


def _split(texts: pa.Array) -> tuple[pa.Array, Numbers]:
    """Return the words of some texts, one after the other, and how many each text has."""
    texts = texts.cast(pa.large_string())
    plain = pc.utf8_lower(pc.utf8_normalize(texts, "NFKC"))
    if pc.any(pc.match_substring_regex(plain, _ALONE)).as_py():
        plain = pc.replace_substring_regex(plain, f"({_ALONE})", r" \1 ")
    found = pc.split_pattern_regex(plain, _BETWEEN)
    each = found.value_lengths().to_numpy(zero_copy_only=False).astype(np.int64)
    flat = found.flatten()
    real = pc.greater(pc.binary_length(flat), 0)
    row = np.repeat(np.arange(len(texts)), each)[real.to_numpy(zero_copy_only=False)]
    flat = flat.filter(real).cast(pa.large_string())
    each = np.bincount(row, minlength=len(texts))
    bare = np.flatnonzero(each == 0)
    if len(bare):
        itself = pc.utf8_trim_whitespace(texts.take(pa.array(bare)))
        order = np.argsort(np.concatenate([row, bare]), kind="stable")
        flat = pa.concat_arrays([flat, itself]).take(pa.array(order))
        each[bare] = 1
    return flat, each.astype(np.int64)


def _numbered(rows: Numbers, code: Numbers, count: int, names: pa.Array) -> WordSets:
    """Number words as elements, the second of its kind in a row as another one, rare ones first."""
    span = int(code.max(initial=0)) + 1
    key = rows * span + code
    key.sort()
    at = np.arange(len(key))
    first = np.concatenate([[True], key[1:] != key[:-1]]) if len(key) else np.empty(0, bool)
    again = at - np.maximum.accumulate(np.where(first, at, 0))
    rows, code = np.divmod(key, span)
    repeated = np.flatnonzero(again)
    kinds, place = np.unique(again[repeated] * span + code[repeated], return_inverse=True)
    element = code.copy()
    element[repeated] = span + place
    origin = np.concatenate([np.arange(span), kinds % span])
    often = np.bincount(element, minlength=len(origin))
    order = np.argsort(often, kind="stable")
    order = order[np.searchsorted(often[order], 1) :]
    rank = np.zeros(len(origin), np.int64)
    rank[order] = np.arange(len(order))
    key = rows * max(1, len(order)) + rank[element]
    key.sort()
    offsets = np.zeros(count + 1, np.int64)
    np.cumsum(np.bincount(rows, minlength=count), out=offsets[1:])
    return WordSets(
        key % max(1, len(order)), offsets, often[order], origin[order] % max(1, len(names)), names
    )

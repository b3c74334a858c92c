"""Token ids of many texts as two flat arrays, and batches of similar length cut from them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]

_ROWS = 50_000


@dataclass(frozen=True)
class Encoded:
    """Tokenized examples: example i has the ids ``ids[offsets[i]:offsets[i + 1]]``.

    Attributes
    ----------
    ids
        int32, shape (positions,): token ids, special tokens included, no padding.
    offsets
        int64, shape (examples + 1,), rising from 0.
    truncated
        How many texts were longer than the maximum length and lost their end.
    second
        int64, shape (examples,): the position where a pair's second text starts, for models that
        tell the two by token types; the length where there is no second. None for other models.
    asked
        int64, shape (examples, 2): from which position to before which a completion counts, where
        not all of it does; None where all does.
    counted
        bool, shape (positions,): for a language model's examples whose counted tokens are no one
        piece at the end (a conversation of several turns), which tokens the loss asks for. It takes
        the place of `second`, which is then None.
    """

    ids: npt.NDArray[np.int32]
    offsets: npt.NDArray[np.int64]
    truncated: int = 0
    second: IntArray | None = None
    asked: IntArray | None = None
    counted: npt.NDArray[np.bool_] | None = None

    @classmethod
    def of(
        cls, parts: Sequence[npt.NDArray[np.int32]], second: Sequence[int], truncated: int
    ) -> Encoded:
        """Join the ids of each example, int32; `second` says where its second text starts."""
        offsets = np.zeros(len(parts) + 1, np.int64)
        np.cumsum([len(part) for part in parts], out=offsets[1:])
        every = np.concatenate(parts) if parts else np.empty(0, np.int32)
        return cls(every, offsets, truncated, np.array(second, np.int64))

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def lengths(self) -> IntArray:
        """int64, shape (examples,): tokens of each example."""
        return np.diff(self.offsets)

    def __getitem__(self, row: int) -> npt.NDArray[np.int32]:
        return self.ids[self.offsets[row] : self.offsets[row + 1]]

    def take(self, rows: IntArray) -> Encoded:
        """Return the examples at `rows`, in that order."""
        parts = [self[row] for row in rows]
        ids = np.concatenate(parts) if parts else np.empty(0, np.int32)
        offsets = np.concatenate([[0], np.cumsum([len(part) for part in parts])])
        second = None if self.second is None else self.second[rows]
        asked = None if self.asked is None else self.asked[rows]
        counted = None
        if self.counted is not None:
            held = [self.counted[self.offsets[row] : self.offsets[row + 1]] for row in rows]
            counted = np.concatenate(held) if held else np.empty(0, np.bool_)
        return Encoded(ids, offsets, second=second, asked=asked, counted=counted)

    def between(self, start: int, end: int) -> Encoded:
        """Return consecutive examples; ids are a view."""
        bounds = self.offsets[start : end + 1]
        second = None if self.second is None else self.second[start:end]
        asked = None if self.asked is None else self.asked[start:end]
        ids = self.ids[bounds[0] : bounds[-1]]
        counted = None if self.counted is None else self.counted[bounds[0] : bounds[-1]]
        return Encoded(ids, bounds - bounds[0], second=second, asked=asked, counted=counted)

    def padded(self, rows: IntArray) -> tuple[IntArray, npt.NDArray[np.bool_]]:
        """Return the examples at `rows` as a rectangle.

        Returns
        -------
        ids
            int64, shape (len(rows), longest); 0 at padding.
        mask
            bool, the same shape; False at padding. Padding is told by this mask alone, never by an
            id, since a text may hold the padding token itself.
        """
        lengths = self.lengths[rows]
        position = np.arange(int(lengths.max(initial=1)))
        mask = position[None, :] < lengths[:, None]
        ids = np.zeros(mask.shape, np.int64)
        source = self.offsets[rows][:, None] + position[None, :]
        ids[mask] = self.ids[source[mask]]
        return ids, mask

    def types(self, rows: IntArray, mask: npt.NDArray[np.bool_]) -> IntArray | None:
        """Return the token types that go with :meth:`padded`, or None.

        1 in a second text, or where a token counts; 2 where it does not count after all.
        """
        position = np.arange(mask.shape[1])[None, :]
        if self.counted is not None:
            types = np.zeros(mask.shape, np.int64)
            source = self.offsets[rows][:, None] + position
            types[mask] = self.counted[source[mask]]
        elif self.second is not None:
            types = ((position >= self.second[rows][:, None]) & mask).astype(np.int64)
        else:
            return None
        if self.asked is not None:
            start, end = (column[:, None] for column in self.asked[rows].T)
            types[(types == 1) & ((position < start) | (position >= end))] = 2
        return types


def by_length(lengths: IntArray, batch_size: int, tokens: int | None = None) -> Iterator[IntArray]:
    """Cut rows into batches of similar length, so that little of a batch is padding.

    Parameters
    ----------
    lengths
        int64, shape (rows,).
    batch_size
        The most rows in a batch.
    tokens
        The most positions (rows × longest) in a batch, so that memory is bounded on long texts;
        None for no such limit. A single row may exceed it.

    Yields
    ------
    int64 row numbers, longest batch first: what does not fit in memory fails at once, not at the
    end. Rows of equal length keep their order.
    """
    order = np.argsort(-lengths, kind="stable")
    start = 0
    while start < len(order):
        longest = max(int(lengths[order[start]]), 1)
        count = batch_size if tokens is None else max(1, min(batch_size, tokens // longest))
        yield order[start : start + count]
        start += count


def document_frequency(encoded: Encoded, vocabulary: int) -> IntArray:
    """Count the examples that hold each token, shape (vocabulary,)."""
    total = np.zeros(vocabulary, np.int64)
    for start in range(0, len(encoded), _ROWS):  # so that a million texts fit in memory
        bounds = encoded.offsets[start : start + _ROWS + 1]
        row = np.repeat(np.arange(len(bounds) - 1, dtype=np.int64), np.diff(bounds))
        pairs = np.unique(row * vocabulary + encoded.ids[bounds[0] : bounds[-1]])
        total += np.bincount(pairs % vocabulary, minlength=vocabulary)
    return total

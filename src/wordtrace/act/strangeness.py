"""How unlike the others each row's text is, by its words, its letters, its kin and its length."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from wordtrace.act.word_sets import WordSets, word_sets
from wordtrace.execute.progress import track
from wordtrace.index.folder import IndexFolder
from wordtrace.run.run import Run

Values = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.int64]

#: The parts of which the strangeness is made.
PARTS = ("words", "letters", "alone", "length")

_COMPARED, _SEED = 2000, 11
_BLOCK = 4096
_BYTES = 1 << 24
_USUAL = 0.2


@dataclass(frozen=True)
class Strangeness:
    """What is unusual about each row.

    Attributes
    ----------
    rows
        int64, shape (rows,): the index's rows, without removed ones.
    parts
        By name, float64, shape (rows,): see :class:`.outliers_result.Outlier`.
    sets
        The words of the rows.
    compared
        How many rows `alone` compares with.
    """

    rows: Numbers
    parts: dict[str, Values]
    sets: WordSets
    compared: int

    def ranking(self, by: str) -> Values:
        """Return the values that order the rows, strangest highest, shape (rows,).

        "combined" joins the parts by Fisher's method, Σ −log(1 − (rank − ½)/n): a row that is far
        out in one part counts for more than one that is somewhat unusual in all.
        """
        if by != "combined":
            return self.parts[by]
        from scipy.stats import rankdata

        shares = [(rankdata(one) - 0.5) / max(1, len(one)) for one in self.parts.values()]
        found: Values = -np.sum(np.log1p(-np.array(shares)), axis=0)
        return found


def strangeness(index: IndexFolder, run: Run) -> Strangeness:
    """Look at the texts of all rows; no gradient is read and no model asked."""
    live = np.setdiff1d(np.arange(index.manifest.examples), index.removed)
    fields = index.strings(run)
    if len(index.removed):
        fields = [field.take(live) for field in fields]
    sets = word_sets(fields)
    alone, compared = _alone(sets)
    parts = {
        "words": _rare_words(sets),
        "letters": _rare_letters(fields),
        "alone": alone,
        "length": _odd_length(sets),
    }
    return Strangeness(live, parts, sets, compared)


def _rare_words(sets: WordSets) -> Values:
    """Return the mean of −log₂ (other rows with the word + ½)/(all other rows + 1) over words."""
    count = len(sets)
    surprise = -np.log2((sets.rows_with - 0.5) / max(1, count))
    if not count:
        return np.empty(0)
    sums = np.add.reduceat(surprise[sets.element], sets.offsets[:-1])
    found: Values = sums / sets.sizes
    return found


def _rare_letters(fields: Sequence[pa.ChunkedArray]) -> Values:
    """Return the mean of −log₂ of the share of all other places with each three bytes in a row.

    Bytes stand for letters: in texts of other scripts a letter takes two or three. Capitals count
    as small letters. A text of under three bytes has the middle value.
    """
    counts = np.zeros(1 << 24, np.int64)
    blocks = [block for field in fields for block in _blocks(field)]
    with track("Letters", 2 * len(blocks), "blocks") as advance:
        for data, offsets in blocks:
            counts += np.bincount(_threes(data, offsets), minlength=len(counts))
            advance(1)
        counts[0] = 0
        everywhere = max(1, int(counts.sum()))
        sums, places = [], []
        for data, offsets in blocks:
            others = np.maximum(counts[_threes(data, offsets)] - 0.5, 0.5)
            added = np.concatenate([[0], np.cumsum(-np.log2(others / everywhere))])
            first = np.minimum(offsets[:-1], len(added) - 1)
            last = np.maximum(first, offsets[1:] - 2)
            sums.append(added[last] - added[first])
            places.append(last - first)
            advance(1)
    if not sums:
        return np.empty(0)
    total = np.concatenate(sums).reshape(len(fields), -1).sum(0)
    count = np.concatenate(places).reshape(len(fields), -1).sum(0)
    found: Values = total / np.maximum(1, count)
    if (count == 0).any() and (count > 0).any():
        found[count == 0] = np.median(found[count > 0])
    return found


def _blocks(field: pa.ChunkedArray) -> Iterator[tuple[npt.NDArray[np.uint8], Numbers]]:
    """Yield the UTF-8 bytes of some texts, and where each text begins in them."""
    for chunk in field.cast(pa.large_string()).chunks:
        _, bounds, data = chunk.buffers()
        offsets = np.frombuffer(bounds, np.int64)[chunk.offset : chunk.offset + len(chunk) + 1]
        held = np.empty(0, np.uint8) if data is None else np.frombuffer(data, np.uint8)
        cuts = np.unique((offsets - offsets[0]) // _BYTES, return_index=True)[1]
        for start, end in pairwise([*cuts[cuts < len(chunk)].tolist(), len(chunk)]):
            part = offsets[start : end + 1]
            yield held[part[0] : part[-1]], part - part[0]


def _threes(data: npt.NDArray[np.uint8], offsets: Numbers) -> npt.NDArray[np.int32]:
    """Return each three bytes in a row as one number; 0 where they are of two texts."""
    small = np.where((data >= 65) & (data <= 90), data + 32, data).astype(np.int32)
    if len(small) < 3:
        return np.empty(0, np.int32)
    found: npt.NDArray[np.int32] = (small[:-2] << 16) | (small[1:-1] << 8) | small[2:]
    for back in (1, 2):
        border = offsets[1:] - back
        found[border[(border >= 0) & (border < len(found))]] = 0
    return found


def _alone(sets: WordSets, usual: float = _USUAL) -> tuple[Values, int]:
    """Return 1 less each row's largest cosine to some other rows, and to how many of them."""
    from scipy import sparse

    count, kinds = len(sets), len(sets.rows_with)
    if count < 2:
        return np.zeros(count), 0
    weight = np.log2(count / sets.rows_with)
    # Words of so many rows weigh next to nothing, and would take most of the time.
    weight[sets.rows_with > usual * count] = 0
    matrix = sparse.csr_array(
        (weight[sets.element], sets.element, sets.offsets), shape=(count, kinds)
    )
    norm = np.sqrt(np.add.reduceat(weight[sets.element] ** 2, sets.offsets[:-1]))
    matrix = sparse.diags_array(1 / np.where(norm > 0, norm, 1)).tocsr() @ matrix
    matrix.eliminate_zeros()
    drawn = np.arange(count)
    if count > _COMPARED:
        drawn = np.sort(np.random.default_rng(_SEED).choice(count, _COMPARED, replace=False))
    others = matrix[drawn].T.tocsr()
    best = np.zeros(count)
    with track("Kin", count, "texts") as advance:
        for start in range(0, count, _BLOCK):
            near = (matrix[start : start + _BLOCK] @ others).tocoo()
            row, column = near.coords
            real = drawn[column] != row + start
            np.maximum.at(best, row[real] + start, near.data[real])
            advance(min(_BLOCK, count - start))
    return 1 - best, len(drawn)


def _odd_length(sets: WordSets) -> Values:
    """Return how far each row's number of words is from the middle, by the usual distance."""
    size = np.log(sets.sizes)
    far = np.abs(size - np.median(size)) if len(size) else size
    found: Values = far / max(0.1, float(np.median(far)) if len(far) else 1.0)
    return found

"""The strongest rows of a query without multiplying every posting of its tokens; exact.

Most of a text's postings are those of its frequent tokens, whose part of a score is often small. So
the tokens are read in two parts, those first that say most for a posting. These are multiplied as
always. Of the others it is known, by Cauchy–Schwarz, that they change the score of example x by at
most Σ_c η_c ‖g_x‖ √(Σ_w ‖g′_w‖²), where g_x are all the gradients that are held of x. Of the rows
that lead so far, the scores are then completed: what the last of the strongest has is a mark that
all the strongest reach. A row that cannot reach it by the bound, with either sign, is dropped. Of
the rows that are left, mostly few, the other tokens are added, too: for that, the numbers of their
postings' examples are read, and the gradients of these rows alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from wordtrace.errors import CorruptError
from wordtrace.execute.threads import in_threads
from wordtrace.index.postings import Block
from wordtrace.measures.accumulate import QueryTokens, accumulate, marked, products_of
from wordtrace.measures.source import Indexed
from wordtrace.measures.topn import Ranking, rank

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float32]
Marks = npt.NDArray[np.bool_]

# After these shares of the touched postings it is asked which rows may still matter.
_STAGES = (0.05, 0.15, 0.4)
# With up to this share of the rows left, the rest is read for these alone; a posting that is taken
# alone costs four times as much as one among others. With more than the second share left, bounds
# are of no use for this query.
_FEW, _HOPELESS = 0.05, 0.9
# Of so many times the rows that are wanted, scores are completed to find the mark.
_LEADERS = 4
# Sums are rounded: bounds are wider by this share of the bound of everything.
_SUMMED = 1e-5


def strongest_rows(
    source: Indexed,
    sizes: Sequence[FloatArray],
    asked: Sequence[QueryTokens],
    top: int,
    removed: IntArray,
) -> tuple[Ranking, int]:
    """Rank the rows by their scores for one query, as reading everything does, to rounding.

    Parameters
    ----------
    sizes
        For each checkpoint √(Σ_w ‖g_w‖²) of each example's gradients, or more: float32, shape
        (examples,).
    asked
        The query's token gradients at each checkpoint, in the stored dimensions.
    removed
        int64: rows without influence.

    Returns
    -------
    ranking, read
        The `top` strongest proponents and opponents, and how many postings were multiplied for all
        rows.

    Raises
    ------
    CorruptError
        When a shard is damaged.
    """
    try:
        return _strongest(source, sizes, asked, top, removed)
    except (IndexError, RuntimeError) as error:
        raise CorruptError(
            f"a shard of the index is damaged ({error}); `wordtrace check` names the file."
        ) from None


def _strongest(
    source: Indexed,
    sizes: Sequence[FloatArray],
    asked: Sequence[QueryTokens],
    top: int,
    removed: IntArray,
) -> tuple[Ranking, int]:
    parts: dict[int, list[tuple[int, Block]]] = {}
    for place in range(len(source.etas)):
        for rows, block in source.blocks(place):
            parts.setdefault(rows.start, []).append((place, block))
    query = _Query(source, sizes, asked, removed, parts, np.zeros(source.examples, np.float32))
    tokens, counts, squares = query.plan()
    before = np.cumsum(counts)
    done, marks = 0, (np.float32(0), np.float32(0))
    for share in _STAGES:
        if done == len(tokens):
            break
        end = int(np.searchsorted(before, share * before[-1])) + 1
        query.read(tokens[done:end])
        done = end
        rest, whole = (np.sqrt(one.sum(1)) for one in (squares[:, end:], squares))
        marks = query.marks(tokens[end:], top, marks)
        may = query.candidates(marks, rest + _SUMMED * whole)
        left = may.mean()
        if left <= _FEW:
            query.add_for(query.scores, tokens[end:], may)
            return _among(np.flatnonzero(may), query.scores, top), int(before[end - 1])
        if left > _HOPELESS:
            break
    query.read(tokens[done:])
    return rank(query.scores, top), int(counts.sum())


@dataclass(frozen=True)
class _Query:
    """One query, and what was added up of its scores so far.

    Attributes
    ----------
    parts
        First row → (checkpoint, block) of the same rows.
    scores
        float32, shape (examples,).
    """

    source: Indexed
    sizes: Sequence[FloatArray]
    asked: Sequence[QueryTokens]
    removed: IntArray
    parts: dict[int, list[tuple[int, Block]]]
    scores: FloatArray

    def plan(self) -> tuple[IntArray, IntArray, npt.NDArray[np.float64]]:
        """Return the tokens that the source holds, those first that say most for a posting.

        Returns
        -------
        tokens, counts
            int64: each token, and its number of postings.
        squares
            float64, shape (checkpoints, tokens): (η_c ‖g′_w‖)².
        """
        held = [np.asarray(one.tokens, np.int64) for one in self.asked]
        tokens = np.unique(np.concatenate(held))
        counts = np.zeros(len(tokens), np.int64)
        squares = np.zeros((len(held), len(tokens)))
        at = [np.searchsorted(tokens, one) for one in held]
        for place, (one, eta) in enumerate(zip(self.asked, self.source.etas, strict=True)):
            squares[place, at[place]] = eta**2 * one.gradient.double().square().sum(1).numpy()
        for place, block in (one for part in self.parts.values() for one in part):
            offsets = block.token_offsets.numpy()
            counts[at[place]] += offsets[held[place] + 1] - offsets[held[place]]
        usual = np.array([np.dot(one, one) for one in self.sizes], np.float64)
        order = np.argsort(-(usual @ squares) / np.maximum(counts, 1), kind="stable")
        order = order[counts[order] > 0]
        return tokens[order], counts[order], squares[:, order]

    def read(self, tokens: IntArray) -> None:
        """Add the products of all postings of some tokens."""
        asked = [_only(one, tokens) for one in self.asked]
        scores = self.scores.reshape(1, -1)

        def add(first: int) -> None:
            for place, block in self.parts[first]:
                accumulate(scores, block, asked[place], self.source.etas[place], first)

        in_threads(add, list(self.parts))
        self.scores[self.removed] = 0

    def marks(
        self, unread: IntArray, top: int, known: tuple[np.float32, np.float32]
    ) -> tuple[np.float32, np.float32]:
        """Return what the `top` strongest of each sign reach at least, over 0.

        Parameters
        ----------
        known
            What was found before.
        """
        leaders = rank(self.scores, _LEADERS * top)
        may = np.zeros(len(self.scores), bool)
        may[leaders.rows] = True
        rest = np.zeros(len(self.scores), np.float32)
        self.add_for(rest, unread, may)
        over = leaders.proponent_scores + rest[leaders.proponents]
        under = -leaders.opponent_scores - rest[leaders.opponents]
        return _nth(over, top, known[0]), _nth(under, top, known[1])

    def candidates(
        self, marks: tuple[np.float32, np.float32], unread: npt.NDArray[np.float64]
    ) -> Marks:
        """Return which rows may reach a mark, bool, (examples,).

        Parameters
        ----------
        unread
            float64, shape (checkpoints,): η_c √(Σ_w ‖g′_w‖²) over the unread tokens.
        """
        may = np.empty(len(self.scores), bool)
        factors = unread.astype(np.float32)

        def mark(first: int) -> None:
            here = slice(first, first + self.parts[first][0][1].count)
            bound, scores = factors[0] * self.sizes[0][here], self.scores[here]
            for factor, sizes in zip(factors[1:], self.sizes[1:], strict=True):
                bound += factor * sizes[here]
            may[here] = (scores + bound >= marks[0]) | (bound - scores >= marks[1])

        in_threads(mark, list(self.parts))
        may[self.removed] = False
        return may

    def add_for(self, scores: FloatArray, tokens: IntArray, may: Marks) -> None:
        """Add the products of some tokens' postings for the marked rows alone."""
        asked = [_only(one, tokens) for one in self.asked]
        gradients = [one.gradient * eta for one, eta in zip(asked, self.source.etas, strict=True)]

        def add(first: int) -> None:
            for place, block in self.parts[first]:
                posting, entry = marked(block, asked[place], may[first : first + block.count])
                values = products_of(block, posting, gradients[place], entry)
                np.add.at(scores, first + block.example.numpy()[posting], values)

        in_threads(add, list(self.parts))


def _only(queries: QueryTokens, tokens: IntArray) -> QueryTokens:
    """Return a single query's gradients of some tokens."""
    held = np.asarray(queries.tokens, np.int64)
    places = np.flatnonzero(np.isin(held, tokens))
    return QueryTokens(
        held[places].tolist(),
        list(range(len(places) + 1)),
        queries.query[: len(places)],
        queries.gradient[torch.from_numpy(places)],
    )


def _nth(values: FloatArray, count: int, known: np.float32) -> np.float32:
    """Return the `count`-th largest value, or what is larger: the value known, a number over 0."""
    least = max(known, np.finfo(np.float32).tiny)
    if len(values) < count:
        return least
    return max(least, np.partition(values, len(values) - count)[len(values) - count])


def _among(rows: IntArray, scores: FloatArray, top: int) -> Ranking:
    """Rank some rows, given in rising order."""
    found = rank(scores[rows], top)
    return Ranking(
        rows[found.proponents],
        rows[found.opponents],
        found.proponent_scores,
        found.opponent_scores,
    )

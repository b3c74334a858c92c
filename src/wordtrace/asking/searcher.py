"""Searching a part of an index, and an index that is spread over many machines."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from wordtrace.asking.search import ByCheckpoint, LocalSearch
from wordtrace.errors import InputError
from wordtrace.execute.actors import Actors
from wordtrace.index.folder import IndexFolder
from wordtrace.index.manifest import Manifest
from wordtrace.measures.accumulate import QueryTokens
from wordtrace.measures.protocol import Scores
from wordtrace.measures.source import Indexed
from wordtrace.measures.topn import Ranking, merge, rank
from wordtrace.measures.word_level import TokenPairs, WordMeasure
from wordtrace.run.run import Run


@dataclass(frozen=True)
class Stretch:
    """Consecutive shards of an index.

    Attributes
    ----------
    index, run
        Their folders.
    state
        The checksum of the index's manifest, which tells whether the index was changed since.
    first, end
        The stretch is the rows from `first` to before `end`.
    """

    index: str
    run: str
    state: str
    first: int
    end: int


class Searcher:
    """Keeps a stretch of an index mapped, and answers for its rows.

    Its answers equal those of the whole index at these rows, to the last bit: at each checkpoint a
    score depends on one shard alone, and checkpoints are added in the same order. Where bounds
    leave postings unread (:mod:`.measures.pruned`), each stretch adds tokens in an order of its
    own, and scores equal to rounding.

    Raises
    ------
    InputError
        When the index or the run can't be read from here, or was changed.
    """

    def __init__(self, stretch: Stretch) -> None:
        try:
            index = IndexFolder.open(stretch.index)
            self.run = index.open_run(stretch.run)
        except InputError as error:
            raise InputError(
                f"a worker on {socket.gethostname()} can't open the index: {error} Index and run "
                "must be on storage that every machine sees under the same path."
            ) from None
        if state_of(index.manifest) != stretch.state:
            raise InputError(f"{index.path} was changed since it was opened; open it again.")
        self.first, self.end = stretch.first, stretch.end
        source = Indexed(index, self.first, self.end)
        for place in range(len(source.etas)):
            list(source.blocks(place))
        removed = index.removed
        inside = (removed >= self.first) & (removed < self.end)
        self._search = LocalSearch(source, self.run, removed[inside] - self.first)

    def scores(self, measure: WordMeasure, count: int, asked: Sequence[QueryTokens]) -> Scores:
        """Return influences, float32, shape (`count` queries, rows of the stretch)."""
        return self._search.scores(measure, count, asked)

    def rank(
        self, measure: WordMeasure, count: int, asked: Sequence[QueryTokens], top: int
    ) -> list[Ranking]:
        """Return each query's `top` strongest rows of the stretch."""
        return [rank(row, top, self.first) for row in self.scores(measure, count, asked)]

    def words(
        self,
        measure: WordMeasure,
        asked: Sequence[QueryTokens],
        wanted: Sequence[npt.NDArray[np.int64]],
    ) -> list[dict[int, TokenPairs]]:
        """Split the scores of the rows wanted for each query, where they are in the stretch."""
        found = self._search.words(measure, asked, self._here(wanted))
        return [{row + self.first: words for row, words in one.items()} for one in found]

    def by_checkpoint(
        self,
        measure: WordMeasure,
        asked: Sequence[QueryTokens],
        wanted: Sequence[npt.NDArray[np.int64]],
    ) -> list[ByCheckpoint]:
        """Split the same scores by checkpoint."""
        found = self._search.by_checkpoint(measure, asked, self._here(wanted))
        return [{row + self.first: parts for row, parts in one.items()} for one in found]

    def _here(self, wanted: Sequence[npt.NDArray[np.int64]]) -> list[npt.NDArray[np.int64]]:
        """Return the rows that are in the stretch, counted from its first."""
        first, end = self.first, self.end
        return [rows[(rows >= first) & (rows < end)] - first for rows in wanted]


class Spread:
    """An index that is asked through searchers on a cluster, each with a stretch of it.

    Only names, queries and answers pass between the machines: each searcher maps its own shards.
    """

    def __init__(self, index: IndexFolder, actors: Actors) -> None:
        self.index, self._actors = index, actors
        self.examples = index.manifest.examples

    @classmethod
    def over(cls, index: IndexFolder, run: Run, address: str | None, workers: int | None) -> Spread:
        """Start searchers on a Ray cluster: `workers`, or one a core; but at most one a shard."""
        actors = Actors(address, workers)
        paths = str(index.path.resolve()), str(run.path.resolve()), state_of(index.manifest)
        spans = cut(index.manifest, actors.room)
        actors.start(Searcher, [Stretch(*paths, *span) for span in spans])
        return cls(index, actors)

    def scores(self, measure: WordMeasure, count: int, asked: Sequence[QueryTokens]) -> Scores:
        """Return influences, float32, shape (`count` queries, examples)."""
        return np.concatenate(self._actors.ask("scores", measure, count, asked), axis=1)

    def rank(
        self, measure: WordMeasure, count: int, asked: Sequence[QueryTokens], top: int
    ) -> list[Ranking]:
        """Return each query's `top` strongest rows."""
        parts = self._actors.ask("rank", measure, count, asked, top)
        return [merge(one, top) for one in zip(*parts, strict=True)]

    def words(
        self,
        measure: WordMeasure,
        asked: Sequence[QueryTokens],
        wanted: Sequence[npt.NDArray[np.int64]],
    ) -> list[dict[int, TokenPairs]]:
        """Split the scores of the rows wanted for each query."""
        found: list[dict[int, TokenPairs]] = [{} for _ in wanted]
        for part in self._actors.ask("words", measure, asked, wanted):
            for whole, here in zip(found, part, strict=True):
                whole |= here
        return found

    def by_checkpoint(
        self,
        measure: WordMeasure,
        asked: Sequence[QueryTokens],
        wanted: Sequence[npt.NDArray[np.int64]],
    ) -> list[ByCheckpoint]:
        """Split the same scores by checkpoint."""
        found: list[ByCheckpoint] = [{} for _ in wanted]
        for part in self._actors.ask("by_checkpoint", measure, asked, wanted):
            for whole, here in zip(found, part, strict=True):
                whole |= here
        return found

    @property
    def closed(self) -> bool:
        """Whether the searchers are gone: closed, or lost with an error."""
        return self._actors.closed

    def close(self) -> None:
        """End the searchers."""
        self._actors.close()


def cut(manifest: Manifest, count: int) -> list[tuple[int, int]]:
    """Cut an index, between shards, into at most `count` stretches with about as many postings.

    Returns
    -------
    list
        (first row, row after the last) of each stretch.
    """
    postings: dict[int, int] = {}
    for shard in manifest.shards:
        postings[shard.first] = postings.get(shard.first, 0) + shard.postings
    firsts = sorted(postings)
    before = np.cumsum([0, *(postings[first] for first in firsts)])
    marks = before[-1] * np.arange(1, count) / count
    places = np.unique([0, *np.searchsorted(before[:-1], marks).tolist()])
    starts = [firsts[place] for place in places if place < len(firsts)]
    return list(zip(starts, [*starts[1:], manifest.examples], strict=True))


def state_of(manifest: Manifest) -> Any:
    """Return a checksum that differs between two states of an index."""
    return manifest.document()["checksum"]

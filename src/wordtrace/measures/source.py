"""Sources of the training examples' token gradients: an index on disk, or the run itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch

from wordtrace.execute.progress import track
from wordtrace.gradients.stream import gradient_stream
from wordtrace.gradients.top_k import check_top_k
from wordtrace.index.folder import IndexFolder
from wordtrace.index.postings import Block, make_block
from wordtrace.measures.accumulate import QueryTokens
from wordtrace.run.run import Run


class PostingSource(Protocol):
    """Token gradients of the training examples at each checkpoint, block by block."""

    @property
    def etas(self) -> Sequence[float]:
        """The weight η_c of each checkpoint in the sum."""
        ...

    @property
    def examples(self) -> int:
        """How many training rows there are."""
        ...

    def blocks(self, checkpoint: int) -> Iterator[tuple[npt.NDArray[np.int64] | slice, Block]]:
        """Yield (rows, block): the block's example i is the training row ``rows[i]``.

        The blocks cover the same rows at each checkpoint.
        """
        ...

    def only(self, rows: npt.NDArray[np.int64]) -> PostingSource:
        """Return a source that may leave out all other rows."""
        ...


class Indexed:
    """Token gradients read from an index.

    Parameters
    ----------
    first, end
        Only the shards of the rows from `first` to `end`, which are then counted from `first`; all
        shards by default.
    """

    def __init__(self, index: IndexFolder, first: int = 0, end: int | None = None) -> None:
        self.index, self.first = index, first
        self.end = index.manifest.examples if end is None else end
        self.etas = [source.eta for source in index.manifest.checkpoints]
        self.examples = self.end - first

    def blocks(self, checkpoint: int) -> Iterator[tuple[slice, Block]]:
        """Yield the index's shards, memory-mapped."""
        for block in self.index.blocks(checkpoint, self.first, self.end):
            start = block.first - self.first
            yield slice(start, start + block.count), block

    @property
    def sizes(self) -> list[npt.NDArray[np.float32]]:
        """For each checkpoint √(Σ_w ‖g_w‖²) of each example's stored gradients, or a bit more."""
        return [one[self.first : self.end] for one in self.index.sizes]

    def only(self, rows: npt.NDArray[np.int64]) -> Indexed:
        """Return itself: mapped postings that nobody asks for are not read anyway."""
        return self


class AtCheckpoint:
    """The token gradients of a source at one checkpoint; at the others it has none.

    Parameters
    ----------
    place
        The checkpoint's place among the source's own.
    """

    def __init__(self, source: PostingSource, place: int) -> None:
        self._source, self._place = source, place
        self.etas, self.examples = source.etas, source.examples

    def blocks(self, checkpoint: int) -> Iterator[tuple[npt.NDArray[np.int64] | slice, Block]]:
        """Yield the source's blocks at this checkpoint, and nothing at another."""
        if checkpoint == self._place:
            yield from self._source.blocks(checkpoint)

    def only(self, rows: npt.NDArray[np.int64]) -> AtCheckpoint:
        """Return a source that may leave out all other rows."""
        return AtCheckpoint(self._source.only(rows), self._place)


def as_stored(index: IndexFolder, asked: Sequence[QueryTokens]) -> list[QueryTokens]:
    """Bring the queries' gradients into the dimensions that an index stores."""
    if index.bases is None:
        return list(asked)
    return [one.projected(basis) for one, basis in zip(asked, index.bases, strict=True)]


class Streamed:
    """Token gradients computed from the run, batch by batch, and not kept.

    Parameters
    ----------
    top_k
        Positions kept in a text; None for all.
    rows
        Only these training rows; all by default.
    quiet
        Show no progress.
    """

    def __init__(
        self,
        run: Run,
        top_k: int | None,
        rows: npt.NDArray[np.int64] | None = None,
        *,
        quiet: bool = False,
    ) -> None:
        check_top_k(top_k)
        self.run, self.top_k, self.rows, self.quiet = run, top_k, rows, quiet
        self.etas = run.etas
        self.examples = len(run.train)

    def blocks(self, checkpoint: int) -> Iterator[tuple[npt.NDArray[np.int64], Block]]:
        """Yield one block for each batch."""
        run, train, encoded = self.run, self.run.train, self.run.encoded
        point = run.checkpoints[checkpoint]
        total = 0 if self.quiet else len(encoded if self.rows is None else self.rows)
        name = f"Gradients {checkpoint + 1}/{len(self.etas)}"
        with track(name, total, "gradients") as advance:
            for found in gradient_stream(run, point, encoded, train.labels, train.ids, self.rows):
                count = len(found.rows)
                part = [(torch.arange(count), found.tokens(self.top_k))]
                yield found.rows, make_block(part, 0, count, run.tokenizer.size)
                advance(count)

    def only(self, rows: npt.NDArray[np.int64]) -> Streamed:
        """Return a stream of these rows alone, which computes their gradients again."""
        return Streamed(self.run, self.top_k, rows, quiet=True)

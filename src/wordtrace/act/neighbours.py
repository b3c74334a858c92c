"""Each training example's nearest others by mutual influence, to find duplicates and groups."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import torch

from wordtrace.act.held_gradients import held_gradients
from wordtrace.asking.search import LocalSearch
from wordtrace.disk import atomic
from wordtrace.errors import InputError, option
from wordtrace.execute.progress import track
from wordtrace.index.folder import IndexFolder
from wordtrace.index.merge import gather
from wordtrace.index.postings import Block
from wordtrace.measures.accumulate import QueryTokens
from wordtrace.measures.token_weights import FloatArray, Weights, token_weights
from wordtrace.measures.topn import strongest
from wordtrace.measures.tracin_we import TracInWE
from wordtrace.run.run import Run

_MOST = 1024


@dataclass(frozen=True)
class Neighbours:
    """The nearest other examples of some consecutive rows, nearest first.

    Attributes
    ----------
    row
        int64, shape (n,): the example.
    other
        int64, shape (n,): one of its neighbours.
    influence
        float32, shape (n,): above 0, and the same in both directions.
    cosine
        float32, shape (n,): the influence divided by the root of the product of the two
        self-influences; 1 for copies with the same label.
    """

    row: npt.NDArray[np.int64]
    other: npt.NDArray[np.int64]
    influence: npt.NDArray[np.float32]
    cosine: npt.NDArray[np.float32]


def neighbours(
    index: IndexFolder,
    run: Run,
    *,
    top: int = 10,
    memory: int = 1 << 30,
    weights: Weights = "",
) -> Iterator[Neighbours]:
    """Find the `top` examples that each example influences most, block by block.

    The index is searched for a whole block of examples at once, token by token. The work grows with
    the square of the number of examples; the memory does not.

    Parameters
    ----------
    memory
        The bytes that the scores of a block may take.
    weights
        What each token's part of an influence is multiplied by.

    Raises
    ------
    InputError
        For a `top` below 1.
    """
    if top < 1:
        raise InputError(f"{option('top')} is {top}; it must be at least 1.")
    search, chosen = LocalSearch.of_index(index, run), TracInWE(index.manifest.top_k)
    checkpoints = range(len(index.manifest.checkpoints))
    rows = np.setdiff1d(np.arange(index.manifest.examples), index.removed)
    by_token = token_weights(weights, index.document_frequency, index.count)
    own = index.column("self_influence_topk") if by_token is None else _own(index, by_token)
    size = max(1, min(_MOST, memory // (4 * max(1, index.manifest.examples))))
    with track("Neighbours", len(rows), "examples") as advance:
        for start in range(0, len(rows), size):
            part = rows[start : start + size]
            asked = [_asked(gather(index, place, part, 0)) for place in checkpoints]
            if by_token is not None:
                asked = [one.weighted(by_token) for one in asked]
            scores = search.scores(chosen, len(part), asked)
            scores[np.arange(len(part)), part] = 0
            found = [strongest(row, top)[0] for row in scores]
            row = np.repeat(part, [len(one) for one in found])
            other = np.concatenate(found) if found else np.empty(0, np.int64)
            values = scores[np.repeat(np.arange(len(part)), [len(one) for one in found]), other]
            scale = np.sqrt(own[row] * own[other])
            cosine = np.minimum(values / np.where(scale > 0, scale, 1), 1).astype(np.float32)
            yield Neighbours(row, other, values, cosine)
            advance(len(part))


def write_neighbours(
    index: IndexFolder,
    run: Run,
    out: Path,
    *,
    top: int = 10,
    memory: int = 1 << 30,
    weights: Weights = "",
) -> int:
    """Write a Parquet table: id, rank, neighbour, influence, cosine, same_label.

    Returns
    -------
    int
        The number of pairs in the table.
    """
    ids = index.table["id"].combine_chunks()
    labels = np.asarray(index.table["label"].cast(pa.string()).to_pylist(), object)
    schema = pa.schema(
        [
            ("id", pa.string()),
            ("rank", pa.int32()),
            ("neighbour", pa.string()),
            ("influence", pa.float32()),
            ("cosine", pa.float32()),
            ("same_label", pa.bool_()),
        ]
    )
    count = 0
    with (
        atomic.replacing(out) as temporary,
        pq.ParquetWriter(temporary, schema, compression="zstd") as writer,
    ):
        for found in neighbours(index, run, top=top, memory=memory, weights=weights):
            starts = np.searchsorted(found.row, found.row)
            columns: Sequence[object] = [
                _text(ids, found.row),
                pa.array(np.arange(len(found.row)) - starts + 1, pa.int32()),
                _text(ids, found.other),
                pa.array(found.influence),
                pa.array(found.cosine),
                pa.array((labels[found.row] == labels[found.other]).astype(bool)),
            ]
            writer.write_table(pa.table(columns, schema=schema))
            count += len(found.row)
    return count


def _text(ids: pa.Array, rows: npt.NDArray[np.int64]) -> pa.Array:
    return ids.take(pa.array(rows)).cast(pa.string())


def _own(index: IndexFolder, weights: FloatArray) -> npt.NDArray[np.float64]:
    """Return Σ_c η_c Σ_w weight(w) ‖g_w‖² of each example, shape (examples,)."""
    found = torch.zeros(index.manifest.examples, dtype=torch.float64)
    by_token = torch.from_numpy(weights)
    for place, source in enumerate(index.manifest.checkpoints):
        for examples, tokens, gradients in held_gradients(index, place):
            products = gradients.square().sum(1).double() * by_token[tokens]
            found.index_add_(0, examples, products, alpha=source.eta)
    result: npt.NDArray[np.float64] = found.numpy()
    return result


def _asked(block: Block) -> QueryTokens:
    """Turn the postings of some examples into queries."""
    counts = block.token_offsets.diff()
    tokens = counts.nonzero().flatten()
    return QueryTokens(
        tokens.tolist(),
        [0, *torch.cumsum(counts[tokens], 0).tolist()],
        block.example.to(torch.int64),
        block.direction.float() * block.norm.unsqueeze(1),
    )

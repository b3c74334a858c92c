"""Merging an index: dropping removed examples, and joining additions into full shards."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq
import torch

from wordtrace.data.examples import Examples
from wordtrace.disk import atomic, fingerprint
from wordtrace.errors import InputError, option
from wordtrace.execute.progress import track
from wordtrace.index import manifest as manifests
from wordtrace.index import projection
from wordtrace.index.change import changeable, check_same
from wordtrace.index.folder import IndexFolder
from wordtrace.index.manifest import RowBlock, Shard, entry_of, samples_of
from wordtrace.index.postings import Block, order_postings, token_offsets
from wordtrace.index.shards import shard_file, write_shard
from wordtrace.index.task import WORK
from wordtrace.index.texts import write_texts
from wordtrace.index.unfinished import clear_other_work, start_work
from wordtrace.run.run import Run


def merge(path: str | Path, run: Run, shard_size: int | None = None) -> IndexFolder:
    """Write an index anew, with rows numbered without gaps, full shards, and one table.

    No gradient is computed and none changes. The new index takes the old one's place when it is
    complete. A killed merge leaves the old index in place, and goes on at the first missing shard
    when it is started again.

    Parameters
    ----------
    shard_size
        Examples in a shard; by default the same as before.
    """
    index = changeable(path)
    manifest = index.manifest
    size = manifest.shard_size if shard_size is None else shard_size
    if size < 1:
        raise InputError(f"{option('shard_size')} is {size}; it must be at least 1.")
    kept = np.setdiff1d(np.arange(manifest.examples), index.removed)
    plan: dict[str, Any] = {
        "merged": fingerprint.of_file(index.path / manifests.FILE),
        "shard_size": size,
    }
    with atomic.exclusive(index.path) as part:
        check_same(index)
        if _is_merged(index, size):
            return index
        index.require_unchanged()
        # Of an older state of the index, say; or it is whole, and its plan was deleted.
        clear_other_work(part, lambda found: found.get("merged") == plan["merged"])
        start_work(part, plan)
        shards = []
        with track("Merging", len(kept) * len(manifest.checkpoints), "examples") as advance:
            for checkpoint in range(len(manifest.checkpoints)):
                for number, first in enumerate(range(0, len(kept), size)):
                    rows = kept[first : first + size]
                    shards.append(_write(index, part, checkpoint, number, first, rows))
                    advance(len(rows))
        origin = _write_tables(index, part, run, kept)
        files = [manifests.EXAMPLES, manifests.TEXTS, manifests.TOKENS]
        if manifest.projection is not None:
            shutil.copyfile(index.path / projection.FILE, part / projection.FILE)
            files.append(projection.FILE)
        merged = replace(
            manifest,
            examples=len(kept),
            shard_size=size,
            shards=tuple(shards),
            files={name: entry_of(part, name) for name in files},
            samples=samples_of(part, shards, files),
            parts=(origin,),
            tokens=manifests.TOKENS,
            removed=None,
            revision=manifest.revision + 1,
        )
        atomic.write_json(part / manifests.FILE, merged.document())
        atomic.empty(part / WORK)
        (part / WORK).rmdir()
        atomic.commit_folder(index.path)
    return IndexFolder.open(path)


def gather(index: IndexFolder, checkpoint: int, rows: npt.NDArray[np.int64], first: int) -> Block:
    """Return some rows of an index, in rising order, as a block of the rows from `first`."""
    parts: list[tuple[torch.Tensor, ...]] = []
    for block in index.blocks(checkpoint):
        low, high = np.searchsorted(rows, (block.first, block.first + block.count))
        if low == high:
            continue
        place = np.full(block.count, -1, np.int64)
        place[rows[low:high] - block.first] = np.arange(low, high)
        example = torch.from_numpy(place[block.example.numpy()])
        found = (example >= 0).nonzero().flatten()
        counts = block.token_offsets.diff()
        token = torch.repeat_interleave(torch.arange(len(counts)), counts)
        parts.append((token[found], block.norm[found], example[found], block.direction[found]))
    token, norm, example, direction = (torch.cat(column) for column in zip(*parts, strict=True))
    order = order_postings(token, norm, example)
    return Block(
        first,
        len(rows),
        token_offsets(token, index.manifest.vocabulary),
        example[order].to(torch.int32),
        norm[order],
        direction.index_select(0, order),
    )


def _is_merged(index: IndexFolder, size: int) -> bool:
    manifest = index.manifest
    full = list(range(0, manifest.examples, size))
    found = [shard.first for shard in manifest.shards if shard.checkpoint == 0]
    return len(manifest.parts) == 1 and manifest.removed is None and found == full


def _write(
    index: IndexFolder,
    part: Path,
    checkpoint: int,
    number: int,
    first: int,
    rows: npt.NDArray[np.int64],
) -> Shard:
    name = shard_file(checkpoint, number)
    recorded = part / WORK / f"{checkpoint}-{number}.json"
    if recorded.exists():
        return Shard(**atomic.read_json(recorded))
    block = gather(index, checkpoint, rows, first)
    write_shard(part / name, block)
    entry = entry_of(part, name)
    shard = Shard(name, checkpoint, first, len(rows), len(block), **entry)
    atomic.write_json(recorded, vars(shard))
    return shard


def _write_tables(
    index: IndexFolder, part: Path, run: Run, kept: npt.NDArray[np.int64]
) -> RowBlock:
    with atomic.replacing(part / manifests.EXAMPLES) as temporary:
        table = index.table.take(kept).combine_chunks()
        pq.write_table(table, temporary, compression="zstd")
    examples: Examples = index.take(kept, run)
    write_texts(part / manifests.TEXTS, examples)
    with atomic.replacing(part / manifests.TOKENS) as temporary:
        tokens = pq.read_table(index.path / index.manifest.tokens)
        pq.write_table(tokens, temporary, compression="zstd")
    return RowBlock(
        0,
        len(kept),
        _sources([one.source for one in index.manifest.parts]),
        examples.fingerprint(),
        manifests.EXAMPLES,
        manifests.TEXTS,
    )


def _sources(names: Sequence[str]) -> str:
    return " + ".join(names)

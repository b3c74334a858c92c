"""A run and an index of any size, with the words, frequencies and norms of a real one.

Each synthetic example is a real example drawn at random: its text, label, tokens and gradient
norms, each norm times e^(0.1 z) and each direction turned by noise of half its length. A token's
postings so grow with the number of examples as they do in a larger sample of the same texts.
"""

from __future__ import annotations

import json
import shutil
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch

from benchmarks import corpus
from wordtrace import api
from wordtrace.disk import atomic, fingerprint
from wordtrace.gradients.tokens import TokenGradients
from wordtrace.index import manifest as manifests
from wordtrace.index import projection
from wordtrace.index.folder import IndexFolder
from wordtrace.index.manifest import RowBlock, Shard, entry_of
from wordtrace.index.postings import Block, make_block
from wordtrace.index.shards import shard_file, write_shard
from wordtrace.index.texts import write_texts
from wordtrace.run.manifest import TRAIN
from wordtrace.run.place import MANIFEST

REAL = 10_000
CHECKPOINTS = 2
_SEED = 71


def index(folder: Path, count: int, shard_size: int = 32_768) -> api.Index:
    """Return the index of `count` synthetic examples, made if it is not there."""
    place = folder / f"synthetic-{count}"
    if not (place / "index" / manifests.FILE).exists():
        start = time.perf_counter()
        _make(folder, place, count, shard_size)
        (place / "seconds").write_text(f"{time.perf_counter() - start:.1f}\n")
    return api.Index.open(place / "index", place / "run")


def compressed(folder: Path, count: int, project: int, shard_size: int = 32_768) -> IndexFolder:
    """Return postings of `count` synthetic examples in int8 and few dimensions; no texts."""
    place = folder / f"synthetic-{count}-int8-{project}"
    if not (place / manifests.FILE).exists():
        real, drawn = _real(folder, count)
        (place).mkdir(parents=True, exist_ok=True)
        blocks = [next(iter(real.folder.blocks(c))) for c in range(CHECKPOINTS)]
        bases = projection.fit("pca", project, blocks)
        projection.save(place, bases)
        shards, _ = _shards(real, drawn, place, shard_size, "int8", bases)
        manifest = replace(
            real.folder.manifest,
            examples=count,
            dtype="int8",
            projection={"kind": "pca", "dim": project},
            shard_size=shard_size,
            checkpoints=real.folder.manifest.checkpoints[:CHECKPOINTS],
            shards=tuple(shards),
            files={projection.FILE: entry_of(place, projection.FILE)},
            parts=(RowBlock(0, count, "the run", "synthetic", manifests.EXAMPLES, None),),
        )
        atomic.write_json(place / manifests.FILE, manifest.document())
    return IndexFolder.open(place)


def _real(folder: Path, count: int) -> tuple[api.Index, np.ndarray]:
    real = api.build_index(corpus.trained(folder, REAL), folder / f"index-10-{REAL}", top_k=10)
    # A whole number of examples stands for each real one where it can: drawn without replacement.
    generator = np.random.default_rng(_SEED)
    drawn = np.concatenate([generator.permutation(REAL) for _ in range(-(-count // REAL))])[:count]
    return real, drawn


def _shards(
    real: api.Index,
    drawn: np.ndarray,
    out: Path,
    shard_size: int,
    dtype: str,
    bases: list[torch.Tensor] | None = None,
) -> tuple[list[Shard], np.ndarray]:
    """Write the shards; return them, and Σ_w ‖g_w‖² of each example at each checkpoint."""
    shards: list[Shard] = []
    squares = np.zeros((CHECKPOINTS, len(drawn)), np.float32)
    for checkpoint in range(CHECKPOINTS):
        gathered = _by_example(next(iter(real.folder.blocks(checkpoint))))
        for number, first in enumerate(range(0, len(drawn), shard_size)):
            rows = drawn[first : first + shard_size]
            token, gradient, example = _gradients(gathered, rows, first, checkpoint)
            each = gradient.square().sum(1).numpy()
            squares[checkpoint, first : first + len(rows)] = np.bincount(
                example.numpy(), each, len(rows)
            )
            kept = TokenGradients(example, token, gradient)
            block = make_block(
                [(torch.arange(len(rows)), kept)],
                first,
                len(rows),
                real.folder.manifest.vocabulary,
                dtype,
                None if bases is None else bases[checkpoint],
            )
            path = out / shard_file(checkpoint, number)
            write_shard(path, block)
            size = path.stat().st_size
            shards.append(
                Shard(
                    shard_file(checkpoint, number),
                    checkpoint,
                    first,
                    len(rows),
                    len(block),
                    size,
                    fingerprint.of_file(path),
                )
            )
    return shards, squares


def _make(folder: Path, place: Path, count: int, shard_size: int) -> None:
    real, drawn = _real(folder, count)
    run = _run(real.run, place / "run", drawn)
    out = place / "index"
    out.mkdir(parents=True, exist_ok=True)
    shards, squares = _shards(real, drawn, out, shard_size, "float16")
    table = _table(real.folder, drawn, squares)
    pq.write_table(table, out / manifests.EXAMPLES, compression="zstd")
    write_texts(out / manifests.TEXTS, run.train)
    tokens = pq.read_table(real.folder.path / manifests.TOKENS)
    documents = tokens["documents"].to_numpy() * count // REAL
    pq.write_table(tokens.set_column(1, "documents", pa.array(documents)), out / manifests.TOKENS)
    manifest = replace(
        real.folder.manifest,
        run="../run",
        run_fingerprint=run.fingerprint,
        examples=count,
        shard_size=shard_size,
        checkpoints=real.folder.manifest.checkpoints[:CHECKPOINTS],
        shards=tuple(shards),
        files={
            name: entry_of(out, name)
            for name in (manifests.EXAMPLES, manifests.TEXTS, manifests.TOKENS)
        },
        parts=(RowBlock(0, count, "the run", "synthetic", manifests.EXAMPLES, manifests.TEXTS),),
    )
    atomic.write_json(out / manifests.FILE, manifest.document())


def _run(real: api.Run, place: Path, drawn: np.ndarray) -> api.Run:
    """Copy a run with other training texts: the real ones, each as often as it is drawn."""
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(real.path, place, ignore=shutil.ignore_patterns("index", TRAIN))
    taken = real.train.take(drawn)
    ids = pa.array([str(row) for row in range(len(drawn))], pa.string())
    replace(taken, table=taken.table.set_column(0, "id", ids)).write_parquet(place / TRAIN)
    manifest: dict[str, Any] = json.loads((place / MANIFEST).read_text())
    digest = fingerprint.of_file(place / TRAIN)
    manifest["checkpoints"] = manifest["checkpoints"][:CHECKPOINTS]
    manifest["train"] |= {"rows": len(drawn), "fingerprint": digest}
    manifest["files"][TRAIN] = digest
    atomic.write_json(place / MANIFEST, manifest)
    return api.Run.open(place)


def _by_example(block: Block) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return (offsets by example, token, norm, direction) of a block, ordered by example."""
    counts = block.token_offsets.diff()
    token = torch.repeat_interleave(torch.arange(len(counts)), counts)
    order = torch.argsort(block.example, stable=True)
    offsets = torch.zeros(block.count + 1, dtype=torch.int64)
    torch.cumsum(torch.bincount(block.example, minlength=block.count), 0, out=offsets[1:])
    return offsets, token[order], block.norm[order], block.direction[order]


def _gradients(
    gathered: tuple[torch.Tensor, ...], rows: np.ndarray, first: int, checkpoint: int
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return (token, gradient, example) of some synthetic examples."""
    offsets, token, norm, direction = gathered
    generator = torch.Generator().manual_seed(_SEED * 1_000_003 + first * 17 + checkpoint)
    chosen = torch.from_numpy(rows)
    lengths = offsets.diff()[chosen]
    example = torch.repeat_interleave(torch.arange(len(rows)), lengths)
    start = torch.repeat_interleave(offsets[chosen] - lengths.cumsum(0) + lengths, lengths)
    posting = start + torch.arange(len(example))
    gradient = direction[posting].float()
    noise = torch.randn(gradient.shape, generator=generator)
    gradient += noise.mul_(0.5 / gradient.shape[1] ** 0.5)
    size = norm[posting] * torch.exp(0.1 * torch.randn(len(posting), generator=generator))
    gradient *= (size / torch.linalg.vector_norm(gradient, dim=1)).unsqueeze(1)
    return token[posting], gradient, example


def _table(real: IndexFolder, drawn: np.ndarray, squares: np.ndarray) -> pa.Table:
    etas = np.array([one.eta for one in real.manifest.checkpoints[:CHECKPOINTS]])
    own = {f"self_influence_topk_{place}": one for place, one in enumerate(squares)}
    own["self_influence_topk"] = (etas @ squares).astype(np.float32)
    table = real.table.take(pa.array(drawn))
    for name, values in own.items():
        place = table.column_names.index(name)
        table = table.set_column(place, name, pa.array(values).cast(table[name].type))
    # The real index has a checkpoint more.
    later = [name for name in table.column_names if name.endswith(f"_{CHECKPOINTS}")]
    table = table.drop_columns(later)
    return table.set_column(0, "id", pa.array([str(row) for row in range(len(drawn))]))

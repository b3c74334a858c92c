"""Blocks on disk: safetensors files, written once, then memory-mapped."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from wordtrace.disk import atomic
from wordtrace.errors import CorruptError
from wordtrace.index.postings import Block

_ARRAYS = {
    "token_offsets": (torch.int64, 1),
    "example": (torch.int32, 1),
    "norm": (torch.float32, 1),
    "direction": (None, 2),
}


def shard_file(checkpoint: int, shard: int) -> str:
    """Return a shard's path within the index."""
    return f"checkpoint-{checkpoint}/shard-{shard:05d}.safetensors"


def write_shard(path: Path, block: Block) -> None:
    """Write a block, atomically."""
    path.parent.mkdir(parents=True, exist_ok=True)
    arrays = {name: getattr(block, name).contiguous() for name in _ARRAYS}
    with atomic.replacing(path) as temporary:
        save_file(arrays, temporary)


def map_shard(path: Path, first: int, count: int) -> Block:
    """Memory-map a block; pages are read when touched.

    Raises
    ------
    CorruptError
        When the file is missing or not whole, or its arrays don't fit together.
    """
    try:
        with safe_open(path, "pt") as file:
            arrays = {name: file.get_tensor(name) for name in _ARRAYS}
    except (OSError, SafetensorError) as error:
        raise CorruptError(f"{path} can't be read ({error}); build the index again.") from None
    for name, (dtype, dimensions) in _ARRAYS.items():
        array = arrays[name]
        if (dtype is not None and array.dtype != dtype) or array.ndim != dimensions:
            raise CorruptError(f"{path}: {name} is not what the format says; build it again.")
    postings = len(arrays["norm"])
    offsets = arrays["token_offsets"].numpy()
    if not (
        len(arrays["example"]) == len(arrays["direction"]) == postings
        and len(offsets)
        and offsets[0] == 0
        and offsets[-1] == postings
        and (offsets[1:] >= offsets[:-1]).all()
    ):
        raise CorruptError(f"{path}: its arrays don't fit together; build the index again.")
    return Block(first, count, **arrays)

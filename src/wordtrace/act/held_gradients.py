"""All gradients that an index holds, some postings at a time."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from wordtrace.errors import CorruptError
from wordtrace.index.folder import IndexFolder
from wordtrace.index.postings import Block

# How many postings are read at a time: some tens of megabytes in float32.
_CHUNK = 1 << 16


def held_gradients(index: IndexFolder, place: int) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Yield (example rows, tokens, token gradients) at a checkpoint, some postings at a time.

    The gradients of removed examples are 0.
    """
    live = torch.ones(index.manifest.examples)
    live[torch.tensor(index.removed)] = 0
    for block in index.blocks(place):
        for start in range(0, len(block), _CHUNK):
            part = slice(start, min(start + _CHUNK, len(block)))
            examples = block.example[part].long() + block.first
            if not 0 <= int(examples.min()) <= int(examples.max()) < len(live):
                raise CorruptError(
                    f"a shard of {index.path} is damaged; `wordtrace check` names the file."
                )
            norms = (block.norm[part] * live[examples]).unsqueeze(1)
            yield examples, _tokens(block, part), block.direction[part].float() * norms


def _tokens(block: Block, part: slice) -> Tensor:
    places = torch.arange(part.start, part.stop)
    return torch.bucketize(places, block.token_offsets[1:], right=True)

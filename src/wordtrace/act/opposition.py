"""How strongly all other training examples together oppose an example's label."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from wordtrace.errors import CorruptError
from wordtrace.execute.progress import track
from wordtrace.index.folder import IndexFolder
from wordtrace.index.postings import Block

# How many postings are read at a time: some tens of megabytes in float32.
_CHUNK = 1 << 16


def opposition(index: IndexFolder) -> npt.NDArray[np.float64]:
    """Return −Σ_{j≠i} I(x_j, x_i) for each training example i, over what the index holds.

    It is above 0 where the other examples together would raise the loss of example i with its
    label. No pair is computed: influence is a sum over words of dot products, so the sum over j
    takes one dot product for each word, with the sum of all gradients of that word:
    Σ_c η_c Σ_w g_w(x_i) · (G_w − g_w(x_i)) with G_w = Σ_j g_w(x_j). This takes two passes over the
    postings.

    Returns
    -------
    array
        float64, shape (examples,).
    """
    manifest = index.manifest
    found = torch.zeros(manifest.examples, dtype=torch.float64)
    total = 2 * sum(shard.postings for shard in manifest.shards)
    with track("Opposition", total, "postings") as advance:
        for place, source in enumerate(manifest.checkpoints):
            sums = torch.zeros(manifest.vocabulary, manifest.stored_dim)
            for _, tokens, gradients in _gradients(index, place):
                sums.index_add_(0, tokens, gradients)
                advance(len(tokens))
            for examples, tokens, gradients in _gradients(index, place):
                products = ((sums[tokens] - gradients) * gradients).sum(1).double()
                found.index_add_(0, examples, products, alpha=-source.eta)
                advance(len(tokens))
    result: npt.NDArray[np.float64] = found.numpy()
    return result


def _gradients(index: IndexFolder, place: int) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Yield (example rows, tokens, token gradients) at a checkpoint, some postings at a time."""
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

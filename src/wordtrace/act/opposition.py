"""How strongly all other training examples together oppose an example's label."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch

from wordtrace.act.held_gradients import held_gradients
from wordtrace.execute.progress import track
from wordtrace.index.folder import IndexFolder
from wordtrace.measures.token_weights import FloatArray


def opposition(index: IndexFolder, weights: FloatArray | None = None) -> npt.NDArray[np.float64]:
    """Return −Σ_{j≠i} I(x_j, x_i) for each training example i, over what the index holds.

    It is above 0 where the other examples together would raise the loss of example i with its
    label. No pair is computed: influence is a sum over words of dot products, so the sum over j
    takes one dot product for each word, with the sum of all gradients of that word:
    Σ_c η_c Σ_w g_w(x_i) · (G_w − g_w(x_i)) with G_w = Σ_j g_w(x_j). This takes two passes over the
    postings.

    Parameters
    ----------
    weights
        float32, shape (vocabulary,): what each word's product is multiplied by; None for 1.

    Returns
    -------
    array
        float64, shape (examples,).
    """
    manifest = index.manifest
    found = torch.zeros(manifest.examples, dtype=torch.float64)
    by_token = None if weights is None else torch.from_numpy(weights)
    total = 2 * sum(shard.postings for shard in manifest.shards)
    with track("Opposition", total, "postings") as advance:
        for place, source in enumerate(manifest.checkpoints):
            sums = torch.zeros(manifest.vocabulary, manifest.stored_dim)
            for _, tokens, gradients in held_gradients(index, place):
                sums.index_add_(0, tokens, gradients)
                advance(len(tokens))
            for examples, tokens, gradients in held_gradients(index, place):
                products = ((sums[tokens] - gradients) * gradients).sum(1).double()
                if by_token is not None:
                    products *= by_token[tokens]
                found.index_add_(0, examples, products, alpha=-source.eta)
                advance(len(tokens))
    result: npt.NDArray[np.float64] = found.numpy()
    return result

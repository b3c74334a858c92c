"""The loss of each token of many examples, from which every choice of counted tokens is a sum."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from wordtrace.data.batches import Encoded, IntArray, by_length
from wordtrace.models import predict
from wordtrace.models.alone import alone
from wordtrace.models.protocol import TextModel, TokenScorer, to_batch

FloatArray = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]


@torch.no_grad()
def token_losses(model: TextModel, encoded: Encoded) -> FloatArray:
    """Return −log p(token | the tokens before it), float32, shape (positions,).

    It is 0 at each row's first position and wherever else a model foretells no token (in the prompt
    of a sequence-to-sequence model). The model must be a language model.
    """
    assert isinstance(model, TokenScorer)
    found = np.zeros(len(encoded.ids), np.float32)
    labels = np.zeros(len(encoded), np.int64)
    for rows in by_length(encoded.lengths, 1024, predict.tokens_a_batch(model)):
        batch = to_batch(encoded, labels, rows, predict.device_of(model))
        with alone(model):
            losses = model.token_losses(batch).float().cpu().numpy()
        _put(found, losses, encoded, rows)
    return found


def counted(model: TextModel, encoded: Encoded) -> Mask:
    """Tell which positions a language model's training loss counts, bool, shape (positions,)."""
    assert isinstance(model, TokenScorer)
    found = np.zeros(len(encoded.ids), np.bool_)
    labels = np.zeros(len(encoded), np.int64)
    for rows in by_length(encoded.lengths, 1024, predict.tokens_a_batch(model)):
        held = model.counted(to_batch(encoded, labels, rows)).numpy()
        _put(found, held, encoded, rows)
    return found


def by_row(
    values: FloatArray, mask: Mask, encoded: Encoded
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Sum each row's token losses where they count.

    Returns
    -------
    sums, counts
        float64, shape (examples,).
    """
    totals = np.concatenate([[0.0], np.cumsum(np.where(mask, values, 0.0), dtype=np.float64)])
    numbers = np.concatenate([[0], np.cumsum(mask)])
    ends, starts = encoded.offsets[1:], encoded.offsets[:-1]
    return totals[ends] - totals[starts], (numbers[ends] - numbers[starts]).astype(np.float64)


def _put(
    found: npt.NDArray[Any], values: npt.NDArray[Any], encoded: Encoded, rows: IntArray
) -> None:
    """Put the values of a padded batch where its rows stand."""
    for row, one in zip(rows, values, strict=True):
        start, end = encoded.offsets[row : row + 2]
        found[start:end] = one[: end - start]

"""How much the rows of a language model's training weigh in its loss."""

from __future__ import annotations

import numpy as np

from wordtrace.data.batches import Encoded, by_length
from wordtrace.models import predict
from wordtrace.models.completions import HuggingFaceGenerator
from wordtrace.models.protocol import TextModel, to_batch
from wordtrace.models.seq2seq import HuggingFaceSeq2Seq


def mean_tokens(model: TextModel, encoded: Encoded) -> float | None:
    """Return the mean number of counted tokens of the rows that have any.

    None for a classifier, whose rows weigh the same. See :func:`.models.completions.weighted`.
    """
    if not isinstance(model, HuggingFaceGenerator | HuggingFaceSeq2Seq):
        return None
    found = np.zeros(len(encoded), np.int64)
    labels = np.zeros(len(encoded), np.int64)
    for rows in by_length(encoded.lengths, 1024, predict.tokens_a_batch(model)):
        found[rows] = model.counted(to_batch(encoded, labels, rows)).sum(1).numpy()
    there = found[found > 0]
    return float(there.mean()) if len(there) else None

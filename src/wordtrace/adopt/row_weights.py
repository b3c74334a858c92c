"""How much the rows of a language model's training weigh in its loss."""

from __future__ import annotations

import numpy as np

from wordtrace.data.batches import Encoded
from wordtrace.models.protocol import TextModel, TokenScorer
from wordtrace.models.token_losses import by_row, counted


def mean_tokens(model: TextModel, encoded: Encoded) -> float | None:
    """Return the mean number of counted tokens of the rows that have any.

    None for a classifier, whose rows weigh the same. See :func:`.models.completions.weighted`.
    """
    if not isinstance(model, TokenScorer):
        return None
    asked = counted(model, encoded).astype(np.float32)
    found, _ = by_row(asked, asked > 0, encoded)
    there = found[found > 0]
    return float(there.mean()) if len(there) else None

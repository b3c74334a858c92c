"""Training rows to draw controls from, without a run."""

from __future__ import annotations

import numpy as np

from wordtrace.data.labelling import Labelling
from wordtrace.verification.removal import Pool


def of_classes(labels: np.ndarray) -> Pool:
    """Rows of one class each; `labels` are int64, shape (rows,)."""
    names = tuple(f"class {place}" for place in range(int(labels.max()) + 1))
    return Pool(Labelling("class", names), labels, labels)

"""cleanlab's label quality, on out-of-fold probabilities of the same model."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from wordtrace import api

METHODS = ("self_confidence", "normalized_margin", "confidence_weighted_entropy")


def out_of_fold(
    examples: api.Examples, folds: int = 5, **choices: Any
) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Train on all folds but one, predict that one: probabilities, shape (examples, classes)."""
    from sklearn.model_selection import StratifiedKFold

    found = np.zeros((len(examples), len(examples.label_names)))
    split = StratifiedKFold(folds, shuffle=True, random_state=0)
    for train, held in split.split(np.zeros(len(examples)), examples.labels):
        with tempfile.TemporaryDirectory() as folder:
            run = api.train(examples.take(train), Path(folder) / "run", eval_fraction=0, **choices)
            part = examples.take(held)
            found[held] = run.predict(part.texts, part.texts2)
    return found


def suspicion(labels: Any, probabilities: Any) -> dict[str, Any]:
    """Return each method's suspicion: higher is worse."""
    from cleanlab.rank import get_label_quality_scores

    return {
        f"cleanlab {method}": -get_label_quality_scores(
            labels,
            probabilities,
            method=method,
            adjust_pred_probs=method != "confidence_weighted_entropy",
        )
        for method in METHODS
    }

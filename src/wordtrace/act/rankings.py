"""Rankings of the training rows by how likely their labels are wrong."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from wordtrace.act.opposition import opposition
from wordtrace.index.folder import IndexFolder
from wordtrace.measures.token_weights import FloatArray

#: The rankings by name; the first one is the default.
RANKINGS = ("combined", "self-influence", "opposition", "loss", "final-loss")

Suspicion = npt.NDArray[np.float64]


def rankings(index: IndexFolder, weights: FloatArray | None = None) -> dict[str, Suspicion]:
    """Return each ranking's suspicion, float64, shape (examples,): higher is worse.

    "self-influence" is Σ_c η_c Σ_w ‖∂ℓ(x)/∂Θ_w‖² over all tokens. "opposition" is how strongly all
    other rows oppose the label (:func:`.opposition.opposition`). "loss" is the mean loss over the
    checkpoints, and "final-loss" is the loss of the final model. "combined" joins these four by
    Fisher's method, as the sum of −log(1 − (rank − ½)/n): a row that stands out in one ranking
    counts for more than a row that is average in all.

    Parameters
    ----------
    weights
        float32, shape (vocabulary,): what each token's part of the opposition is multiplied by;
        None for 1.
    """
    from scipy.stats import rankdata

    count = len(index.manifest.checkpoints)
    losses = [index.column(f"loss_{place}").astype(np.float64) for place in range(count)]
    found: dict[str, Suspicion] = {
        "self-influence": index.column("self_influence").astype(np.float64),
        "opposition": opposition(index, weights),
        "loss": np.mean(losses, axis=0),
        "final-loss": index.column("loss_final").astype(np.float64),
    }
    shares = [(rankdata(one) - 0.5) / len(one) for one in found.values()]
    return {"combined": -np.sum(np.log1p(-np.array(shares)), axis=0), **found}


def order_of(suspicion: Suspicion) -> npt.NDArray[np.int64]:
    """Return the rows, most suspicious first; rows of equal suspicion in rising order."""
    return np.argsort(-suspicion, kind="stable")

"""Rankings of training rows by how likely their label is wrong."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

from wordtrace.act.opposition import opposition
from wordtrace.index.folder import IndexFolder

#: What rows can be ranked by; the first is the default.
RANKINGS = ("combined", "self-influence", "opposition", "loss", "final-loss")

Suspicion = npt.NDArray[np.float64]


def rankings(index: IndexFolder) -> dict[str, Suspicion]:
    """Return each ranking's suspicion, float64, shape (examples,): higher is worse.

    "self-influence" is Σ_c η_c Σ_w ‖∂ℓ(x)/∂Θ_w‖² over all tokens; "opposition" what all other rows
    speak against the label (:func:`.opposition.opposition`); "loss" the mean over the checkpoints,
    "final-loss" the final model's; "combined" the mean rank by self-influence, opposition and final
    loss, in (0, 1].
    """
    count = len(index.manifest.checkpoints)
    losses = [index.column(f"loss_{place}").astype(np.float64) for place in range(count)]
    found: dict[str, Suspicion] = {
        "self-influence": index.column("self_influence").astype(np.float64),
        "opposition": opposition(index),
        "loss": np.mean(losses, axis=0),
        "final-loss": index.column("loss_final").astype(np.float64),
    }
    parts = ("self-influence", "opposition", "final-loss")
    ranks = [rankdata(found[name]) / len(found[name]) for name in parts]
    return {"combined": np.mean(ranks, axis=0), **found}


def order_of(suspicion: Suspicion) -> npt.NDArray[np.int64]:
    """Return the rows, most suspicious first; equal ones by rising row."""
    return np.argsort(-suspicion, kind="stable")

"""How many retrainings an interval costs: unpaired, paired, and beside a shared base."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from wordtrace.evaluation.deletion import Deletion, Effects

_WIDTH = 0.1


def efficiency(
    study: Deletion, outcomes: Mapping[Any, Effects], spread: float = 1.0
) -> list[dict[str, Any]]:
    """Return, for each k, the variance of one retraining's effect on one query in three designs.

    With y the probability without the rows and x that with all rows: "unpaired" takes y and x of
    different seeds, var y + var x, as the paper's protocol does; "paired" of the same seed,
    var(y − x); "adjusted" is what :meth:`.Deletion.effects` does, var(y − βx), the mean of x being
    known from many seeds that all queries, measures and k share. Variances are within query and
    rows, averaged.

    Parameters
    ----------
    spread
        1 for probabilities; of numbers the spread of the training numbers.

    Returns
    -------
    list
        For each k: k; the three standard deviations; `gain_paired` and `gain_adjusted`, how many
        times fewer retrainings the same interval needs than unpaired; and `needed`, the seeds for
        a 95 % interval as wide as a tenth of `spread`.
    """
    base = study.base()
    beta = study.beta(outcomes)
    rows = []
    for at, k in enumerate(study.sizes):
        parts = {"unpaired": 0.0, "paired": 0.0, "adjusted": 0.0}
        freedom = 0
        for one in outcomes.values():
            y = one.named[at]
            x = base[:, : y.shape[1]]
            count = y.shape[0]
            parts["unpaired"] += count * float((y.var(1, ddof=1) + base.var(1, ddof=1)).mean())
            parts["paired"] += count * float((y - x).var(1, ddof=1).mean())
            parts["adjusted"] += count * float((y - beta[at] * x).var(1, ddof=1).mean())
            freedom += count
        variance = {name: value / freedom for name, value in parts.items()}
        rows.append(
            {
                "k": k,
                "beta": float(beta[at]),
                **{f"sd_{name}": float(np.sqrt(value)) for name, value in variance.items()},
                **{
                    f"gain_{name}": variance["unpaired"] / variance[name]
                    if variance[name]
                    else None
                    for name in ("paired", "adjusted")
                },
                "needed": {
                    name: int(np.ceil(value * (2 * 1.96 / (_WIDTH * spread)) ** 2))
                    for name, value in variance.items()
                },
            }
        )
    return rows

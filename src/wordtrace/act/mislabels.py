"""Training rows most likely mislabelled: those that influence themselves most."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from wordtrace.errors import InputError
from wordtrace.index.folder import IndexFolder
from wordtrace.run.run import Run

FORMAT, VERSION = "wordtrace-mislabels", 1


@dataclass(frozen=True)
class Suspect:
    """A row that may be mislabelled.

    Attributes
    ----------
    rank
        From 1.
    self_influence
        Σ_c η_c Σ_w ‖∂ℓ(x)/∂Θ_w‖², all tokens.
    loss
        The mean over the run's checkpoints.
    predicted
        The final model's label.
    planted
        Whether its label was flipped on purpose; None where nothing is known.
    """

    rank: int
    id: str
    label: str
    predicted: str
    text: str
    text2: str | None
    self_influence: float
    loss: float
    planted: bool | None = None


@dataclass(frozen=True)
class Mislabels:
    """Rows ranked by suspicion.

    Attributes
    ----------
    by
        What they are ranked by.
    rows
        Most suspicious first.
    examples
        How many rows were ranked.
    planted
        How many planted flips each ranking finds among as many top rows; None without any.
    """

    index: str
    by: str
    examples: int
    rows: tuple[Suspect, ...]
    planted: dict[str, Any] | None = None

    def document(self) -> dict[str, Any]:
        """Return the ranking as a JSON document."""
        rows = []
        for row in self.rows:
            entry = asdict(row)
            for name in ("text2", "planted"):
                if entry[name] is None:
                    del entry[name]
            rows.append(entry)
        return {
            "format": FORMAT,
            "version": VERSION,
            "index": self.index,
            "by": self.by,
            "examples": self.examples,
            "rows": rows,
            "planted": self.planted,
        }

    def _repr_html_(self) -> str:
        from wordtrace.report.page import render_fragment

        return render_fragment(self.document())


def mislabels(
    index: IndexFolder,
    run: Run,
    *,
    by: str = "self-influence",
    top: int = 20,
    planted: Collection[str] | None = None,
) -> Mislabels:
    """Rank the training rows by how likely their label is wrong.

    A mislabelled example is its own best proponent: nothing else in the data argues for its label,
    so its gradient stays large (Pruthi et al. 2020, section 4.1).

    Parameters
    ----------
    planted
        Ids whose labels were flipped on purpose, to measure the rankings by.

    Raises
    ------
    InputError
        For an unknown `by`, a `top` under 1, or a planted id that is not in the training data.
    """
    if top < 1:
        raise InputError(f"--top is {top}; it must be at least 1.")
    rankings = suspicion(index)
    if by not in ("self-influence", "loss"):
        raise InputError(f"--by is {by!r}; it must be self-influence or loss.")
    flipped = None if planted is None else set(index.rows_of(sorted(planted)).tolist())
    for values in rankings.values():
        values[index.removed] = -np.inf
    order = _order(rankings[by])[: min(top, index.count)]
    chosen = index.take(order, run)
    predicted = index.table["predicted_final"]
    rows = tuple(
        Suspect(
            rank=place + 1,
            id=chosen.ids[place],
            label=run.label_names[int(chosen.labels[place])],
            predicted=str(predicted[row].as_py()),
            text=chosen.texts[place],
            text2=chosen.texts2[place] if chosen.texts2 else None,
            self_influence=float(rankings["self-influence"][row]),
            loss=float(rankings["loss"][row]),
            planted=None if flipped is None else row in flipped,
        )
        for place, row in enumerate(order.tolist())
    )
    measured = None
    if flipped:
        count, total = len(flipped), index.count
        found: dict[str, float] = {
            name: len(flipped.intersection(_order(values)[:count].tolist()))
            for name, values in rankings.items()
        }
        found["random (expected)"] = round(count * count / total, 1)
        measured = {"count": count, "rows": total, "checked": count, "found": found}
    return Mislabels(str(index.path), by, index.count, rows, measured)


def suspicion(index: IndexFolder) -> dict[str, npt.NDArray[np.float64]]:
    """Return the rankings there are by name, float64, shape (examples,): higher is worse."""
    count = len(index.manifest.checkpoints)
    losses = [index.column(f"loss_{place}").astype(np.float64) for place in range(count)]
    return {
        "self-influence": index.column("self_influence").copy(),
        "loss": np.mean(losses, axis=0),
        "loss (final model)": index.column("loss_final").copy(),
    }


def _order(values: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    return np.argsort(-values, kind="stable")

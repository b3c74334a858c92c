"""Norms of all gradients, and the mean cosine of all pairs, without computing any pair."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from wordtrace.gradients.layer_gradients import LayerGradients, LookupGradients, ProductGradients
from wordtrace.measures.tracin_layers import check, stream
from wordtrace.run.checkpoint import Checkpoint
from wordtrace.run.run import Run

Key = tuple[str, str]

# Of the pulls that cancel, in float32.
_ROUNDING = 1e-5


@dataclass
class Directions:
    """One parameter's gradients over the examples, summed up.

    With unit gradients ĝ_i, Σ_{i≠j} ĝ_i·ĝ_j = ‖Σ_i ĝ_i‖² − n: one sum stands for n² pairs. The
    same of each label's examples alone gives the pairs that share it.

    Attributes
    ----------
    norms
        Σ_i ‖g_i‖.
    count
        How many gradients are not zero; the others have no direction.
    pairs, same_pairs
        Ordered pairs of two examples; of two with one label.
    dots, same_dots
        Σ ĝ_i·ĝ_j over them.
    """

    norms: float = 0.0
    count: int = 0
    pairs: int = 0
    same_pairs: int = 0
    dots: float = 0.0
    same_dots: float = 0.0
    _total: Tensor | None = field(default=None, repr=False)

    def add_label(self, total: Tensor, norms: float, count: int) -> None:
        """Count in all examples of a label, by the sum of their unit gradients."""
        self.norms += norms
        self.count += count
        self.same_pairs += count * (count - 1)
        self.same_dots += float(total.double().square().sum()) - count
        self._total = total if self._total is None else self._total.add_(total)

    def end(self) -> Directions:
        """Take the norm of the sum over all labels, and let the sum go."""
        if self._total is not None:
            self.pairs = self.count * (self.count - 1)
            self.dots = float(self._total.double().square().sum()) - self.count
            self._total = None
        return self

    @property
    def cosine(self) -> float | None:
        """The mean over all pairs."""
        return _ratio(self.dots, self.pairs)

    @property
    def same_label(self) -> float | None:
        """The mean over the pairs that share their label."""
        return _ratio(self.same_dots, self.same_pairs)

    @property
    def different_label(self) -> float | None:
        """The mean over the pairs that do not."""
        return _ratio(self.dots - self.same_dots, self.pairs - self.same_pairs)


def gradient_sums(
    run: Run,
    point: Checkpoint,
    names: list[str],
    rows: npt.NDArray[np.int64],
    memory: int,
    advance: Callable[[int], None],
) -> Iterator[tuple[Key, Directions]]:
    """Yield ((layer, "weight" or "bias"), sums) at one checkpoint.

    Label by label, so that two sums of a parameter's size are in memory, however many labels.

    Raises
    ------
    NumericalError
        When a loss is NaN or infinite; the message names the example.
    """
    model = run.model(point)
    found: dict[Key, Directions] = {}
    labels = run.labelling.codes(run.train.labels[rows])
    if run.labelling.kind == "number":  # each value would be its own label
        labels = np.zeros_like(labels)
    for label in np.unique(labels):
        totals: dict[Key, tuple[Tensor, float, int]] = {}
        of_label = rows[labels == label]
        for batch_rows, captured in stream(run, model, names, memory, of_label):
            check(captured, batch_rows, run, point.step)
            for name, one in captured.layers.items():
                for part, squares, weighted in _parts(one):
                    norms = squares.sqrt()
                    units = torch.where(norms > 0, 1 / norms, 0.0)
                    total, length, count = totals.get((name, part), (None, 0.0, 0))
                    unit_sum = weighted(units)
                    totals[name, part] = (
                        unit_sum if total is None else total.add_(unit_sum),
                        length + float(norms.double().sum()),
                        count + int((norms > 0).sum()),
                    )
            advance(len(batch_rows))
        for key, values in totals.items():
            found.setdefault(key, Directions()).add_label(*values)
    for key, directions in found.items():
        yield key, directions.end()


def _parts(one: LayerGradients) -> Iterator[tuple[str, Tensor, Callable[[Tensor], Tensor]]]:
    """Yield (part, ‖gradient‖² of each example, how to sum gradients with weights)."""
    yield "weight", one.squared_norms(), one.weighted_sum
    if not isinstance(one, LookupGradients) and one.bias.shape[1]:
        bias = one.bias
        if isinstance(one, ProductGradients):
            # Attention's key bias has a zero gradient; what rounding leaves of it has no direction.
            pulls = torch.linalg.vector_norm(one.deltas, dim=2).sum(1, keepdim=True)
            there = torch.linalg.vector_norm(bias, dim=1, keepdim=True) > _ROUNDING * pulls
            bias = torch.where(there, bias, 0.0)
        yield "bias", bias.square().sum(1), lambda weights: weights @ bias


def _ratio(total: float, count: int) -> float | None:
    return max(-1.0, min(1.0, total / count)) if count else None

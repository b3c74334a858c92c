"""Between which losses a checkpoint's own must lie, by what was logged before it and after it.

While a loss L falls, the mean M of the steps after a, up to b, lies between the losses of the two
ends: L(b) ≤ M ≤ L(a). So a checkpoint lies under the means logged before it, and above those logged
after it. An upper bound is compared with the loss without dropout, a lower one with dropout, as the
Trainer trains.

Rows that were seen lie lower than fresh ones, and in the middle of an epoch a checkpoint has seen
some rows once more than others, while the rest of the epoch brings the others alone. So the steps
that follow bound it from below only by a part, 1 − 0.6 f where f is the share of the epoch that is
over; one whole epoch of steps, and those from the next epoch on, bound it wholly. Where the loss
rises, the means after the checkpoint bound it above, and from below nothing does but 0.4 of the
smaller ones.

The tolerance of a bound M is 4 √(v / k + s² / n · (1 − n / N)) + a + r M. M is the mean of k steps,
and v the variance of a step's loss, by what means lack to the line between their neighbours: those
that were logged up to an epoch away, or the nearest six; where fewer than four are known, it is s²
by the rows of a step. s is the standard deviation of a row's loss, which is recomputed on n of N
rows; a and r are 0.03 and 0.05 above, 0.05 and 0.1 below. As many steps are taken as make
4 √(v / k) less than a tenth of M, an epoch at most.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from wordtrace.adopt.logged import Logged, Window

_SURE = 4.0
#: Above and below: the constant part of a tolerance, and the part of the loss.
_ABOVE, _BELOW = (0.03, 0.05), (0.05, 0.1)
_KNOWN, _NEAREST = 4, 6
_SPREAD = 0.1
_FORGOTTEN = 0.6


@dataclass(frozen=True)
class Rows:
    """The rows that a loss is a mean of.

    Attributes
    ----------
    spread
        The standard deviation of a row's loss.
    sample, all
        On how many rows it is recomputed, and how many there are.
    step
        How many rows the Trainer took a step.
    """

    spread: float
    sample: int
    all: int
    step: float


@dataclass(frozen=True)
class Bound:
    """A mean that was logged, and how far a loss may lie beyond it."""

    loss: float
    tolerance: float
    steps: tuple[int, int]


@dataclass(frozen=True)
class Bracket:
    """The bounds of a checkpoint's loss; None where nothing was logged there."""

    upper: Bound | None
    lower: tuple[Bound, ...]
    step: int

    def excess(self, plain: float) -> float:
        """Return by how many tolerances a loss without dropout lies over the upper bound."""
        upper = self.upper
        return -np.inf if upper is None else (plain - upper.loss) / upper.tolerance

    def lack(self, dropped: float) -> float:
        """Return by how many tolerances a loss with dropout lies under the lower bounds."""
        return max(((one.loss - dropped) / one.tolerance for one in self.lower), default=-np.inf)

    def nearest(self, loss: float) -> Bound | None:
        """Return the bound that a loss is furthest beyond, or nearest to."""
        upper = [] if self.upper is None else [self.upper]
        return min(
            (*upper, *self.lower),
            key=lambda one: abs(one.loss - loss) / one.tolerance,
            default=None,
        )


def bracket(logged: Logged, step: int, part: float, rows: Rows) -> Bracket:
    """Return the bounds of the loss at a step.

    Parameters
    ----------
    part
        The share of its epoch that is over at this step, in [0, 1).
    """
    epoch = logged.epoch or float(step)
    noise = _Noise(rows, _variance(logged.windows, step, epoch, rows), epoch)
    before = [one for one in reversed(logged.windows) if one.to <= step]
    after = [one for one in logged.windows if one.after >= step]
    upper, near = noise.bound(before, _ABOVE), noise.bound(after, _BELOW)
    if upper is not None and near is not None and near.loss > upper.loss:
        lower = _part_of(noise.bound(before, _BELOW), 1 - _FORGOTTEN)
        return Bracket(noise.bound(after, _ABOVE), tuple(lower), step)
    lower = _part_of(near, 1 - _FORGOTTEN * part)
    if part > 0:
        whole = [one for one in after if one.to <= step + 1.02 * epoch]
        if whole and whole[-1].to - step >= 0.98 * epoch:
            lower.append(noise.mean(whole, _BELOW))
        ends = step + (1 - part) * epoch
        lower += _part_of(noise.bound([one for one in after if one.after >= ends], _BELOW), 1)
    return Bracket(upper, tuple(lower), step)


def _variance(windows: Sequence[Window], step: int, epoch: float, rows: Rows) -> float:
    """Return the variance of a step's loss around some step."""
    if len(windows) < _KNOWN:
        return rows.spread**2 / rows.step
    far = [max(one.after - step, step - one.to) for one in windows]
    most = max(epoch, sorted(far)[:_NEAREST][-1])
    near = [one for one, distance in zip(windows, far, strict=True) if distance <= most]
    # What a mean lacks to the line between its neighbours, so that a falling loss is no noise.
    found = [
        ((a.loss + c.loss) / 2 - b.loss) ** 2
        / (1 / (4 * a.steps) + 1 / b.steps + 1 / (4 * c.steps))
        for a, b, c in zip(near, near[1:], near[2:], strict=False)
    ]
    return float(np.mean(found))


@dataclass(frozen=True)
class _Noise:
    """How far a mean of some steps may be from what it is the mean of."""

    rows: Rows
    variance: float
    epoch: float

    def bound(self, windows: Iterable[Window], share: tuple[float, float]) -> Bound | None:
        """Return the mean of the windows from the first on, as many as are needed."""
        taken: list[Window] = []
        for one in windows:
            taken.append(one)
            steps = sum(window.steps for window in taken)
            sure = _SURE * (self.variance / steps) ** 0.5
            if sure <= _SPREAD * abs(self.mean(taken, share).loss) or steps >= self.epoch:
                break
        return self.mean(taken, share) if taken else None

    def mean(self, windows: Sequence[Window], share: tuple[float, float]) -> Bound:
        """Return the mean of all the windows."""
        rows, steps = self.rows, np.array([one.steps for one in windows])
        loss = float(np.average([one.loss for one in windows], weights=steps))
        square = self.variance / float(steps.sum())
        square += rows.spread**2 * (1 - rows.sample / rows.all) / rows.sample
        constant, part = share
        tolerance = _SURE * square**0.5 + constant + part * abs(loss)
        span = min(one.after for one in windows) + 1, max(one.to for one in windows)
        return Bound(loss, tolerance, span)


def _part_of(bound: Bound | None, share: float) -> list[Bound]:
    return [] if bound is None else [Bound(bound.loss * share, bound.tolerance, bound.steps)]

"""Spearman's correlations of many rows at once, their mean, and its interval over rows and columns.

Ranks are made once. A resample of the columns weighs these ranks anew, which is a product of
matrices, where ranking anew would be a sort of each row in each resample.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from wordtrace.statistics.resampling import FEWEST, LEVEL, FloatArray, ends, shares

#: Resamples of rows and columns: an interval's end is known to about 6 % of the standard error.
RESAMPLES = 2_000
#: As many resamples are held at a time.
_AT_ONCE = 500


@dataclass(frozen=True)
class Agreement:
    """A mean of correlations with its 95 % interval, for rows and columns like these.

    Attributes
    ----------
    resampled
        The mean in each resample, float64, shape (resamples,).
    count
        The fewer of rows and columns: how many values an interval rests on.
    """

    mean: float
    low: float
    high: float
    resampled: FloatArray
    count: int

    @classmethod
    def of(
        cls, mean: float, resampled: FloatArray, count: int, least: float, most: float
    ) -> Agreement:
        """Return a mean with the interval that its resamples give.

        It is a percentile interval, expanded as :func:`.resampling.tail` says, of resamples that
        are moved to have the mean in their middle: a correlation of resampled columns is smaller on
        average, and its own ends would be too low by as much again. Below 10 values it is Student's
        t interval with the resamples' standard deviation.

        Parameters
        ----------
        least, most
            Where the interval is cut.
        """
        if count >= FEWEST:
            low, high = ends(resampled + (mean - resampled.mean()), count)
        else:
            from scipy import stats

            away = float(stats.t.ppf((1 + LEVEL) / 2, max(1, count - 1)))
            away *= _error(resampled, count)
            low, high = mean - away, mean + away
        # Rounding must not put the mean outside the interval.
        low, high = min(max(low, least), mean), max(min(high, most), mean)
        return cls(mean, float(low), float(high), resampled, count)

    @property
    def p(self) -> float:
        """The probability of a mean so far from zero, were zero the truth: Student's, two-sided."""
        from scipy import stats

        error = _error(self.resampled, self.count)
        if error == 0:
            return 1.0 if self.mean == 0 else 0.0
        return float(2 * stats.t.sf(abs(self.mean) / error, max(1, self.count - 1)))

    def less(self, other: Agreement) -> Agreement:
        """Return how far this mean lies above another one, in the same resamples."""
        apart = self.resampled - other.resampled
        return Agreement.of(self.mean - other.mean, apart, self.count, -2.0, 2.0)

    def document(self) -> dict[str, float]:
        """Return it as JSON."""
        return {"mean": self.mean, "low": self.low, "high": self.high}


def unit_ranks(values: FloatArray) -> FloatArray:
    """Return the ranks within each row, centred and of length 1; zeros where all are alike.

    Ties have the mean of their ranks. The product of two such rows is Spearman's correlation.

    Parameters
    ----------
    values
        Shape (rows, columns).
    """
    from scipy import stats

    ranked: FloatArray = np.asarray(stats.rankdata(values, axis=1), np.float64)
    ranked -= ranked.mean(1, keepdims=True)
    length = np.sqrt((ranked**2).sum(1, keepdims=True))
    found: FloatArray = np.divide(ranked, length, out=np.zeros_like(ranked), where=length > 0)
    return found


def correlations(one: FloatArray, other: FloatArray) -> FloatArray:
    """Return Spearman's correlation of each row of ranks with the other's row, shape (rows,)."""
    found: FloatArray = np.einsum("rc,rc->r", one, other)
    return found


def agreements(
    pairs: Sequence[tuple[FloatArray, FloatArray]], seed: int = 0, resamples: int = RESAMPLES
) -> list[Agreement]:
    """Return the mean correlation over the rows of each pair, with its interval.

    A resample draws rows and columns, both with replacement, and is the same for all pairs: the
    differences of what is returned are paired. A single row is taken as fixed.

    Parameters
    ----------
    pairs
        Of :func:`unit_ranks`, all of one shape (rows, columns).
    """
    rows, columns = pairs[0][0].shape
    generator = np.random.default_rng(seed)
    by_column = shares(generator, columns, resamples)
    by_row = shares(generator, rows, resamples)
    found = np.empty((len(pairs), resamples))
    for start in range(0, resamples, _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        found[:, part] = _resampled(pairs, by_column[part], by_row[part])
    count = columns if rows == 1 else min(rows, columns)
    return [
        Agreement.of(float(correlations(*pair).mean()), resampled, count, -1.0, 1.0)
        for pair, resampled in zip(pairs, found, strict=True)
    ]


def _resampled(
    pairs: Sequence[tuple[FloatArray, FloatArray]], by_column: FloatArray, by_row: FloatArray
) -> FloatArray:
    """Return each pair's mean correlation in some resamples, shape (pairs, resamples)."""
    moments: dict[int, tuple[FloatArray, FloatArray]] = {}
    for ranked in (one for pair in pairs for one in pair):
        if id(ranked) not in moments:
            mean = by_column @ ranked.T
            variance = np.maximum(by_column @ (ranked**2).T - mean**2, 0)
            moments[id(ranked)] = mean, np.sqrt(variance)
    found = np.empty((len(pairs), len(by_column)))
    for place, (one, other) in enumerate(pairs):
        (mean, spread), (other_mean, other_spread) = moments[id(one)], moments[id(other)]
        together = by_column @ (one * other).T - mean * other_mean
        scale = spread * other_spread
        # Ranks have unit length: what is smaller than this is the rounding of equal ranks.
        tiny = 1e-12 / by_column.shape[1]
        correlation = np.divide(together, scale, out=np.zeros_like(scale), where=scale > tiny)
        found[place] = np.einsum("br,br->b", correlation, by_row)
    return found


def _error(resampled: FloatArray, count: int) -> float:
    """Return the standard error, whose square resamples of n values give (n − 1)/n of."""
    return float(resampled.std()) * math.sqrt(count / max(1, count - 1))

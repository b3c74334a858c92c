"""Spearman's correlations of many rows at once, their mean, and its interval over rows and columns.

Ranks are made once. A resample of the columns weighs these ranks anew, which is a product of
matrices, where ranking anew would be a sort of each row in each resample.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from wordtrace.statistics.resampling import FEWEST, LEVEL, FloatArray, ends, shares

#: Resamples of rows and columns: an interval's end is known to about 6 % of the standard error.
RESAMPLES = 2_000
#: As many resamples are held at a time.
_AT_ONCE = 500


@dataclass(frozen=True, eq=False)
class Resampled:
    """The correlation of each row, and what it is where rows and columns are drawn anew.

    Attributes
    ----------
    exact
        float64, shape (rows,).
    columns
        float32, shape (resamples, rows): of all rows, where columns are drawn.
    both
        float64, shape (resamples,): the mean, where rows are drawn, too.
    """

    exact: FloatArray
    columns: npt.NDArray[np.float32]
    both: FloatArray

    def less(self, other: Resampled) -> Resampled:
        """Return the differences from another, in the same resamples."""
        return Resampled(
            self.exact - other.exact, self.columns - other.columns, self.both - other.both
        )

    def means(self) -> FloatArray:
        """Return resampled means around the mean, with the variance that a mean has.

        Let a mean vary by its rows, by its columns, and by what is special about single pairs of
        both. Who draws rows sees the first and the last; who draws columns the second and the last;
        and who draws both sees the last one three times. So resamples of both are drawn together
        until their variance is that of rows plus that of columns less what is in both of these,
        which the variance of single rows over resampled columns tells. They are moved, too, to have
        the mean in their middle: a correlation of resampled columns is smaller on average.
        """
        rows = len(self.exact)
        apart = self.both - self.both.mean()
        if rows > 1 and apart.any():
            by_row = float(self.exact.var()) / rows
            by_column = float(self.columns.mean(1, dtype=np.float64).var())
            each = float(self.columns.var(0, dtype=np.float64).mean())
            twice = max(0.0, (each - by_column) / (rows - 1))
            variance = max(by_row, by_column, by_row + by_column - twice)
            apart *= math.sqrt(variance / float(apart.var()))
        found: FloatArray = self.exact.mean() + apart
        return found


@dataclass(frozen=True, eq=False)
class Agreement:
    """A mean of correlations with its 95 % interval, for rows and columns like these.

    Attributes
    ----------
    resampled
        The mean in each resample, float64, shape (resamples,).
    count
        The fewer of rows and columns: how many values an interval rests on.
    single
        What it is made from; None of what is computed from other agreements.
    """

    mean: float
    low: float
    high: float
    resampled: FloatArray
    count: int
    single: Resampled | None = None

    @classmethod
    def of(
        cls,
        mean: float,
        resampled: FloatArray,
        count: int,
        least: float,
        most: float,
        single: Resampled | None = None,
    ) -> Agreement:
        """Return a mean with the interval that its resamples give.

        It is a percentile interval, expanded as :func:`.resampling.tail` says; below 10 values
        Student's t interval with the resamples' standard deviation.

        Parameters
        ----------
        least, most
            Where the interval is cut.
        """
        if count >= FEWEST:
            low, high = ends(resampled, count)
        else:
            from scipy import stats

            away = float(stats.t.ppf((1 + LEVEL) / 2, max(1, count - 1)))
            away *= _error(resampled, count)
            low, high = mean - away, mean + away
        # Rounding, or resamples that are skewed, must not put the mean outside the interval.
        low, high = min(max(low, least), mean), max(min(high, most), mean)
        return cls(mean, float(low), float(high), resampled, count, single)

    @classmethod
    def of_rows(cls, single: Resampled, count: int, bound: float) -> Agreement:
        """Return the mean over rows, which is never farther from 0 than `bound`."""
        return cls.of(float(single.exact.mean()), single.means(), count, -bound, bound, single)

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
        assert self.single is not None
        assert other.single is not None
        return Agreement.of_rows(self.single.less(other.single), self.count, 2.0)

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
    columns_drawn = np.empty((len(pairs), resamples, rows), np.float32)
    both_drawn = np.empty((len(pairs), resamples))
    for start in range(0, resamples, _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        for place, correlation in enumerate(_resampled(pairs, by_column[part])):
            columns_drawn[place, part] = correlation
            both_drawn[place, part] = np.einsum("br,br->b", correlation, by_row[part])
    count = columns if rows == 1 else min(rows, columns)
    return [
        Agreement.of_rows(
            Resampled(correlations(*pair), columns_drawn[place], both_drawn[place]), count, 1.0
        )
        for place, pair in enumerate(pairs)
    ]


def _resampled(
    pairs: Sequence[tuple[FloatArray, FloatArray]], by_column: FloatArray
) -> Iterator[FloatArray]:
    """Yield each pair's correlations in some resamples of columns, shape (resamples, rows)."""
    moments: dict[int, tuple[FloatArray, FloatArray]] = {}
    for ranked in (one for pair in pairs for one in pair):
        if id(ranked) not in moments:
            mean = by_column @ ranked.T
            variance = np.maximum(by_column @ (ranked**2).T - mean**2, 0)
            moments[id(ranked)] = mean, np.sqrt(variance)
    for one, other in pairs:
        (mean, spread), (other_mean, other_spread) = moments[id(one)], moments[id(other)]
        together = by_column @ (one * other).T - mean * other_mean
        scale = spread * other_spread
        # Ranks have unit length: what is smaller than this is the rounding of equal ranks.
        tiny = 1e-12 / by_column.shape[1]
        yield np.divide(together, scale, out=np.zeros_like(scale), where=scale > tiny)


def _error(resampled: FloatArray, count: int) -> float:
    """Return the standard error, whose square resamples of n values give (n − 1)/n of."""
    return float(resampled.std()) * math.sqrt(count / max(1, count - 1))

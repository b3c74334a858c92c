"""Deletion curves: how a prediction changes when the rows that a measure names are left out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from wordtrace.data.labelling import Labels
from wordtrace.evaluation.candidates import SIGNS, Sign, named_rows
from wordtrace.measures.protocol import Scores
from wordtrace.retrainers.retrain import Rows
from wordtrace.verification.removal import Pool, label_rows, random_rows

FloatArray = npt.NDArray[np.float64]
#: A training: its seed and the rows left out.
SeedAndRows = tuple[int, Rows]
#: Trains each and returns what it says of every query: p(label), float64, shape (queries,).
Solve = Callable[[Sequence[SeedAndRows]], Mapping[SeedAndRows, FloatArray]]

# Below so many degrees of freedom a regression coefficient is noise: pairing alone is safer.
_FEWEST = 20


@dataclass(frozen=True)
class Line:
    """The rows of one measure and sign.

    Attributes
    ----------
    rows
        For each k, each query's rows.
    seeds
        How many seeds it is retrained with.
    """

    rows: tuple[tuple[Rows, ...], ...]
    seeds: int


@dataclass(frozen=True)
class Effects:
    """What leaving out did: p(label | without) − p(label | with).

    Attributes
    ----------
    named, random, own_class
        float64, shape (k, queries, seeds): without the rows that the measure names, without as
        many random ones, and without as many random ones of the query's own label (NaN where the
        label has too few).
    """

    named: FloatArray
    random: FloatArray
    own_class: FloatArray


def auc(effects: FloatArray) -> FloatArray:
    """Return the mean over k of effects (k, queries, seeds): shape (queries, seeds)."""
    result: FloatArray = effects.mean(0)
    return result


class Deletion:
    """A study of deletion.

    Parameters
    ----------
    pool
        The training rows.
    query_labels
        The queries' labels, as :class:`.Labelling` has them.
    seeds
        The seeds of the retrainings, in the order in which they are used. The model of all rows is
        trained with all of them, and effects are counted from its mean; a line uses the first ones.
    solve
        What trains the models.
    paired
        Whether the models of a seed share a part of their chance.
    """

    def __init__(
        self,
        pool: Pool,
        query_labels: Labels,
        sizes: Sequence[int],
        seeds: Sequence[int],
        solve: Solve,
        *,
        paired: bool = True,
    ) -> None:
        self.pool, self.query_labels = pool, query_labels
        self.sizes, self.seeds, self._solve = list(sizes), list(seeds), solve
        self.paired = paired
        self.lines: dict[tuple[str, Sign], Line] = {}
        self._known: dict[SeedAndRows, FloatArray] = {}
        self._drawn: dict[tuple[int, int], Rows] = {}

    def add(self, name: str, scores: Scores, repeats: int, signs: Sequence[Sign] = SIGNS) -> None:
        """Take up a measure's rows; nothing is trained yet."""
        for sign in signs:
            rows = tuple(tuple(named_rows(scores, sign, k)) for k in self.sizes)
            self.lines[name, sign] = Line(rows, repeats)

    def extend(self, key: tuple[str, Sign], seeds: int) -> None:
        """Give a line more seeds."""
        self.lines[key] = Line(self.lines[key].rows, seeds)

    def trainings(self, seeds: int | None = None) -> list[SeedAndRows]:
        """Return all trainings that are needed, each one once.

        Parameters
        ----------
        seeds
            Of each line; None for as many as each has now.
        """
        wanted: dict[SeedAndRows, None] = {(seed, ()): None for seed in self.seeds}
        for line in self.lines.values():
            for seed in self.seeds[: seeds or line.seeds]:
                for rows_by_query in line.rows:
                    for query, rows in enumerate(rows_by_query):
                        wanted[seed, rows] = None
                        wanted[seed, self._random(seed, len(rows))] = None
                        own = self._own_class(seed, query, len(rows))
                        if own is not None:
                            wanted[seed, own] = None
        return list(wanted)

    def train(self) -> None:
        """Train all that is missing."""
        self.ask(self.trainings())

    def ask(self, trainings: Sequence[SeedAndRows]) -> None:
        """Do those of `trainings` that are missing."""
        missing = [one for one in trainings if one not in self._known]
        if missing:
            self._known.update(self._solve(missing))

    def said(self, rows: Rows, seeds: Sequence[int]) -> FloatArray:
        """Return p(label) without some rows, shape (queries,), a mean over seeds trained before."""
        result: FloatArray = np.mean([self._known[seed, rows] for seed in seeds], 0)
        return result

    def drop(self, failed: set[int]) -> list[int]:
        """Leave out seeds that could not all be trained; return those that were in use."""
        gone = [seed for seed in self.seeds if seed in failed]
        for key, line in self.lines.items():
            lost = sum(seed in failed for seed in self.seeds[: line.seeds])
            self.lines[key] = Line(line.rows, line.seeds - lost)
        self.seeds = [seed for seed in self.seeds if seed not in failed]
        return gone

    def base(self) -> FloatArray:
        """Return p(label) of the models of all rows, shape (queries, seeds)."""
        return np.stack([self._known[seed, ()] for seed in self.seeds], 1)

    def outcomes(self, key: tuple[str, Sign]) -> Effects:
        """Return p(label) after leaving out, not yet a difference; see :class:`Effects`."""
        line = self.lines[key]
        shape = (len(self.sizes), len(self.query_labels), line.seeds)
        found = Effects(*(np.full(shape, np.nan) for _ in range(3)))
        for at, rows_by_query in enumerate(line.rows):
            for query, rows in enumerate(rows_by_query):
                for place, seed in enumerate(self.seeds[: line.seeds]):
                    at_once = (at, query, place)
                    found.named[at_once] = self._known[seed, rows][query]
                    control = self._random(seed, len(rows))
                    found.random[at_once] = self._known[seed, control][query]
                    own = self._own_class(seed, query, len(rows))
                    if own is not None:
                        found.own_class[at_once] = self._known[seed, own][query]
        return found

    def effects(self) -> dict[tuple[str, Sign], Effects]:
        """Return each line's effects, corrected for the chance that retrainings share.

        A retraining and the model of all rows with the same seed share initial weights and order,
        so they share part of their chance. Let x_s be that model's p(label), x̄ its mean over all
        seeds, y_s the retraining's p(label), and β the regression coefficient of y on x. Then
        y_s − x̄ − β(x_s − x̄) has the same mean as y_s − x_s and less variance: it is a control
        variate. One β for each k is fitted within (line, query) over all of them; if they are few,
        β is 1, which gives the plain paired difference. Where the models of a seed share nothing,
        it is 0.
        """
        base = self.base()
        mean = base.mean(1, keepdims=True)
        found = {key: self.outcomes(key) for key in self.lines}
        beta = self.beta(found)[:, None, None]

        def shift(outcome: FloatArray) -> FloatArray:
            own = base[:, : outcome.shape[2]]
            shifted: FloatArray = outcome - mean - beta * (own - mean)
            return shifted

        return {
            key: Effects(shift(one.named), shift(one.random), shift(one.own_class))
            for key, one in found.items()
        }

    def beta(self, outcomes: Mapping[tuple[str, Sign], Effects]) -> FloatArray:
        """Return the regression coefficient for each k, shape (k,)."""
        if not self.paired:
            return np.zeros(len(self.sizes))
        base = self.base()
        products, squares, freedom = np.zeros(len(self.sizes)), np.zeros(len(self.sizes)), 0
        for one in outcomes.values():
            own = base[:, : one.named.shape[2]]
            own = own - own.mean(1, keepdims=True)
            products += (one.named * own).sum((1, 2))
            squares += (own**2).sum()
            freedom += own.size - len(own)
        if freedom < _FEWEST or not squares.all():
            return np.ones(len(self.sizes))
        result: FloatArray = products / squares
        return result

    def _random(self, seed: int, count: int) -> Rows:
        # One draw serves all queries and measures: it is made once.
        if (seed, count) not in self._drawn:
            self._drawn[seed, count] = random_rows(self.pool, count, seed)
        return self._drawn[seed, count]

    def _own_class(self, seed: int, query: int, count: int) -> Rows | None:
        return label_rows(self.pool, self.query_labels[query], count, seed)

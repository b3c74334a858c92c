"""The linear datamodeling score: whether summed scores foretell what halves of the rows teach.

For each query, Spearman's correlation over random halves of the training rows: of the summed scores
of the rows that a half keeps, with what models say that were trained on it (Park et al. 2023,
section 3.2). All measures are held against the same models; one measure more needs no further one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt

from wordtrace.evaluation.truth import Truth
from wordtrace.measures.protocol import Scores
from wordtrace.statistics.holm import holm
from wordtrace.statistics.rank_agreement import Agreement, agreements, correlations, unit_ranks
from wordtrace.statistics.resampling import LEVEL, FloatArray

# So many pairs of groups of seeds are compared; where there are more, these are drawn.
_SPLITS = 10
_ROUNDING = 1e-11


@dataclass(frozen=True)
class _Values:
    """Values to rank, float64, shape (queries, halves), with what their rounding is a part of.

    Sums that differ by less than their rounding are ties, so that a measure that says the same of
    all halves is not ranked by chance.
    """

    values: FloatArray
    scale: FloatArray

    def ranks(self, alive: npt.NDArray[np.bool_] | None, counts: FloatArray | None) -> FloatArray:
        """Return ranks over the halves, of what is left when the counts' part is taken out."""
        values, scale = self.values, self.scale
        if alive is not None:
            values, scale = values[alive], scale[alive]
        if counts is not None:
            values = values - (values @ counts) @ counts.T
        step = np.where(scale > 0, scale, 1.0)[:, None] * _ROUNDING
        return unit_ranks(np.round(values / step))

    @classmethod
    def of(cls, said: FloatArray) -> _Values:
        """Return the mean over seeds of what models say, shape (queries, halves, seeds)."""
        return cls(said.mean(2), np.abs(said).max((1, 2)))


@dataclass(frozen=True)
class _Compared:
    """How measures agree with one outcome.

    Attributes
    ----------
    agreed
        By measure.
    by_query
        By measure, float64, shape (queries,); NaN where models say the same after all halves.
    between
        The mean correlation between two groups of seeds; None where the seeds were not split.
    reliability
        The same stepped up to all seeds.
    """

    agreed: Mapping[str, Agreement]
    by_query: Mapping[str, FloatArray]
    between: float | None
    reliability: Agreement | None


def datamodel(truth: Truth, scores: Mapping[str, Scores]) -> dict[str, Any]:
    """Return how well each measure foretells what the models say, as JSON.

    Halves that are not stratified differ in their counts of rows of each class. Then what these
    counts tell is taken out, by regression over the halves, of the summed scores and of what models
    say, before either is ranked; "plain" is the figure without that.

    Parameters
    ----------
    scores
        By measure, float32, shape (queries, rows).

    Returns
    -------
    dict
        "halves", "stratified", "by", "seeds", "lost"; "queries", of which models do not say the
        same after all halves; "outcomes", the main one first; "counts_tell", the share of the main
        outcome's variance that the counts tell (None of stratified halves); "reliability";
        "measures"; "differences".
    """
    halves = truth.halves
    counts = None if halves.stratified else _basis(halves.counts())
    summed = {
        name: _Values(halves.summed(matrix), np.abs(matrix).sum(1, dtype=np.float64))
        for name, matrix in scores.items()
    }
    said = truth.outcomes[truth.main]
    main = _compare(said, summed, counts, split=True)
    outcomes = {
        name: main if name == truth.main else _compare(one, summed, counts)
        for name, one in truth.outcomes.items()
    }
    plain = None if counts is None else _compare(said, summed, None)
    return {
        "halves": len(halves),
        "stratified": halves.stratified,
        "by": halves.by,
        "seeds": list(truth.seeds),
        "lost": truth.lost,
        "queries": int(np.isfinite(next(iter(main.by_query.values()))).sum()),
        "outcomes": list(outcomes),
        "counts_tell": None if counts is None else _told(said.mean(2), counts),
        "reliability": None
        if main.reliability is None
        else {**main.reliability.document(), "between": main.between},
        "measures": {
            name: {
                **main.agreed[name].document(),
                "share": _share(main.agreed[name], main.reliability),
                "outcomes": {one: by.agreed[name].document() for one, by in outcomes.items()},
                "plain": None if plain is None else plain.agreed[name].document(),
                "by_query": [None if np.isnan(r) else r for r in main.by_query[name].tolist()],
            }
            for name in scores
        },
        "differences": differences(main.agreed),
    }


def differences(agreed: Mapping[str, Agreement]) -> list[dict[str, Any]]:
    """Return the difference of each two measures, on the same queries and halves.

    "excludes_zero" says whether it is shown at the level of 5 % for all of them together, by Holm's
    correction; the interval is that of the single difference.
    """
    pairs = list(combinations(agreed, 2))
    apart = [agreed[first].less(agreed[second]) for first, second in pairs]
    corrected = holm([one.p for one in apart])
    return [
        {
            "first": first,
            "second": second,
            **one.document(),
            "p": one.p,
            "p_corrected": p,
            "excludes_zero": p < 1 - LEVEL,
        }
        for (first, second), one, p in zip(pairs, apart, corrected, strict=True)
    ]


def _compare(
    said: FloatArray,
    summed: Mapping[str, _Values],
    counts: FloatArray | None,
    *,
    split: bool = False,
) -> _Compared:
    """Hold summed scores (queries, halves) against one outcome (queries, halves, seeds).

    Parameters
    ----------
    counts
        What is taken out of both (:func:`_basis`), if anything.
    split
        Whether groups of seeds are held against each other, too.
    """
    known = _Values.of(said).ranks(None, counts)
    alive = np.asarray(known.any(1))
    if not alive.any():  # then no measure foretells anything, and all agreements are zero
        alive = np.ones(len(known), bool)
    ranked = {name: one.ranks(alive, counts) for name, one in summed.items()}
    pairs = [(one, known[alive]) for one in ranked.values()]
    groups = _seed_groups(said[alive], counts) if split else []
    agreed = agreements([*pairs, *groups])
    between, reliability = None, None
    if groups:
        seeds = said.shape[2]
        between = float(np.mean([one.mean for one in agreed[len(pairs) :]]))
        reliability = _stepped_up(agreed[len(pairs) :], seeds / (seeds // 2))
    by_query = {}
    for name, pair in zip(ranked, pairs, strict=True):
        by_query[name] = np.full(len(said), np.nan)
        by_query[name][alive] = correlations(*pair)
    return _Compared(dict(zip(ranked, agreed, strict=False)), by_query, between, reliability)


def _seed_groups(
    said: FloatArray, counts: FloatArray | None
) -> list[tuple[FloatArray, FloatArray]]:
    """Return ranks by the mean of some seeds, beside those by as many others; none of one seed."""
    seeds = said.shape[2]
    groups = list(combinations(range(seeds), seeds // 2)) if seeds > 1 else []
    apart = [(one, other) for one, other in combinations(groups, 2) if not set(one) & set(other)]
    if len(apart) > _SPLITS:
        drawn = np.random.default_rng(0).choice(len(apart), _SPLITS, replace=False)
        apart = [apart[place] for place in sorted(drawn.tolist())]
    used = {group for pair in apart for group in pair}
    ranked = {group: _Values.of(said[:, :, list(group)]).ranks(None, counts) for group in used}
    return [(ranked[one], ranked[other]) for one, other in apart]


def _stepped_up(agreed: Sequence[Agreement], factor: float) -> Agreement:
    """Return the reliability of so many times as many seeds, by Spearman and Brown."""

    def stepped(between: FloatArray) -> FloatArray:
        known = np.clip(between, 0, 1)
        found: FloatArray = factor * known / (1 + (factor - 1) * known)
        return found

    mean = float(stepped(np.array([one.mean for one in agreed]).mean(keepdims=True))[0])
    resampled = stepped(np.mean([one.resampled for one in agreed], axis=0))
    return Agreement.of(mean, resampled, agreed[0].count, 0.0, 1.0)


def _share(agreed: Agreement, reliability: Agreement | None) -> dict[str, float] | None:
    """Return a score's share of √reliability, the most that any measure could reach on average.

    None where the reliability is not known to be over 0.
    """
    if reliability is None or reliability.low <= 0:
        return None
    most = np.sqrt(np.maximum(reliability.resampled, 1e-9))
    mean = agreed.mean / float(np.sqrt(reliability.mean))
    return Agreement.of(mean, agreed.resampled / most, agreed.count, -np.inf, np.inf).document()


def _basis(counts: FloatArray) -> FloatArray:
    """Return an orthonormal basis of what counts (halves, groups) can tell, and of the mean."""
    whole = np.column_stack([np.ones(len(counts)), counts - counts.mean(0)])
    left, sizes, _ = np.linalg.svd(whole, full_matrices=False)
    found: FloatArray = left[:, sizes > sizes.max() * 1e-9]
    return found


def _told(values: FloatArray, counts: FloatArray) -> float:
    """Return the mean share of each query's variance over halves that the counts tell."""
    centred = values - values.mean(1, keepdims=True)
    whole = (centred**2).sum(1)
    told = ((centred @ counts) ** 2).sum(1)
    return float(np.mean(told[whole > 0] / whole[whole > 0])) if whole.any() else 0.0

"""What may be wrong with the rows of an open index, and what mends it.

The functions are methods of :class:`wordtrace.Index`, which names them.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from wordtrace.act import clusters as patterns
from wordtrace.act import duplicates as copies
from wordtrace.act import fix as fixing
from wordtrace.act import mislabels as suspicion
from wordtrace.act import outliers as strangers
from wordtrace.act.clusters_result import Clusters
from wordtrace.act.duplicates_result import Duplicates
from wordtrace.act.fix_result import Fix
from wordtrace.act.mislabels_result import Mislabels
from wordtrace.act.outliers_result import Outliers
from wordtrace.act.review import PLACE, Review
from wordtrace.act.reviewed_rows import ReviewedRows
from wordtrace.data.examples import Examples
from wordtrace.execute.protocol import Executor
from wordtrace.measures.token_weights import checked
from wordtrace.retrainers.choice import Retrain

if TYPE_CHECKING:
    from wordtrace.api.index import Index


def mislabels(
    self: Index,
    *,
    by: str = "combined",
    top: int = 20,
    offset: int = 0,
    label: str | None = None,
    planted: Collection[str] | None = None,
    wrong: Collection[str] | None = None,
    words: bool = False,
    weights: str | Sequence[float] | npt.NDArray[np.floating] = "",
) -> Mislabels:
    """Rank the training rows by how likely their label is wrong, with the evidence.

    Parameters
    ----------
    by
        "combined", "self-influence", "opposition", "loss" or "final-loss".
    top, offset
        How many rows to list, after how many that are skipped. The rankings are computed once,
        the evidence for the rows that are listed.
    label
        List only rows with this label.
    planted, wrong
        The ids of rows whose labels were flipped on purpose, or are known to be wrong, to judge
        the rankings.
    words
        Give the words that oppose a label as whole words instead of tokens.
    weights
        What each token's part of an influence is multiplied by, in "opposition", and so in
        "combined", and in the evidence: "" for nothing, "idf" for its idf², or a number for each
        token of the vocabulary, as an array. Self-influence and losses stay as they are.

    Examples
    --------
    >>> suspects = index.mislabels(top=5)
    >>> [suspect.rank for suspect in suspects.rows]
    [1, 2, 3, 4, 5]
    >>> suspects.patch("remove").write("fix.jsonl")
    """
    return suspicion.mislabels(
        self.suspects.weighted(checked(weights)),
        by=by,
        top=top,
        offset=offset,
        label=label,
        planted=planted,
        wrong=wrong,
        words=words,
    )


def review(self: Index) -> Review:
    """Open the review of the rows, or begin one; the run's folder keeps it.

    It is about the rows that the index holds now: ask again after a change of the index.

    Examples
    --------
    >>> suspects = index.mislabels(top=5)
    >>> review = index.review()
    >>> review.decide([suspects.rows[0].id], "remove", suspects=suspects)
    1
    >>> review.patch().changes[0].reason
    'rank 1 of 54 by combined; rows labelled ...'
    """
    folder, run = self.folder, self.run
    rows = ReviewedRows(
        folder.rows,
        lambda rows: folder.take(rows, run),
        run.labelling,
        folder.manifest.examples,
    )
    return Review(run.path / PLACE, rows)


def fix(
    self: Index,
    queries: Examples,
    *,
    k: Sequence[int] = (10, 50, 100),
    actions: Sequence[str] = ("remove", "blank"),
    measures: Sequence[str] | None = None,
    repeats: int = 5,
    band: tuple[float, float] | None = None,
    limit: int | None = None,
    workers: int | None = None,
    executor: str | Executor = "processes",
    address: str | None = None,
    retrain: Retrain | None = None,
) -> Fix:
    """Find by retraining which change corrects misclassified queries; see :func:`.act.fix.fix`.

    Parameters
    ----------
    queries
        Examples with their right labels; those that the model gets right are left out.
    k, actions
        How many opponents to change, and how to change them.
    measures
        Other measures to compare with; None for influence-last, and for none where texts have
        several labels.
    repeats
        The number of seeds; each is retrained for every change.
    band, limit
        Take only queries with a probability of the predicted label in this range, and at most
        this many.
    workers, executor, address
        As of :func:`build_index`.
    retrain
        What trains instead of the run's own training; as for :func:`verify`.

    Raises
    ------
    InputError
        For a model that gives numbers or answers, an unknown action, a k out of range, or when
        no query is misclassified.

    Examples
    --------
    >>> found = index.fix(news, k=[2], actions=["remove"], repeats=2, limit=1, workers=1)
    >>> len(found.patches)
    1
    """
    return fixing.fix(
        self._tracer,
        queries,
        k=k,
        actions=actions,
        measures=measures,
        repeats=repeats,
        band=band,
        limit=limit,
        workers=workers,
        executor=executor,
        address=address,
        retrain=retrain,
    )


def mistakes(
    self: Index,
    *,
    threshold: float = 0.8,
    least: int = 2,
    most: int = 1000,
    weights: str | Sequence[float] | npt.NDArray[np.floating] = "",
) -> Clusters:
    """Group the training rows that the final model gets wrong, with the rows behind them.

    Nothing is trained: :func:`clusters` judges by retraining, which is surer, since a model
    knows its training rows partly by heart.

    Parameters
    ----------
    threshold
        The influence distance at which groups are cut.
    least
        The size of the smallest group.
    most
        How many rows to group at most, those with the highest loss.
    weights
        What each token's part of an influence is multiplied by, as for :func:`clusters`.

    Raises
    ------
    InputError
        For a model of another kind than classes, or a setting out of range.

    Examples
    --------
    >>> found = index.mistakes()
    >>> found.trainings, all(len(cluster.members) > 1 for cluster in found.clusters)
    (0, True)
    """
    return patterns.mistakes(
        *(self.folder, self._tracer),
        threshold=threshold,
        least=least,
        most=most,
        weights=checked(weights),
    )


def duplicates(self: Index, *, threshold: float = 0.8, top: int | None = 20) -> Duplicates:
    """Group the rows whose texts are the same or share most of their words.

    Parameters
    ----------
    threshold
        The least Jaccard similarity of the words of two rows: 0.8 lets 2 of 18 words be others,
        1 asks for the same words. Every such pair is found.
    top
        How many groups to list, those first whose labels differ; None for all.

    Raises
    ------
    InputError
        For a threshold that is not over 0.3 and up to 1, or a `top` below 1.

    Examples
    --------
    >>> found = index.duplicates(threshold=0.6)
    >>> all(group.count > 1 for group in found.groups)
    True
    >>> found.patch("remove").write("one-is-enough.jsonl")
    """
    return copies.duplicates(self.folder, self.run, threshold=threshold, top=top)


def outliers(self: Index, *, by: str = "combined", top: int = 20) -> Outliers:
    """Rank the rows by how unlike all others their texts are, with what is unusual.

    Parameters
    ----------
    by
        "combined", or one of its parts: "words" (rare words), "letters" (rare sequences of
        letters), "alone" (little in common with any other row), "length".
    top
        How many rows to list.

    Raises
    ------
    InputError
        For an unknown `by`, or a `top` below 1.

    Examples
    --------
    >>> strangest = index.outliers(top=3)
    >>> [row.rank for row in strangest.rows]
    [1, 2, 3]
    >>> reasons = strangest.rows[0].reasons
    """
    return strangers.outliers(self.folder, self.run, by=by, top=top)

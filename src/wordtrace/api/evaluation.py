"""Evaluating measures by retraining."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from wordtrace.data.examples import Examples
from wordtrace.evaluation.candidates import SIGNS, Sign
from wordtrace.evaluation.result import Evaluation
from wordtrace.evaluation.study import evaluate as study
from wordtrace.execute.protocol import Executor
from wordtrace.measures.options import refuse_unknown
from wordtrace.measures.protocol import Scores
from wordtrace.retrainers.choice import Retrain
from wordtrace.run.run import Run


def evaluate(
    run: Run | str | Path,
    queries: Examples | int | None = None,
    *,
    measures: Sequence[str] | None = None,
    scores: Mapping[str, Scores] | None = None,
    lds: int = 100,
    halves: str = "stratified",
    repeats: int = 3,
    k: Sequence[int] = (),
    k_queries: int | None = None,
    signs: Sequence[Sign] = SIGNS,
    only: str = "all",
    balanced: bool = False,
    seed: int = 0,
    candidates: int | None = None,
    width: float | None = None,
    max_repeats: int = 40,
    wrong: Collection[str] | None = None,
    causes: Mapping[str, Collection[str]] | None = None,
    workers: int | None = None,
    executor: str | Executor = "processes",
    address: str | None = None,
    retrain: Retrain | None = None,
    **options: Any,
) -> Evaluation:
    """Train on random halves of the rows, and see which measure foretells what models then say.

    The result has the linear datamodeling score of each measure, with intervals, the share of what
    any measure could reach, and differences; with `k` also the deletion curves DEL+ and DEL− with
    their areas (section 2.2), and controls. Results of retrainings are kept in the run's folder: an
    interrupted study goes on, studies share what they have in common, and the same study with other
    measures trains nothing. :func:`wordtrace.evaluation.study.evaluate` describes each parameter.

    Parameters
    ----------
    run
        A run, or its folder. Of one that is joined with others (:meth:`Run.with_runs`) the measures
        are means over all; what is trained again is the first.
    queries
        Labelled texts, or how many of the held-out rows to draw; by default all, up to 500.
    lds
        How many random halves, 100 by default; 0 for deletion curves alone.
    halves
        "stratified", half of each class; or "plain".
    k
        Of deletion curves: how many rows to leave out.
    retrain
        What trains instead of the run's own training; as for :func:`wordtrace.verify`.
    **options
        Options of the measures: the fields of :class:`Options`.

    Raises
    ------
    InputError
        For an unknown measure or setting, or a size or number that makes no sense.

    Examples
    --------
    >>> names = ["tracin-we", "bm25"]
    >>> found = wt.evaluate(run, 4, measures=names, lds=3, repeats=2, workers=1)
    >>> list(found.lds)
    ['tracin-we', 'bm25']
    >>> curves = wt.evaluate(run, 2, measures=["bm25"], lds=0, k=[2], repeats=2, workers=1)
    >>> curves.table().num_rows  # 2 queries × 2 seeds × proponents and opponents
    8
    """
    refuse_unknown(options, evaluate)
    opened = run if isinstance(run, Run) else Run.open(run)
    return study(
        opened,
        queries,
        measures=measures,
        scores=scores,
        lds=lds,
        halves=halves,
        repeats=repeats,
        k=k,
        k_queries=k_queries,
        signs=signs,
        only=only,
        balanced=balanced,
        seed=seed,
        candidates=candidates,
        width=width,
        max_repeats=max_repeats,
        wrong=wrong,
        causes=causes,
        workers=workers,
        executor=executor,
        address=address,
        retrain=retrain,
        **options,
    )

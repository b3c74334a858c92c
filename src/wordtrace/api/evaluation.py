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
    queries: Examples | int = 20,
    *,
    measures: Sequence[str] | None = None,
    scores: Mapping[str, Scores] | None = None,
    k: Sequence[int] = (10, 50, 100),
    repeats: int = 5,
    signs: Sequence[Sign] = SIGNS,
    only: str = "all",
    balanced: bool = False,
    seed: int = 0,
    candidates: int | None = None,
    width: float | None = None,
    max_repeats: int = 40,
    lds: int = 0,
    wrong: Collection[str] | None = None,
    workers: int | None = None,
    executor: str | Executor = "processes",
    address: str | None = None,
    retrain: Retrain | None = None,
    **options: Any,
) -> Evaluation:
    """Leave out the rows that each measure names, retrain, and see how predictions change.

    The result has the deletion curves DEL+ and DEL− with their areas (section 2.2), intervals and
    controls. Results of retrainings are kept in the run's folder: an interrupted study goes on, and
    studies share what they have in common. :func:`wordtrace.evaluation.study.evaluate` describes
    each parameter.

    Parameters
    ----------
    run
        A run, or its folder.
    queries
        Labelled texts, or how many of the held-out rows to draw.
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
    >>> found = wt.evaluate(run, 2, measures=["bm25"], k=[2], repeats=2, workers=1)
    >>> found.table().num_rows  # 2 queries × 2 seeds × proponents and opponents
    8
    """
    refuse_unknown(options, evaluate)
    opened = run if isinstance(run, Run) else Run.open(run)
    return study(
        opened,
        queries,
        measures=measures,
        scores=scores,
        k=k,
        repeats=repeats,
        signs=signs,
        only=only,
        balanced=balanced,
        seed=seed,
        candidates=candidates,
        width=width,
        max_repeats=max_repeats,
        lds=lds,
        wrong=wrong,
        workers=workers,
        executor=executor,
        address=address,
        retrain=retrain,
        **options,
    )

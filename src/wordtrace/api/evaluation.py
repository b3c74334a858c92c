"""Evaluating measures by retraining."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from wordtrace.data.examples import Examples
from wordtrace.evaluation.result import Evaluation
from wordtrace.evaluation.study import evaluate as study
from wordtrace.run.run import Run


def evaluate(run: Run | str | Path, queries: Examples | int = 20, **choices: Any) -> Evaluation:
    """Leave out the rows that each measure names, retrain, and tell what the model then says.

    Deletion curves DEL+ and DEL− with their areas (section 2.2), intervals and controls. Results
    are kept in the run's folder: an interrupted study goes on, and studies share what they have in
    common.

    Parameters
    ----------
    run
        A run, or its folder.
    queries
        Labelled texts, or how many of the held-out rows to draw.
    **choices
        As of :func:`wordtrace.evaluation.study.evaluate`: measures, scores, k, repeats, ….
    """
    opened = run if isinstance(run, Run) else Run.open(run)
    return study(opened, queries, **choices)

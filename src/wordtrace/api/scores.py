"""Scores by any measure, without an index."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from wordtrace.data.examples import Examples
from wordtrace.explain.question import ask
from wordtrace.explain.tracer import Tracer
from wordtrace.measures.protocol import Scores
from wordtrace.models.answer_spans import Part
from wordtrace.run.run import Run


def influence(
    run: Run | str | Path,
    queries: str | Sequence[str] | Sequence[tuple[str, str]] | Examples,
    measure: str = "tracin-we-topk",
    *,
    label: str | Sequence[str] | None = None,
    span: Part | Sequence[Part | None] | None = None,
    **options: Any,
) -> Scores:
    """Return the influence of every training example on every query by any measure.

    Parameters
    ----------
    measure
        A name; ``wordtrace measures`` lists them.
    span
        Of a language model's answers: the part that is meant, as for :meth:`Index.trace`.
    **options
        The fields of :class:`Options`, such as ``top_k=20`` or ``damping=0.01``.

    Returns
    -------
    array
        float32, shape (queries, examples): element [i, j] is the influence of training row j on
        query i; positive for proponents.
    """
    opened = run if isinstance(run, Run) else Run.open(run)
    tracer = Tracer(opened, None)
    return tracer.score(tracer.queries(ask(opened, queries, label, span)), measure, **options)

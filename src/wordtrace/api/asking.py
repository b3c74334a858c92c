"""What is asked of an open index: its rows, traces, and each row's neighbours.

The functions are methods of :class:`wordtrace.Index`, which names them.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from wordtrace.act.filters import Filters
from wordtrace.act.neighbours import write_neighbours
from wordtrace.act.rows_result import Rows
from wordtrace.asking.question import Asked
from wordtrace.explain.trace import Trace
from wordtrace.measures.options import refuse_unknown
from wordtrace.measures.token_weights import checked
from wordtrace.models.answer_spans import Passage

if TYPE_CHECKING:
    from wordtrace.api.index import Index


def rows(
    self: Index,
    *,
    sort: str = "row",
    descending: bool = False,
    offset: int = 0,
    limit: int = 20,
    **filters: Any,
) -> Rows:
    """List rows that pass filters; texts are searched where they lie, without reading them in.

    Parameters
    ----------
    sort, descending
        The column that orders them: row, id, label, predicted, suspicion, loss or
        self_influence. By "suspicion", all postings are read once.
    offset, limit
        Which of them to list.
    **filters
        The fields of :class:`.act.filters.Filters`: `q` (words that must all stand in the
        text), `label`, `predicted`, `right`, `suspicion_from`, `suspicion_to`, `loss_from`,
        `loss_to`, `decision` (what :meth:`review` has: keep, relabel, remove, edit, none, any).

    Raises
    ------
    InputError
        For an unknown filter, label or column.

    Examples
    --------
    >>> found = index.rows(q="coach win", label="Sport", sort="loss", descending=True, limit=3)
    >>> all("coach" in row.text and "win" in row.text for row in found.rows)
    True
    >>> len(found.rows) <= found.matching <= found.total
    True
    """
    asked = Filters.of(filters)
    return self.row_table.rows(
        asked,
        sort=sort,
        descending=descending,
        offset=offset,
        limit=limit,
        marks=None if asked.decision is None else self.review().marks(),
    )


def trace(
    self: Index,
    texts: Asked,
    label: str | Sequence[str | None] | None = None,
    *,
    measure: str | None = None,
    top: int = 20,
    top_k: int | None = None,
    baselines: Sequence[str] = (),
    words: bool = False,
    by_checkpoint: bool = False,
    span: Passage | Sequence[Passage | None] | None = None,
    executor: str = "threads",
    address: str | None = None,
    workers: int | None = None,
    **options: Any,
) -> Trace:
    """Find the training examples, and the words in them, behind predictions.

    Parameters
    ----------
    texts
        One text, a list of them, or Examples; a pair of texts is a tuple. For a run of
        conversations: ``{"messages": […]}``, or (question, answer), or a question alone, to
        which the model gives its own answer (at most 64 tokens); what is explained is the
        answer, the assistant's last message.
    label
        The label to explain: one for all texts, or a list with one for each, where None is the
        model's prediction. By default the Examples' own labels, else the model's predictions.
    measure
        The measure; by default ``tracin-we-idf``, which any index answers.
    top
        How many proponents and opponents to list.
    top_k
        How many positions of a text count; by default as many as in the index. For another
        number, gradients are computed anew from the run.
    baselines
        Other measures, such as ``("bm25",)``: their strongest rows are listed, too.
    words
        Give contributions by whole word instead of by token; they sum to the same score.
    by_checkpoint
        Give each listed row's score at each checkpoint, too: when in the training the model
        learned it. Only measures with words have it.
    span
        For a language model: the part of the answer to explain, by the loss of its tokens
        alone. It is a text that stands in the answer exactly once, or (start, end) in
        characters; one for all texts, or a list with one for each.
    executor
        "threads" for threads of this process, or "ray" for workers on a Ray cluster, each of
        which has some of the shards. They stay for the next call, until :meth:`close`. The
        answer is the same.
    address, workers
        Of the cluster, see :class:`.execute.ray.RayCluster`; and how many workers.
    **options
        Options of the measure: the fields of :class:`Options`, such as ``synonym_cosine=0.8``.

    Raises
    ------
    InputError
        For an empty text, an unknown label or measure, or a span that does not stand in the
        answer exactly once.

    Examples
    --------
    >>> trace = index.trace("the coach and the striker win a match", label="Sport", top=3)
    >>> best = trace.proponents[0]
    >>> best.score > 0 and best.id in index.ids
    True
    >>> word, contribution = best.words[0]
    """
    refuse_unknown(options, trace)
    return self._tracer.trace(
        *(self.asker.question(texts, label, span), measure),
        top=top,
        top_k=top_k,
        baselines=baselines,
        words=words,
        by_checkpoint=by_checkpoint,
        spread=self._on(executor, address, workers),
        **options,
    )


def neighbours(
    self: Index,
    out: str | Path,
    *,
    top: int = 10,
    memory: int = 1 << 30,
    weights: str | Sequence[float] | npt.NDArray[np.floating] = "",
) -> int:
    """Write each example's nearest other examples as Parquet; returns the number of pairs.

    See :func:`.act.neighbours.neighbours`, which yields them block by block.

    Parameters
    ----------
    out
        The table to write.
    top
        How many neighbours of each example.
    memory
        The bytes that the scores of a block may take.
    weights
        What each token's part of an influence is multiplied by: "" for nothing, "idf" for its idf²,
        or a number for each token of the vocabulary, as an array.

    Examples
    --------
    >>> index.neighbours("neighbours.parquet", top=1) <= len(index.ids)
    True
    """
    return write_neighbours(
        self.folder, self.run, Path(out), top=top, memory=memory, weights=checked(weights)
    )

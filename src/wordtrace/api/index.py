"""An opened index with its run: asking it, and changing it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from wordtrace.act import clusters as patterns
from wordtrace.act import duplicates as copies
from wordtrace.act import fix as fixing
from wordtrace.act import mislabels as suspicion
from wordtrace.act import outliers as strangers
from wordtrace.act.clusters_result import Clusters
from wordtrace.act.duplicates_result import Duplicates
from wordtrace.act.filters import Filters
from wordtrace.act.fix_result import Fix
from wordtrace.act.mislabels_result import Mislabels
from wordtrace.act.neighbours import write_neighbours
from wordtrace.act.outliers_result import Outliers
from wordtrace.act.review import PLACE, Review
from wordtrace.act.reviewed_rows import ReviewedRows
from wordtrace.act.row_table import RowTable
from wordtrace.act.rows_result import Rows
from wordtrace.act.suspects import Suspects
from wordtrace.api.searchers import Searchers
from wordtrace.asking.asker import Asker
from wordtrace.asking.question import Asked, Question
from wordtrace.asking.searcher import Spread
from wordtrace.data.examples import Examples
from wordtrace.data.readers import read_dialogues, read_examples
from wordtrace.errors import InputError
from wordtrace.execute.named import named
from wordtrace.execute.once import once
from wordtrace.execute.protocol import Executor
from wordtrace.explain.trace import Trace
from wordtrace.explain.tracer import Tracer
from wordtrace.index import change as changing
from wordtrace.index import merge as merging
from wordtrace.index.folder import IndexFolder
from wordtrace.measures.options import refuse_unknown
from wordtrace.measures.protocol import Scores
from wordtrace.models.answer_spans import Passage
from wordtrace.retrainers.choice import Retrain
from wordtrace.run.run import Run


class Index:
    """An index with its run: ask it which examples and words made a prediction.

    :meth:`open` and :func:`build_index` return one. As a context manager it calls :meth:`close` at
    the end. Several threads may ask it at once; while one thread changes it (:meth:`add`,
    :meth:`remove`, :meth:`merge`), the others should wait.

    Attributes
    ----------
    folder, run
        The index on disk, and the run from which it was built.
    asker
        Answers questions to them by any measure.
    suspects
        Ranks the rows by how suspicious their labels are; the rankings are computed once.

    Examples
    --------
    >>> with wt.Index.open("runs/news/index") as index:
    ...     trace = index.trace("the coach and the striker win a match", top=3)
    >>> len(trace.proponents)
    3
    """

    def __init__(self, folder: IndexFolder, run: Run) -> None:
        self.folder, self.run = folder, run
        self.asker = Asker(run, folder)
        self._tracer = Tracer(self.asker)
        self.suspects = Suspects(folder, self._tracer)
        self._searchers = Searchers()

    @classmethod
    def open(cls, path: str | Path, run: str | Path | None = None, device: str = "cpu") -> Index:
        """Open an index; `run` overrides the recorded place of its run.

        Raises
        ------
        InputError
            When there is no finished index at `path`.
        MismatchError
            When the run is not the one from which the index was built.
        CorruptError
            When a file is missing or not whole.

        Examples
        --------
        >>> wt.Index.open("runs/news/index")
        Index('runs/news/index', 54 examples, top-k 10)
        """
        folder = IndexFolder.open(path)
        return cls(folder, folder.open_run(run, device))

    def __repr__(self) -> str:
        kept = self.folder.manifest.top_k or "all"
        return f"Index({str(self.folder.path)!r}, {self.folder.count:,} examples, top-k {kept})"

    def __enter__(self) -> Index:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """End the workers on a cluster that answered for this index, if there are any."""
        self._searchers.close()

    @property
    def ids(self) -> list[str]:
        """The examples' ids in the order of their rows, without removed examples."""
        return list(self.folder.rows)

    def _on(self, executor: str, address: str | None, workers: int | None) -> Spread | None:
        return self._searchers.on(self.folder, self.run, executor, address, workers)

    @once
    def row_table(self) -> RowTable:
        """All rows, to be filtered, sorted and counted; kept until the index is changed."""
        return RowTable(self.folder, self.run)

    def rows(
        self,
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
        self,
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
            The measure; by default the one that the index holds: ``tracin-we-topk``, or
            ``tracin-we``.
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
        refuse_unknown(options, Index.trace)
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

    def _scores(
        self,
        question: Question,
        measure: str | None,
        executor: str,
        address: str | None,
        workers: int | None,
        **options: Any,
    ) -> tuple[str, Scores]:
        """Return the measure's name and :func:`influence` of this index, (queries, :attr:`ids`)."""
        asker = self.asker
        way = asker.way(measure, **options)
        if not way.rows.indexed:
            weighting, place = self.run.weighting.name, f"its run, {self.run.path}, in its place"
            if weighting != "rate":
                place = (
                    f"index.run in its place, which is weighted by {weighting}, too "
                    f"({self.run.path} alone is weighted by the rate)"
                )
            raise InputError(
                f"{self.folder.path} does not hold what {way.title} needs; give {place}."
            )
        spread = self._on(executor, address, workers)
        answer = asker.ask(question, measure, spread=spread, **options)
        return way.name, np.delete(answer.scores(), answer.rows.removed, axis=1)

    def add(
        self,
        data: Any,
        *,
        text: str = "text",
        text2: str | None = None,
        label: str | Sequence[str] = "label",
        id: str | Literal[False] | None = None,
        split: str | None = None,
        workers: int | None = None,
        executor: str | Executor = "processes",
        address: str | None = None,
    ) -> Index:
        """Add further examples, indexed with the run's checkpoints; returns this index.

        The model was not trained on them: their influence is the one that training on them would
        have had, to first order.

        Parameters
        ----------
        data
            Examples, or whatever :func:`read_examples` reads; their ids must be new. For a language
            model, `label` is not read.
        executor, address
            See :func:`build_index`.

        Raises
        ------
        InputError
            For unusable data, an id that the index holds already, or a label that the run does not
            have.

        Examples
        --------
        >>> later = [{"id": "new", "text": "the coach wins the cup", "label": "Sport"}]
        >>> index.add(later, workers=1).ids[-1]
        'new'
        """
        if self.run.chats and not isinstance(data, Examples):
            data = read_dialogues(
                data,
                text=None if text == "text" else text,
                text2=text2,
                id=id,
                split=split,
                label_names=self.run.label_names,
            ).examples
        elif not isinstance(data, Examples):
            data = read_examples(
                data,
                text=text,
                text2=text2,
                label=None if self.run.generates else label,
                id=id,
                split=split,
                label_names=self.run.label_names or None,
                require_labels=not self.run.generates,
                kind=self.run.labelling.kind,
            )
        if self.run.generates:
            data = data.with_labels(np.zeros(len(data), np.int64))
        runs = named(executor, address, workers, gpus=self.run.gpus)
        folder = changing.add(self.folder.path, self.run, data, workers=workers, executor=runs)
        return self._changed(folder)

    def remove(self, ids: Collection[str]) -> Index:
        """Hide examples, by id, at once; :meth:`merge` deletes them. Returns this index.

        Examples
        --------
        >>> first = index.ids[0]
        >>> first in index.remove([first]).ids
        False
        """
        return self._changed(changing.remove(self.folder.path, self.run, list(ids)))

    def merge(self, shard_size: int | None = None) -> Index:
        """Delete removed examples, and join additions and shards; returns this index.

        Examples
        --------
        >>> index.remove(index.ids[:2]).merge()
        Index('runs/news/index', 52 examples, top-k 10)
        """
        return self._changed(merging.merge(self.folder.path, self.run, shard_size))

    def _changed(self, folder: IndexFolder) -> Index:
        self.close()
        self.folder, self.asker = folder, Asker(self.run, folder)
        self._tracer = Tracer(self.asker)
        self.suspects = Suspects(folder, self._tracer)
        self.__dict__.pop("row_table", None)
        return self

    def mislabels(
        self,
        *,
        by: str = "combined",
        top: int = 20,
        offset: int = 0,
        label: str | None = None,
        planted: Collection[str] | None = None,
        wrong: Collection[str] | None = None,
        words: bool = False,
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

        Examples
        --------
        >>> suspects = index.mislabels(top=5)
        >>> [suspect.rank for suspect in suspects.rows]
        [1, 2, 3, 4, 5]
        >>> suspects.patch("remove").write("fix.jsonl")
        """
        return suspicion.mislabels(
            self.suspects,
            by=by,
            top=top,
            offset=offset,
            label=label,
            planted=planted,
            wrong=wrong,
            words=words,
        )

    def review(self) -> Review:
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
        self,
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

    def mistakes(self, *, threshold: float = 0.8, least: int = 2, most: int = 1000) -> Clusters:
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
            self.folder, self._tracer, threshold=threshold, least=least, most=most
        )

    def duplicates(self, *, threshold: float = 0.8, top: int | None = 20) -> Duplicates:
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

    def outliers(self, *, by: str = "combined", top: int = 20) -> Outliers:
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

    def neighbours(self, out: str | Path, *, top: int = 10, memory: int = 1 << 30) -> int:
        """Write each example's nearest other examples as Parquet; returns the number of pairs.

        See :func:`.act.neighbours.neighbours`, which yields them block by block.

        Examples
        --------
        >>> index.neighbours("neighbours.parquet", top=1) <= len(index.ids)
        True
        """
        return write_neighbours(self.folder, self.run, Path(out), top=top, memory=memory)

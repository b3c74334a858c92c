"""An index opened with its run: asked, changed, and made."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from wordtrace.act import fix as fixing
from wordtrace.act import mislabels as suspicion
from wordtrace.act.fix import Fix
from wordtrace.act.mislabels import Mislabels
from wordtrace.act.neighbours import write_neighbours
from wordtrace.data.examples import Examples
from wordtrace.data.readers import read_examples
from wordtrace.execute.named import named
from wordtrace.execute.protocol import Executor
from wordtrace.explain.prediction import Trace
from wordtrace.explain.question import ask
from wordtrace.explain.tracer import Tracer
from wordtrace.index import build as building
from wordtrace.index import change as changing
from wordtrace.index import merge as merging
from wordtrace.index.folder import IndexFolder
from wordtrace.models.answer_spans import Part
from wordtrace.run.run import Run


class Index:
    """An index with its run: ask it which examples and words made a prediction.

    Use :meth:`open`, or :func:`build_index`.
    """

    def __init__(self, folder: IndexFolder, run: Run) -> None:
        self.folder, self.run = folder, run

    @classmethod
    def open(cls, path: str | Path, run: str | Path | None = None, device: str = "cpu") -> Index:
        """Open an index; `run` overrides the recorded place of its run.

        Raises
        ------
        InputError
            When there is no finished index.
        MismatchError
            When the run is not the one it was built from.
        CorruptError
            When a file is missing or not whole.
        """
        folder = IndexFolder.open(path)
        return cls(folder, folder.open_run(run, device))

    def __repr__(self) -> str:
        kept = self.folder.manifest.top_k or "all"
        return f"Index({str(self.folder.path)!r}, {self.folder.count:,} examples, top-k {kept})"

    @cached_property
    def _tracer(self) -> Tracer:
        return Tracer(self.run, self.folder)

    def trace(
        self,
        texts: str | tuple[str, str] | Sequence[str] | Sequence[tuple[str, str]] | Examples,
        label: str | Sequence[str] | None = None,
        *,
        measure: str | None = None,
        top: int = 20,
        top_k: int | None = None,
        baselines: Sequence[str] = (),
        words: bool = False,
        span: Part | Sequence[Part | None] | None = None,
        **options: Any,
    ) -> Trace:
        """Find the training examples, and the words in them, behind predictions.

        Parameters
        ----------
        texts
            One text, a list of them, or Examples; a pair of texts is a tuple.
        label
            The label to explain, for all texts or one each; by default the Examples' own, else
            the model's prediction.
        measure
            By default what the index holds: ``tracin-we-topk``, or ``tracin-we``.
        top
            How many proponents and opponents to list.
        top_k
            Positions kept in a text; by default the index's. Another k streams from the run.
        baselines
            Other measures whose strongest rows to list beside, such as ``("bm25",)``.
        words
            Give contributions by whole word instead of by token; they sum to the same score.
        span
            Of a language model's answer: explain this part of it alone, by the loss of its tokens:
            a text that stands in it once, or (start, end) in characters; for all texts or one each.
        **options
            Of the measure: the fields of :class:`Options`, such as ``synonym_cosine=0.8``.

        Raises
        ------
        InputError
            For an empty text, an unknown label or measure, a span that is not there once.
        """
        question = ask(self.run, texts, label, span)
        return self._tracer.trace(
            *(question, measure),
            top=top,
            top_k=top_k,
            baselines=baselines,
            words=words,
            **options,
        )

    def add(
        self,
        data: Any,
        *,
        text: str = "text",
        text2: str | None = None,
        label: str | Sequence[str] = "label",
        id: str | None = None,
        split: str | None = None,
        workers: int | None = None,
        executor: str | Executor = "processes",
        address: str | None = None,
    ) -> Index:
        """Index further examples with the run's checkpoints; returns this index.

        They were not trained on: their influence is what training on them would have had, to first
        order.

        Parameters
        ----------
        data
            What :func:`read_examples` takes, or Examples; ids must be new.
        executor, address
            As for :func:`build_index`.

        Raises
        ------
        InputError
            For unusable data, an id that is there already, or a label that the run does not have.
        """
        if not isinstance(data, Examples):
            data = read_examples(
                data,
                text=text,
                text2=text2,
                label=label,
                id=id,
                split=split,
                label_names=self.run.label_names or None,
                kind=self.run.labelling.kind,
            )
        runs = named(executor, address, workers)
        folder = changing.add(self.folder.path, self.run, data, workers=workers, executor=runs)
        return self._changed(folder)

    def remove(self, ids: Collection[str]) -> Index:
        """Make examples invisible at once, by id; :meth:`merge` drops them. Returns this index."""
        return self._changed(changing.remove(self.folder.path, self.run, list(ids)))

    def merge(self, shard_size: int | None = None) -> Index:
        """Drop removed examples and join additions and shards; returns this index."""
        return self._changed(merging.merge(self.folder.path, self.run, shard_size))

    def _changed(self, folder: IndexFolder) -> Index:
        self.folder = folder
        self.__dict__.pop("_tracer", None)
        return self

    def mislabels(
        self,
        *,
        by: str = "combined",
        top: int = 20,
        planted: Collection[str] | None = None,
        wrong: Collection[str] | None = None,
    ) -> Mislabels:
        """Rank the training rows by how likely their label is wrong, with the evidence.

        Parameters
        ----------
        by
            "combined", "self-influence", "opposition", "loss" or "final-loss".
        top
            How many rows to list.
        planted, wrong
            Ids whose labels were flipped on purpose, or are known to be wrong: the rankings are
            judged by them.
        """
        return suspicion.mislabels(
            self.folder, self._tracer, by=by, top=top, planted=planted, wrong=wrong
        )

    def fix(self, queries: Examples, **choices: Any) -> Fix:
        """Find by retraining what sets misclassified queries right; see :func:`.act.fix.fix`.

        Parameters
        ----------
        queries
            Examples with right labels.
        **choices
            ``k``, ``actions``, ``measures``, ``repeats``, ``band``, ``limit``,
            ``workers``, ``executor``, ``address``.
        """
        return fixing.fix(self._tracer, queries, **choices)

    def neighbours(self, out: str | Path, *, top: int = 10, memory: int = 1 << 30) -> int:
        """Write each example's nearest others as Parquet; returns how many pairs there are.

        See :func:`.act.neighbours.neighbours`, which yields them block by block.
        """
        return write_neighbours(self.folder, self.run, Path(out), top=top, memory=memory)


def build_index(
    run: Run | str | Path,
    out: str | Path | None = None,
    *,
    top_k: int | None = 10,
    dtype: str = "float16",
    project: int | None = None,
    projection: str = "pca",
    weighting: str = "rate",
    precision: str = "float32",
    shard_size: int = 32_768,
    workers: int | None = None,
    executor: str | Executor = "processes",
    address: str | None = None,
    overwrite: bool = False,
) -> Index:
    """Index the token gradients of a run's training examples; see :func:`.index.build.build`.

    Parameters
    ----------
    executor
        "processes" of this machine, "ray" for a Ray cluster, or an executor of your own.
    address
        Of the Ray cluster; see :class:`.execute.ray.Cluster`.
    """
    opened = run if isinstance(run, Run) else Run.open(run)
    folder = building.build(
        opened,
        out,
        top_k=top_k,
        dtype=dtype,
        project=project,
        projection=projection,
        weighting=weighting,
        precision=precision,
        shard_size=shard_size,
        workers=workers,
        executor=named(executor, address, workers),
        overwrite=overwrite,
    )
    return Index(folder, opened.weighted(weighting))

"""The library's front door: what the command line does, in Python, with the same names."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from wordtrace.act import fix as fixing
from wordtrace.act import mislabels as suspicion
from wordtrace.act.fix import Fix
from wordtrace.act.mislabels import Mislabels
from wordtrace.act.neighbours import write_neighbours
from wordtrace.data.examples import Examples
from wordtrace.data.readers import read_examples
from wordtrace.errors import InputError, MismatchError
from wordtrace.execute.named import named
from wordtrace.execute.protocol import Executor
from wordtrace.explain.prediction import Trace
from wordtrace.explain.reading import read_trace
from wordtrace.explain.tracer import Question, Tracer
from wordtrace.index import build as building
from wordtrace.index import calibrate as calibration
from wordtrace.index import change as changing
from wordtrace.index import estimate as estimation
from wordtrace.index import merge as merging
from wordtrace.index.folder import IndexFolder
from wordtrace.measures.options import Options
from wordtrace.measures.protocol import Scores
from wordtrace.run import train as training
from wordtrace.run.recipe import Recipe
from wordtrace.run.run import Run
from wordtrace.run.settings import Settings
from wordtrace.verification.paired import Target, Verification
from wordtrace.verification.paired import verify as verify_targets

__all__ = [
    "Examples",
    "Index",
    "Options",
    "Recipe",
    "Run",
    "Settings",
    "Trace",
    "Verification",
    "build_index",
    "calibrate",
    "estimate_index",
    "influence",
    "read_examples",
    "read_trace",
    "train",
    "verify",
]


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
        **options
            Of the measure: the fields of :class:`Options`, such as ``synonym_cosine=0.8``.

        Raises
        ------
        InputError
            For an empty text, an unknown label or measure.
        """
        question = ask(self.run, texts, label)
        return self._tracer.trace(
            question, measure, top=top, top_k=top_k, baselines=baselines, **options
        )

    def add(
        self,
        data: Any,
        *,
        text: str = "text",
        text2: str | None = None,
        label: str = "label",
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
                label_names=self.run.label_names,
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
            ``k``, ``actions``, ``measures``, ``repeats``, ``band``, ``limit``, ``workers``.
        """
        return fixing.fix(self._tracer, queries, **choices)

    def neighbours(self, out: str | Path, *, top: int = 10, memory: int = 1 << 30) -> int:
        """Write each example's nearest others as Parquet; returns how many pairs there are.

        See :func:`.act.neighbours.neighbours`, which yields them block by block.
        """
        return write_neighbours(self.folder, self.run, Path(out), top=top, memory=memory)


def ask(
    run: Run,
    texts: str | tuple[str, str] | Sequence[str] | Sequence[tuple[str, str]] | Examples,
    label: str | Sequence[str] | None = None,
) -> Question:
    """Bring texts and labels into one form.

    Raises
    ------
    InputError
        For a label the run does not have, or another number of labels than texts.
    """
    names = run.label_names
    if isinstance(texts, Examples):
        given = texts.labels
        if label is None and (given >= 0).any() and texts.label_names != names:
            order = np.array([_class(name, names) for name in texts.label_names])
            given = np.where(given >= 0, order[given], -1)
        if label is None:
            return Question(texts.texts, texts.texts2, given, "file")
        texts = (
            texts.texts
            if texts.texts2 is None
            else list(zip(texts.texts, texts.texts2, strict=True))
        )
    if isinstance(texts, str) or (isinstance(texts, tuple) and run.manifest["has_pairs"]):
        texts = [texts]  # type: ignore[assignment]
    first = [text if isinstance(text, str) else text[0] for text in texts]
    second = [text[1] for text in texts if not isinstance(text, str)]
    if second and len(second) != len(first):
        raise InputError("give pairs of texts throughout, or single texts throughout.")
    labels = [label] * len(first) if isinstance(label, str) or label is None else list(label)
    if len(labels) != len(first):
        raise InputError(f"there are {len(first)} texts but {len(labels)} labels.")
    classes = np.array([-1 if one is None else _class(one, names) for one in labels], np.int64)
    return Question(first, second or None, classes, "given")


def train(
    data: Any,
    out: str | Path,
    *,
    text: str = "text",
    text2: str | None = None,
    label: str = "label",
    id: str | None = None,
    split: str | None = None,
    model: str = "cnn",
    eval_data: Any = None,
    eval_label: str | None = None,
    eval_fraction: float = 0.1,
    recipe: Recipe | None = None,
    settings: Settings | None = None,
    device: str = "cpu",
    resume: bool = True,
    overwrite: bool = False,
    **choices: Any,
) -> Run:
    """Train the paper's CNN on a file, a folder, a table or Examples, and record the run.

    Parameters
    ----------
    data
        What :func:`read_examples` takes, or Examples.
    out
        The run's folder.
    eval_data
        Held-out examples; else `eval_fraction` of the data (by label, copies of a text on one
        side; 0 for none).
    eval_label
        The label column of `eval_data`, where it has another name.
    recipe, settings
        In full; or their fields one by one as keywords: ``epochs=8, learning_rate=0.1``.

    Raises
    ------
    InputError
        For unusable data, settings or folder.
    """
    if model != "cnn":
        raise InputError(f"--model is {model!r}; this version trains the paper's CNN: give cnn.")
    recipe, settings = _choices(recipe, settings, choices)

    def read(source: Any, column: str, label_names: tuple[str, ...] | None = None) -> Examples:
        if isinstance(source, Examples):
            return source
        return read_examples(
            source,
            text=text,
            text2=text2,
            label=column,
            id=id,
            split=split,
            label_names=label_names,
        )

    examples = read(data, label)
    held_out = None
    if eval_data is not None:
        held_out = read(eval_data, eval_label or label, examples.label_names)
    elif not 0 <= eval_fraction < 1:
        raise InputError(f"--eval-fraction is {eval_fraction}; it must be in [0, 1).")
    elif eval_fraction:
        # Not by the recipe's seed: runs of several seeds are judged on the same rows.
        examples, held_out = examples.split(eval_fraction, seed=0)
    return training.train(
        examples,
        out,
        held_out=held_out,
        recipe=recipe,
        settings=settings,
        device=device,
        resume=resume,
        overwrite=overwrite,
    )


def build_index(
    run: Run | str | Path,
    out: str | Path | None = None,
    *,
    top_k: int | None = 10,
    dtype: str = "float16",
    project: int | None = None,
    projection: str = "pca",
    weighting: str = "rate",
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
        shard_size=shard_size,
        workers=workers,
        executor=named(executor, address, workers),
        overwrite=overwrite,
    )
    return Index(folder, opened)


def estimate_index(run: Run | str | Path, **settings: Any) -> dict[str, Any]:
    """Reckon from a sample what :func:`build_index` would take: time, memory, disk.

    Parameters
    ----------
    **settings
        Of :func:`build_index`: ``top_k``, ``dtype``, ``project``, ``projection``, ``weighting``,
        ``shard_size``, ``workers``.
    """
    opened = run if isinstance(run, Run) else Run.open(run)
    return estimation.estimate(opened, **settings)


def calibrate(
    run: Run | str | Path,
    *,
    dtype: str = "float16",
    project: int | None = None,
    projection: str = "pca",
    weighting: str = "rate",
    overlap: float = 0.9,
) -> dict[str, Any]:
    """Measure on a sample what an index of each top-k would cost and keep.

    Parameters
    ----------
    overlap
        The share of the exact 20 strongest proponents and opponents to be kept.

    Returns
    -------
    dict
        A row for each k; ``chosen`` is the smallest that keeps as much, None standing for all
        positions. See :func:`.index.calibrate.calibrate`.
    """
    opened = run if isinstance(run, Run) else Run.open(run)
    building.check_stored(opened, dtype, project, projection)
    return calibration.calibrate(
        opened,
        building.weights(opened, weighting),
        dtype=dtype,
        project=project,
        projection=projection,
        overlap=overlap,
    )


def influence(
    run: Run | str | Path,
    queries: str | Sequence[str] | Sequence[tuple[str, str]] | Examples,
    measure: str = "tracin-we-topk",
    *,
    label: str | Sequence[str] | None = None,
    **options: Any,
) -> Scores:
    """Return the influence of every training example on every query by any measure.

    Parameters
    ----------
    measure
        A name; ``wordtrace measures`` lists them.
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
    return tracer.score(tracer.queries(ask(opened, queries, label)), measure, **options)


def verify(
    trace: Trace,
    *,
    remove: str = "opponents",
    k: int = 50,
    repeats: int = 5,
    workers: int | None = None,
    index: Index | None = None,
    run: Run | None = None,
) -> Verification:
    """Remove a trace's strongest opponents (or proponents), retrain, and tell what happened.

    Parameters
    ----------
    k
        Rows removed for each query; fewer where there are fewer of that sign. Where the trace
        lists fewer than k, it is made again with the same measure.
    repeats
        Seeds; each is retrained with and without the rows, and beside two controls.
    index, run
        Override the places that the trace records.
    """
    if remove not in ("opponents", "proponents"):
        raise InputError(f"--remove is {remove!r}; it must be opponents or proponents.")
    if k < 1:
        raise InputError(f"--k is {k}; it must be at least 1.")
    opened = run or (index.run if index else Run.open(trace.run))
    if opened.fingerprint != trace.run_fingerprint:
        raise MismatchError(f"the trace was not made from the run {opened.path}; name it by --run.")
    if index is None and trace.index is not None:
        # With a run that has moved, its index mostly has moved along.
        places = [Path(trace.index), opened.path / "index"]
        there = next((place for place in places if (place / "manifest.json").exists()), None)
        index = None if there is None else Index.open(there, opened.path)
    lists = [getattr(query, remove) for query in trace.queries]
    rows = [tuple(opened.rows_of([hit.id for hit in hits[:k]]).tolist()) for hits in lists]
    if any(0 < len(one) < k for one in rows):
        texts: Any = [
            query.text if query.text2 is None else (query.text, query.text2) for query in trace
        ]
        labels = [query.label for query in trace]
        tracer = index._tracer if index else Tracer(opened, None)
        asked = tracer.queries(ask(opened, texts, labels))
        ranked = tracer.rank(asked, trace.measure, trace.top_k, top=k, **trace.options)
        place = 1 if remove == "opponents" else 0
        rows = [tuple(opened.rows_of(pair[place]).tolist()) for pair in ranked]
    targets = [
        Target(
            query.text,
            query.text2,
            _class(query.label, opened.label_names),
            query.predicted,
            query.probability,
            one,
        )
        for query, one in zip(trace.queries, rows, strict=True)
    ]
    return verify_targets(
        opened, targets, remove=remove, k=k, measure=trace.measure, repeats=repeats, workers=workers
    )


def _class(name: str, names: Sequence[str]) -> int:
    if name not in names:
        raise InputError(f"there is no label {name!r}; the run has {', '.join(names)}.")
    return list(names).index(name)


def _choices(
    recipe: Recipe | None, settings: Settings | None, choices: dict[str, Any]
) -> tuple[Recipe, Settings]:
    for_recipe = {key: choices.pop(key) for key in list(choices) if key in Recipe.__annotations__}
    for_settings = {
        key: choices.pop(key) for key in list(choices) if key in Settings.__annotations__
    }
    if choices:
        known = ", ".join([*Recipe.__annotations__, *Settings.__annotations__])
        raise TypeError(f"train() has no setting {min(choices)!r}; there are {known}.")
    if (recipe and for_recipe) or (settings and for_settings):
        raise TypeError("give recipe= and settings= in full, or their fields, not both.")
    return recipe or Recipe(**for_recipe), settings or Settings(**for_settings)

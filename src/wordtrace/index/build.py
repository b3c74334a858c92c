"""Building an index: one task for each checkpoint and shard, which writes one file."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from wordtrace.data.batches import document_frequency
from wordtrace.disk import atomic
from wordtrace.errors import CorruptError, InputError, option
from wordtrace.execute.ledger import Ledger
from wordtrace.execute.named import within
from wordtrace.execute.processes import executor as local
from wordtrace.execute.progress import track
from wordtrace.execute.protocol import Executor
from wordtrace.gradients.embedding import PRECISIONS
from wordtrace.gradients.top_k import check_top_k
from wordtrace.index import manifest as manifests
from wordtrace.index import projection as projections
from wordtrace.index.fidelity import measure, sample
from wordtrace.index.folder import IndexFolder
from wordtrace.index.manifest import (
    FurtherRun,
    Manifest,
    RowBlock,
    Shard,
    WeighedCheckpoint,
    entry_of,
    samples_of,
)
from wordtrace.index.postings import DTYPES
from wordtrace.index.tables import write_examples, write_tokens
from wordtrace.index.task import WORK, ShardTask, build_shard, prepare
from wordtrace.index.texts import StoredTexts
from wordtrace.index.unfinished import (
    clear_other_work,
    finished,
    is_a_build,
    require_same,
    start_work,
)
from wordtrace.run.run import Run


def build(
    run: Run,
    out: str | Path | None = None,
    *,
    top_k: int | None = 10,
    dtype: str = "float16",
    weighting: str = "rate-sum",
    precision: str = "float32",
    project: int | None = None,
    projection: str = "pca",
    shard_size: int = 32_768,
    workers: int | None = None,
    executor: Executor | None = None,
    overwrite: bool = False,
) -> IndexFolder:
    """Index the token gradients of a run's training examples.

    A run that is joined with others (:meth:`.Run.with_runs`) is indexed at the checkpoints of all.
    A killed build goes on at the first missing shard when it is started again, and its result is
    byte-identical to that of an uninterrupted one. The model computes on the run's device; the
    index does not record which one.

    Parameters
    ----------
    out
        The folder; RUN/index by default.
    top_k
        Positions of largest gradient norm kept in each text (Eq. 5); None for all.
    dtype
        The type of the stored directions: "float16", "float32" or "int8".
    project
        The number of dimensions to which gradients are projected; None for no projection.
    projection
        The kind of projection: "pca", fitted on a sample of the training examples, or "random".
    weighting
        The weight η_c of checkpoint c: "rate-sum" is the sum of the learning rates since the
        checkpoint before, "rate" the one used there. "adam" is the sum, too, and each number of a
        gradient is weighted by Adam's step size, 1/(√v̂ + ε).
    precision
        The precision in which the gradients are computed: "float32", or "bfloat16" (for matrix
        products alone).
    workers
        The number of processes; by default one for each core, or a single one on a GPU.
    executor
        What runs the tasks, instead of processes of this machine.

    Raises
    ------
    MismatchError
        When `out` holds an index with other settings.
    NumericalError
        When a gradient is NaN or infinite; the message names the example.
    """
    check_top_k(top_k)
    run = run.weighted(weighting)
    check_stored(run, dtype, project, projection, precision)
    if shard_size < 1:
        raise InputError(f"{option('shard_size')} is {shard_size}; it must be at least 1.")
    folder = Path(out) if out is not None else run.path / "index"
    atomic.check_replaceable(folder, manifests.FILE, "index")
    plan: dict[str, Any] = {
        "run_fingerprint": run.fingerprint,
        "set_of_further_runs": [one.fingerprint for one in run.others],
        "top_k": top_k,
        "dtype": dtype,
        "weighting": weighting,
        "precision": precision,
        "projection": None if project is None else {"kind": projection, "dim": project},
        "shard_size": shard_size,
    }
    if (folder / manifests.FILE).exists() and not overwrite:
        require_same(folder, plan)
        return IndexFolder.open(folder)
    if problems := run.check(replay=False):  # else the index would hold what the damaged files say
        raise CorruptError(f"{'; '.join(problems)}; make the run again.")
    with atomic.exclusive(folder) as part:
        if not finished(part, plan):
            clear_other_work(part, is_a_build)
            start_work(part, plan)
            with atomic.worth_keeping(part, WORK):
                manifest = _fill(run, folder, part, plan, workers, executor)
                atomic.write_json(part / manifests.FILE, manifest.document())
        shutil.rmtree(part / WORK, ignore_errors=True)
        atomic.commit_folder(folder)
    return IndexFolder.open(folder)


def _fill(
    run: Run,
    folder: Path,
    part: Path,
    plan: dict[str, Any],
    workers: int | None,
    executor: Executor | None,
) -> Manifest:
    """Write all files of an index but its manifest into `part`; return the manifest.

    Parameters
    ----------
    folder
        Where the index will lie; it names the run by its path from there.
    """
    sources = weights(run)
    encoded = prepare(part, run, run.train, run.encoded)
    count, size = len(encoded), run.tokenizer.size
    found = compress(run, part, sources, plan)
    stored = plan["shard_size"], plan["top_k"], plan["dtype"]
    tasks = make_tasks(run, part, count, *stored, precision=plan["precision"])
    shards = run_shards(tasks, part, processes(run, workers), executor)
    texts = StoredTexts(part / manifests.TEXTS, count)
    write_examples(part / manifests.EXAMPLES, run, texts, tasks, sources)
    write_tokens(part / manifests.TOKENS, run, document_frequency(encoded, size))
    files = [manifests.EXAMPLES, manifests.TEXTS, manifests.TOKENS]
    files += [projections.FILE] if plan["projection"] is not None else []
    origin = RowBlock(
        first=0,
        count=count,
        source="the run",
        fingerprint=run.manifest.train.fingerprint,
        examples=manifests.EXAMPLES,
        texts=manifests.TEXTS,
    )
    plan = {key: value for key, value in plan.items() if key != "set_of_further_runs"}
    return Manifest(
        run=os.path.relpath(run.path.resolve(), folder.parent.resolve() / folder.name),
        examples=count,
        vocabulary=size,
        dim=run.dim,
        checkpoints=tuple(sources),
        shards=tuple(shards),
        files={name: entry_of(part, name) for name in files},
        samples=samples_of(part, shards, files),
        parts=(origin,),
        fidelity=found,
        with_runs=tuple(_further(run, one) for one in run.others),
        **plan,
    )


def _further(run: Run, other: Run) -> FurtherRun:
    """Describe another training; its place is told from the first, so that both can move."""
    place = os.path.relpath(other.path.resolve(), run.path.resolve())
    return FurtherRun(place, other.fingerprint, len(other.manifest.checkpoints))


def compress(
    run: Run, part: Path, sources: Sequence[WeighedCheckpoint], plan: dict[str, Any]
) -> dict[str, Any] | None:
    """Fit the projection, if any, and measure how much ranking it, int8 and bfloat16 lose."""
    shape, exact = plan["projection"], plan["precision"] == "float32"
    if shape is None and plan["dtype"] != "int8" and exact:
        return None
    drawn = sample(run, plan["top_k"])
    bases = None
    if shape is not None:
        bases = projections.fit(shape["kind"], shape["dim"], drawn.blocks()[0])
        if not (part / projections.FILE).exists():
            projections.save(part, bases)
        bases = projections.load(part, len(sources))
    computed = None if exact else sample(run, plan["top_k"], plan["precision"])
    return measure(drawn, sources, plan["dtype"], bases, computed).document()


def make_tasks(
    run: Run,
    part: Path,
    count: int,
    shard_size: int,
    top_k: int | None,
    dtype: str,
    number: int = 0,
    *,
    precision: str = "float32",
) -> list[ShardTask]:
    """Return the tasks that index `count` examples; shards are numbered from `number`."""
    return [
        ShardTask(
            str(run.path.resolve()),
            str(part.resolve()),
            checkpoint,
            number + shard,
            first,
            min(shard_size, count - first),
            top_k,
            dtype,
            run.weighting.name,
            precision,
            run.device,
            tuple(str(one.path.resolve()) for one in run.others),
        )
        for checkpoint in range(len(run.checkpoints) + 1)
        for shard, first in enumerate(range(0, count, shard_size))
    ]


def run_shards(
    tasks: Sequence[ShardTask], part: Path, workers: int | None, executor: Executor | None = None
) -> list[Shard]:
    """Run the tasks that an earlier attempt left open; return the shards of all."""
    with Ledger(part / WORK / "ledger.sqlite") as ledger:
        open_tasks = [task for task in tasks if ledger.get(task.key) is None]
        total = sum(task.count for task in tasks)
        done = total - sum(task.count for task in open_tasks)
        with track("Indexing", total, "gradients", done) as advance:
            chosen = executor or local(workers, len(open_tasks))
            chosen = within(chosen, part / WORK / "jobs")
            for task, result in chosen.run(build_shard, open_tasks):
                ledger.record(task.key, result)
                advance(task.count)
        results = [ledger.get(task.key) for task in tasks]
    return [Shard(**result) for result in results if result]


def processes(run: Run, workers: int | None) -> int | None:
    """Return how many processes to use; None means one for each core.

    On a GPU it is one, unless the user says otherwise: each process would hold its own model there.
    """
    return 1 if workers is None and run.gpus else workers


def check_stored(
    run: Run, dtype: str, project: int | None, projection: str, precision: str = "float32"
) -> None:
    """Refuse an unknown way of storing or computing (InputError)."""
    if precision not in PRECISIONS:
        raise InputError(
            f"{option('precision')} is {precision!r}; it must be {' or '.join(PRECISIONS)}."
        )
    if dtype not in DTYPES:
        raise InputError(f"{option('dtype')} is {dtype!r}; it must be one of {', '.join(DTYPES)}.")
    projections.check(projection, project, run.dim)


def weights(run: Run) -> list[WeighedCheckpoint]:
    """Return the run's checkpoints with their weights η_c, as its weighting gives them."""
    pairs = zip(run.checkpoints, run.etas, strict=True)
    return [WeighedCheckpoint(point.step, eta) for point, eta in pairs]

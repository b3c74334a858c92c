"""What an index will cost, from a short sample: nothing is kept of it."""

from __future__ import annotations

import heapq
import resource
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from wordtrace.disk import atomic
from wordtrace.errors import InputError, option
from wordtrace.execute.processes import Processes, cores
from wordtrace.execute.resources import check_workers
from wordtrace.index import manifest as manifests
from wordtrace.index.build import check_stored, compress, processes, weights
from wordtrace.index.task import WORK, ShardTask, build_shard, prepare
from wordtrace.index.unfinished import PLAN
from wordtrace.run.run import Run

FORMAT, VERSION = "wordtrace-index-estimate", 1
_SEED = 29
# Examples of the first shard, and most of the last: fewer where they would take many seconds.
_FEW, _MANY, _SECONDS = 128, 4096, 8.0


def estimate(
    run: Run,
    *,
    top_k: int | None = 10,
    dtype: str = "float16",
    project: int | None = None,
    projection: str = "pca",
    weighting: str = "rate-sum",
    precision: str = "float32",
    shard_size: int = 32_768,
    workers: int | None = None,
) -> dict[str, Any]:
    """Build shards of up to a few thousand examples in a worker process, and reckon from them.

    Returns
    -------
    dict
        A document: ``seconds`` in all, ``memory_bytes_a_worker``, ``bytes`` on disk, and what they
        rest on.

    Raises
    ------
    InputError
        For settings that :func:`.build.build` refuses.
    """
    run = run.weighted(weighting)
    check_stored(run, dtype, project, projection, precision)
    if shard_size < 1:
        raise InputError(f"{option('shard_size')} is {shard_size}; it must be at least 1.")
    check_workers(workers)
    plan = {
        "top_k": top_k,
        "dtype": dtype,
        "precision": precision,
        "projection": None if project is None else {"kind": projection, "dim": project},
    }
    tried, found = _try(run, plan)
    count, points = len(run.train), len(run.checkpoints)
    offsets = 8 * (run.tokenizer.size + 1)
    postings = (found.bytes - offsets) / found.rows
    shards = [min(shard_size, count - first) for first in range(0, count, shard_size)]
    pieces = [rows * found.seconds for rows in shards] * points
    pieces += [rows * found.final_seconds for rows in shards]
    used = min(processes(run, workers) or cores(), len(pieces))
    seconds = tried.preparing * count + tried.once + makespan(pieces, used)
    seconds += (points + 1) * found.loading
    # A shard's directions are held as they come, ordered, and as they are written.
    growth = 3 * postings
    memory = found.memory + growth * (max(shards) - found.rows)
    if used == 1:  # then this process does the work, beside what it holds already
        memory += max(0, _peak() - found.before)
    disk = count * (
        points * postings + tried.texts + 8 * (2 + 4 * points)
    ) + offsets * points * len(shards)
    return {
        "format": FORMAT,
        "version": VERSION,
        "run": str(run.path),
        "examples": count,
        "checkpoints": points,
        "top_k": top_k,
        "dtype": dtype,
        "precision": precision,
        "weighting": weighting,
        "device": run.device,
        "projection": plan["projection"],
        "workers": used,
        "shards": len(shards) * points,
        "sampled": found.rows,
        "seconds": seconds,
        "examples_per_second_a_worker": 1 / found.seconds,
        "memory_bytes_a_worker": int(memory),
        "bytes": int(disk),
        "bytes_per_example": disk / count,
        "fidelity": tried.fidelity,
    }


@dataclass(frozen=True)
class _Tried:
    """What all shards of a build share.

    Attributes
    ----------
    preparing
        Seconds of an example, to tokenize and store it.
    once
        Seconds that do not grow with the data.
    texts
        Bytes of an example's text on disk.
    fidelity
        Of the compression, where there is one.
    """

    preparing: float
    once: float
    texts: float
    fidelity: dict[str, Any] | None


def _try(run: Run, plan: dict[str, Any]) -> tuple[_Tried, _Measured]:
    """Go through a build of a sample in a folder that is thrown away."""
    # In the order drawn: the first so many are a sample, too.
    drawn = np.random.default_rng(_SEED).permutation(len(run.train))[:_MANY]
    examples = run.train.take(drawn)
    with tempfile.TemporaryDirectory(prefix="wordtrace-") as name:
        part = Path(name)
        (part / WORK).mkdir()
        atomic.write_json(part / WORK / PLAN, plan)
        start = time.perf_counter()
        count = len(prepare(part, run, examples))
        preparing = time.perf_counter() - start
        start = time.perf_counter()
        # Its own sample, of a fixed size: what it takes does not grow with the data.
        fidelity = compress(run, part, weights(run), plan)
        compressing = time.perf_counter() - start
        probe = ShardTask(
            *(str(run.path.resolve()), str(part), 0, 0, 0, count, plan["top_k"], plan["dtype"]),
            *(run.weighting.name, plan["precision"], run.device),
            tuple(str(one.path.resolve()) for one in run.others),
        )
        start = time.perf_counter()
        ((_, found),) = Processes(1).run(_measure, [probe])
        starting = time.perf_counter() - start - found.spent
        texts = (part / manifests.TEXTS).stat().st_size / count
    return _Tried(preparing / count, compressing + starting, texts, fidelity), found


def makespan(seconds: list[float], workers: int) -> float:
    """Return when the last of some tasks ends if each goes to the first free worker."""
    free = [0.0] * max(1, workers)
    for one in seconds:
        heapq.heapreplace(free, free[0] + one)
    return max(free)


@dataclass(frozen=True)
class _Measured:
    """What a worker process found.

    Attributes
    ----------
    rows
        Examples of the shard that the rest is of.
    seconds, final_seconds
        For an example at a checkpoint, and at the final model.
    loading
        Seconds to load a model.
    bytes
        The size of the shard.
    before, memory
        Bytes held at most before and after it.
    spent
        Seconds of all measurements.
    """

    rows: int
    seconds: float
    final_seconds: float
    loading: float
    bytes: int
    before: int
    memory: int
    spent: float


def _measure(task: ShardTask) -> _Measured:
    """Build shards of a few examples, then of as many as can be had in some seconds."""
    start, before = time.perf_counter(), _peak()
    few = replace(task, count=min(_FEW, task.count))
    # The first loads the model, the second tells its speed.
    loading = _timed(few)[0]
    fast = _timed(few)[0] / few.count
    rows = max(few.count, min(task.count, int(_SECONDS / fast)))
    many = replace(task, count=rows)
    first, _ = _timed(many)
    again, result = _timed(many)
    memory = _peak()
    last = len(Run.open(task.run).with_runs(task.with_runs).checkpoints)
    _timed(replace(few, checkpoint=last))  # loads it
    final, _ = _timed(replace(many, checkpoint=last))
    return _Measured(
        rows=rows,
        seconds=min(first, again) / rows,
        final_seconds=final / rows,
        loading=max(0.0, loading - fast * few.count),
        bytes=result["bytes"],
        before=before,
        memory=memory,
        spent=time.perf_counter() - start,
    )


def _timed(task: ShardTask) -> tuple[float, dict[str, Any]]:
    start = time.perf_counter()
    result = build_shard(task)
    return time.perf_counter() - start, result


def _peak() -> int:
    """Return the most bytes that this process has held."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024

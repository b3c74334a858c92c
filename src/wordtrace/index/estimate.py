"""What an index will cost, from a short sample: nothing is kept of it."""

from __future__ import annotations

import heapq
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from wordtrace.disk import atomic
from wordtrace.errors import InputError
from wordtrace.execute.processes import Processes, cores
from wordtrace.index import manifest as manifests
from wordtrace.index.build import PLAN, check_stored, compress, processes, weights
from wordtrace.index.task import WORK, ShardTask, build_shard, prepare
from wordtrace.run.run import Run

FORMAT, VERSION = "wordtrace-index-estimate", 1
_SMALL, _LARGE, _SEED = 512, 4096, 29


def estimate(
    run: Run,
    *,
    top_k: int | None = 10,
    dtype: str = "float16",
    project: int | None = None,
    projection: str = "pca",
    weighting: str = "rate",
    shard_size: int = 32_768,
    workers: int | None = None,
) -> dict[str, Any]:
    """Build shards of a few thousand examples in a worker process, and reckon from them.

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
    check_stored(run, dtype, project, projection)
    if shard_size < 1:
        raise InputError(f"--shard-size is {shard_size}; it must be at least 1.")
    if workers is not None and workers < 1:
        raise InputError(f"workers is {workers}; it must be at least 1.")
    count, points = len(run.train), len(run.checkpoints)
    chosen = np.random.default_rng(_SEED).permutation(count)[:_LARGE]
    examples = run.train.take(np.sort(chosen))
    plan = {
        "top_k": top_k,
        "dtype": dtype,
        "projection": None if project is None else {"kind": projection, "dim": project},
    }
    with tempfile.TemporaryDirectory(prefix="wordtrace-") as name:
        part = Path(name)
        (part / WORK).mkdir()
        atomic.write_json(part / WORK / PLAN, plan)
        start = time.perf_counter()
        encoded = prepare(part, run, examples)
        preparing = time.perf_counter() - start
        start = time.perf_counter()
        # Its own sample, of a fixed size: what it takes does not grow with the data.
        fidelity = compress(run, part, weights(run, weighting), plan)
        compressing = time.perf_counter() - start
        size = len(encoded)
        asked = [(0, min(_SMALL, size)), (0, size), (0, size), (points, size)]
        tasks = [
            ShardTask(
                str(run.path.resolve()), str(part), place, at, 0, rows, top_k, dtype, run.device
            )
            for at, (place, rows) in enumerate(asked)
        ]
        start = time.perf_counter()
        measured = {task.shard: found for task, found in Processes(1).run(_probe, tasks)}
        whole = time.perf_counter() - start
        texts = (part / manifests.TEXTS).stat().st_size / size
    small, large, again, final = (measured[at] for at in range(4))
    rows = size - min(_SMALL, size)
    per_example = min(large["seconds"], again["seconds"]) / size
    per_final = final["seconds"] / size
    growth = max(0.0, (again["memory"] - small["memory"]) / rows) if rows else 0.0
    offsets = 8 * (run.tokenizer.size + 1)
    postings = (again["bytes"] - offsets) / size
    shards = [min(shard_size, count - first) for first in range(0, count, shard_size)]
    pieces = [rows * per_example for rows in shards] * points + [
        rows * per_final for rows in shards
    ]
    used = min(processes(run, workers) or cores(), len(pieces))
    starting = whole - sum(found["seconds"] for found in measured.values())
    seconds = preparing * count / size + compressing + starting + makespan(pieces, used)
    disk = count * (points * postings + texts + 8 * (2 + 4 * points)) + offsets * points * len(
        shards
    )
    return {
        "format": FORMAT,
        "version": VERSION,
        "run": str(run.path),
        "examples": count,
        "checkpoints": points,
        "top_k": top_k,
        "dtype": dtype,
        "projection": plan["projection"],
        "workers": used,
        "shards": len(shards) * points,
        "sampled": size,
        "seconds": seconds,
        "examples_per_second_a_worker": 1 / per_example,
        "memory_bytes_a_worker": int(small["memory"] + growth * (max(shards) - min(_SMALL, size))),
        "bytes": int(disk),
        "bytes_per_example": disk / count,
        "fidelity": fidelity,
    }


def makespan(seconds: list[float], workers: int) -> float:
    """Return when the last of some tasks ends if each goes to the first free worker."""
    free = [0.0] * max(1, workers)
    for one in seconds:
        heapq.heapreplace(free, free[0] + one)
    return max(free)


def _probe(task: ShardTask) -> dict[str, Any]:
    """Build a shard in a worker; return its seconds, its size, and the most memory held so far."""
    start = time.perf_counter()
    result = build_shard(task)
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    memory = peak if sys.platform == "darwin" else peak * 1024
    return {"seconds": seconds, "memory": memory, "bytes": result.get("bytes", 0)}

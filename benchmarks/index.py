"""The index build against its floor: one forward and one activations-only backward."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.corpus import trained
from benchmarks.measure import in_turn, middle, ratio
from wordtrace import api
from wordtrace.data.batches import by_length
from wordtrace.gradients.embedding import embedding_gradients
from wordtrace.index.task import ShardTask, build_shard, prepare
from wordtrace.models import predict
from wordtrace.models.protocol import to_batch


def measure(folder: Path, count: int = 10_000, repeats: int = 5) -> list[dict[str, Any]]:
    """Build one checkpoint's shard, writing included, on one thread."""
    return measure_run(trained(folder, count), folder, repeats)


def measure_run(run: api.Run, folder: Path, repeats: int = 5) -> list[dict[str, Any]]:
    """Build one checkpoint's shard of a run, writing included, on one thread."""
    torch.set_num_threads(1)
    model = run.model(run.checkpoints[0])
    labels = run.train.labels

    def floor() -> None:
        for rows in by_length(run.encoded.lengths, 1024, predict.tokens_a_batch(model)):
            embedding_gradients(model, to_batch(run.encoded, labels, rows))

    found = []
    for top_k in (10, None):
        part = folder / f"part-{top_k}"
        shutil.rmtree(part, ignore_errors=True)
        (part / "build").mkdir(parents=True)
        prepare(part, run, run.train, run.encoded)
        task = ShardTask(str(run.path), str(part), 0, 0, 0, len(run.train), top_k, "float16")
        results: dict[str, Any] = {}

        def whole(task: ShardTask = task, results: dict[str, Any] = results) -> None:
            results.update(build_shard(task))

        seconds = in_turn({"build": whole, "floor": floor}, repeats)
        found.append(
            {
                "what": f"index build, {'all positions' if top_k is None else f'top {top_k}'}",
                "examples": len(run.train),
                "seconds": middle(seconds["build"]),
                "examples_per_second": len(run.train) / middle(seconds["build"]),
                "over": "one forward + one activations-only backward, same batches",
                "ratio": ratio(seconds["build"], seconds["floor"]),
                "bytes_an_example": results["bytes"] / len(run.train),
                "tokens_an_example": float(np.mean(run.encoded.lengths)),
            }
        )
        _same_as_gradients(run, part, top_k)
    return found


def _same_as_gradients(run: api.Run, part: Path, top_k: int | None) -> None:
    """Equality first: the squared norms on disk add up to the self-influence of the gradients."""
    from wordtrace.index.shards import map_shard, shard_file
    from wordtrace.measures.source import Streamed

    block = map_shard(part / shard_file(0, 0), 0, len(run.train))
    streamed = sum(
        float(one.norm.square().sum()) for _, one in Streamed(run, top_k, quiet=True).blocks(0)
    )
    np.testing.assert_allclose(float(block.norm.square().sum()), streamed, rtol=1e-4)

"""An index built on a GPU beside one built on the CPU: the same scores, and how long each takes.

``python -m benchmarks gpu``, where PyTorch has one: all 6 layers of the packaged encoder,
fine-tuned on the GPU for one epoch on 2,000 BBC paragraphs of at most 64 tokens; float32, top 10.
``python -m benchmarks retrain`` times retrainings in stacks on the same GPU.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks import corpus
from benchmarks.measure import in_turn, middle, ratio
from wordtrace import api
from wordtrace.errors import InputError

ROWS, QUERIES, TOP, REPEATS = 2_000, 40, 20, 3


def measure(folder: Path) -> list[dict[str, Any]]:
    """Return seconds on both, and how far the scores are from each other."""
    if not torch.cuda.is_available():
        raise InputError("PyTorch has no GPU here; this section measures one.")
    device = torch.cuda.get_device_name()
    run = _trained(folder)

    def build(where: str) -> api.Index:
        return api.build_index(
            run, folder / f"index-{where}", dtype="float32", device=where, overwrite=True
        )

    start = time.perf_counter()
    on_cpu = build("cpu")
    cpu_seconds = time.perf_counter() - start
    seconds = in_turn({"gpu": lambda: build("cuda")}, REPEATS)["gpu"]
    queries = corpus.queries(QUERIES)
    here, there = (api.influence(one, queries) for one in (on_cpu, build("cuda")))
    apart = float(np.abs(here - there).max() / np.abs(here).max())
    assert apart < 1e-4, apart
    return [
        {
            "what": f"an index of {ROWS:,} texts, 6-layer encoder, {len(run.checkpoints)} "
            f"checkpoints, on {device}",
            "seconds": middle(seconds),
        },
        {
            "what": "the same on the CPU, one shard, so one process with one thread (one run)",
            "seconds": cpu_seconds,
            "ratio": ratio([cpu_seconds] * len(seconds), seconds),
            "over": "the build on the GPU: times slower",
        },
        {
            "what": f"scores of {QUERIES} queries from both",
            "found": f"{apart:.1e} of the largest score apart at most; "
            f"{_shared(here, there):.1%} of the top {TOP} the same",
        },
    ]


def _trained(folder: Path) -> api.Run:
    return api.train(
        corpus.paragraphs(ROWS),
        folder / f"encoder-gpu-{ROWS}",
        eval_fraction=0,
        model=str(corpus.encoder()),
        max_length=corpus.MAX_LENGTH,
        epochs=1,
        seed=corpus.SEED,
        device="cuda",
    )


def _shared(here: np.ndarray, there: np.ndarray) -> float:
    """Return the share of each query's strongest proponents that both name."""
    tops = [
        (set(np.argsort(-one)[:TOP]), set(np.argsort(-other)[:TOP]))
        for one, other in zip(here, there, strict=True)
    ]
    return float(np.mean([len(one & other) / TOP for one, other in tops]))

"""What bfloat16 saves of a build's passes, and what it costs in fidelity.

``python -m benchmarks precision``: the packaged encoder, fine-tuned as for `hf`; one thread.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.hf import trained
from benchmarks.measure import in_turn, middle, ratio
from wordtrace.gradients.embedding import PRECISIONS, embedding_gradients
from wordtrace.index import fidelity
from wordtrace.index.build import weights
from wordtrace.models.protocol import to_batch

ROWS, TOP_K = 96, 10


def measure(folder: Path) -> list[dict[str, Any]]:
    """Return seconds of one pass in each precision, and what is kept of the exact top 20."""
    torch.set_num_threads(1)
    run = trained(folder)
    model = run.model(run.checkpoints[0])
    longest = np.argsort(-run.encoded.lengths, kind="stable")[:ROWS]
    batches = [to_batch(run.encoded, run.train.labels, rows) for rows in np.split(longest, 3)]

    def passes(precision: str) -> None:
        for batch in batches:
            embedding_gradients(model, batch, precision=precision)

    seconds = in_turn({name: lambda name=name: passes(name) for name in PRECISIONS})
    kept = fidelity.measure(
        fidelity.sample(run, TOP_K),
        weights(run),
        "float16",
        None,
        fidelity.sample(run, TOP_K, "bfloat16"),
    )
    return [
        {
            "what": f"forward and backward of {ROWS} texts, 6-layer encoder, float32",
            "seconds": middle(seconds["float32"]),
            "over": "the same in bfloat16",
            "ratio": ratio(seconds["float32"], seconds["bfloat16"]),
        },
        {
            "what": f"an index in bfloat16, top {TOP_K}",
            "found": f"{kept.overlap:.1%} of the exact top 20, rank correlation {kept.spearman} "
            f"({kept.queries} queries, {kept.rows:,} examples)",
            **kept.document(),
        },
    ]

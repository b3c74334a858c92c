"""The index build of a pretrained encoder against its floor, and the memory it takes.

``python -m benchmarks hf``: all 6 layers of the packaged encoder, fine-tuned for one epoch on 1,000
BBC paragraphs of at most 64 tokens; one thread, float32.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks import corpus
from benchmarks.index import measure_run
from wordtrace import api

ROWS = 1_000


def measure(folder: Path) -> list[dict[str, Any]]:
    """Return the build's seconds and how many times its floor they are."""
    rows = measure_run(trained(folder), folder, 3)
    return [{**row, "what": f"{row['what']}, 6-layer encoder, {ROWS:,} texts"} for row in rows]


def trained(folder: Path) -> api.Run:
    """Fine-tune the encoder; 3 checkpoints."""
    return api.train(
        corpus.paragraphs(ROWS),
        folder / f"encoder-{ROWS}",
        eval_fraction=0,
        model=str(corpus.encoder()),
        max_length=corpus.MAX_LENGTH,
        epochs=1,
        seed=corpus.SEED,
    )

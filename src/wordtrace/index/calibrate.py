"""What an index of each top-k costs and keeps, measured on a sample before it is built."""

from __future__ import annotations

from typing import Any

from wordtrace.errors import InputError, option
from wordtrace.index import projection as projections
from wordtrace.index.fidelity import compare, sample, scores
from wordtrace.index.manifest import WeighedCheckpoint
from wordtrace.run.run import Run

FORMAT, VERSION = "wordtrace-calibration", 1
_TOP_KS = (3, 5, 10, 20, 40)
# Beside its direction, a posting stores its example and its norm.
_BESIDE = 8
_WIDTH = {"float32": 4, "float16": 2, "int8": 1}


def calibrate(
    run: Run,
    sources: list[WeighedCheckpoint],
    *,
    dtype: str,
    project: int | None,
    projection: str,
    overlap: float,
    precision: str = "float32",
) -> dict[str, Any]:
    """Compare several top-k, stored as the settings say, with exact TracIn-WE over all positions.

    Returns
    -------
    dict
        A JSON document; ``chosen`` is the smallest k that keeps at least the share `overlap` of the
        exact top 20; None stands for all positions.
    """
    if not 0 < overlap <= 1:
        raise InputError(f"{option('overlap')} is {overlap}; give a share over 0, up to 1.")
    whole = sample(run, None)
    exact = scores(sources, *whole.blocks())
    longest = run.manifest.max_length
    rows: list[dict[str, Any]] = []
    for top_k in [*(k for k in _TOP_KS if k < longest), None]:
        exactly = precision == "float32"
        drawn = whole if top_k is None and exactly else sample(run, top_k, precision)
        bases = None
        if project is not None:
            bases = projections.fit(projection, project, drawn.blocks()[0])
        examples, queries = drawn.blocks(dtype, bases)
        postings = sum(len(block) for block in examples)
        width = (project or run.dim) * _WIDTH[dtype] + _BESIDE
        rows.append(
            {
                "top_k": top_k,
                "bytes_per_example": postings * width / drawn.sizes[0],
                **compare(exact, scores(sources, examples, queries)).document(),
            }
        )
    good = [row["top_k"] for row in rows if row["overlap"] >= overlap]
    return {
        "format": FORMAT,
        "version": VERSION,
        "run": str(run.path),
        "dtype": dtype,
        "precision": precision,
        "project": project,
        "projection": projection if project is not None else None,
        "wanted": overlap,
        "chosen": good[0] if good else None,
        "reached": bool(good),
        "rows": rows,
    }

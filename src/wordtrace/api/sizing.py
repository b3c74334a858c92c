"""What an index would cost, and how much of the ranking a smaller one would keep."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from wordtrace.api.building import open_on
from wordtrace.index import build as building
from wordtrace.index import calibrate as calibration
from wordtrace.index import estimate as estimation
from wordtrace.run.run import Run


def estimate_index(
    run: Run | str | Path, *, device: str | None = None, **settings: Any
) -> dict[str, Any]:
    """Estimate from a sample what :func:`build_index` would take: time, memory and disk space.

    Parameters
    ----------
    device
        See :func:`build_index`.
    **settings
        Settings of :func:`build_index`: ``top_k``, ``dtype``, ``project``, ``projection``,
        ``weighting``, ``precision``, ``shard_size``, ``workers``.

    Examples
    --------
    >>> needed = wt.estimate_index(run, top_k=5, workers=1)
    >>> needed["bytes"] > 0
    True
    """
    return estimation.estimate(open_on(run, device), **settings)


def calibrate(
    run: Run | str | Path,
    *,
    dtype: str = "float16",
    project: int | None = None,
    projection: str = "pca",
    weighting: str = "rate-sum",
    precision: str = "float32",
    overlap: float = 0.9,
) -> dict[str, Any]:
    """Measure on a sample what an index of each top-k would cost and keep.

    Parameters
    ----------
    overlap
        The share of the exact 20 strongest proponents and opponents that an index should keep.

    Returns
    -------
    dict
        A JSON document with a row for each k. ``chosen`` is the smallest k that keeps the share;
        None stands for all positions. See :func:`.index.calibrate.calibrate`.

    Examples
    --------
    >>> costs = wt.calibrate(run, overlap=0.9)
    >>> [row["top_k"] for row in costs["rows"]]
    [...]
    """
    opened = (run if isinstance(run, Run) else Run.open(run)).weighted(weighting)
    building.check_stored(opened, dtype, project, projection, precision)
    return calibration.calibrate(
        opened,
        building.weights(opened),
        dtype=dtype,
        project=project,
        projection=projection,
        precision=precision,
        overlap=overlap,
    )

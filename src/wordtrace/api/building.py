"""Making an index of a run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from wordtrace.api.index import Index
from wordtrace.execute.named import named
from wordtrace.execute.protocol import Executor
from wordtrace.index import build as building
from wordtrace.run.device import find_device
from wordtrace.run.run import Run


def build_index(
    run: Run | str | Path,
    out: str | Path | None = None,
    *,
    with_runs: Sequence[Run | str | Path] = (),
    top_k: int | None = 10,
    dtype: str = "float16",
    project: int | None = None,
    projection: str = "pca",
    weighting: str = "rate-sum",
    precision: str = "float32",
    shard_size: int = 32_768,
    workers: int | None = None,
    executor: str | Executor = "processes",
    address: str | None = None,
    device: str | None = None,
    overwrite: bool = False,
) -> Index:
    """Index the token gradients of a run's training examples; see :func:`.index.build.build`.

    Parameters
    ----------
    with_runs
        Further trainings of the same rows with other seeds: the index then answers with the mean of
        all; see :meth:`Run.with_runs`.
    executor
        "processes" of this machine, "ray" or "slurm" for a cluster, or an executor of your own.
    address
        Of the Ray cluster; see :class:`.execute.ray.RayCluster`.
    device
        The device of the model: "cpu", "cuda", or "auto" for a GPU where there is one. By default,
        the device with which `run` was opened, else the CPU.

    Examples
    --------
    >>> index = wt.build_index("runs/news", "small-index", top_k=5, workers=1)
    >>> len(index.ids) == len(index.run.train)
    True
    """
    opened = open_on(run, device).with_runs(with_runs)
    folder = building.build(
        opened,
        out,
        top_k=top_k,
        dtype=dtype,
        project=project,
        projection=projection,
        weighting=weighting,
        precision=precision,
        shard_size=shard_size,
        workers=workers,
        executor=named(executor, address, workers, gpus=opened.gpus),
        overwrite=overwrite,
    )
    return Index(folder, opened.weighted(weighting))


def open_on(run: Run | str | Path, device: str | None) -> Run:
    """Return the run with its models on a device; None keeps their device (for a path, the CPU)."""
    opened = run if isinstance(run, Run) else Run.open(run, device or "cpu")
    if device is None or find_device(device) == opened.device:
        return opened
    others = [one.path for one in opened.others]
    return Run.open(opened.path, device).with_runs(others)

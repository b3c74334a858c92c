"""Executors by the names that a user gives."""

from __future__ import annotations

import copy
from pathlib import Path

from wordtrace.errors import InputError, option
from wordtrace.execute.protocol import Executor
from wordtrace.execute.ray import RayCluster
from wordtrace.execute.slurm import SlurmCluster

NAMES = ("processes", "ray", "slurm")


def named(
    name: str | Executor,
    address: str | None = None,
    workers: int | None = None,
    *,
    tolerant: bool = False,
    also: str | None = None,
    gpus: int = 0,
) -> Executor | None:
    """Return an executor; None for "processes", whose number depends on the tasks.

    Parameters
    ----------
    also
        Another name that the caller knows, for the message.
    gpus
        How many GPUs each task on a cluster needs.

    Raises
    ------
    InputError
        For an unknown name, or an address without a cluster.
    """
    if not isinstance(name, str):
        if gpus and getattr(name, "gpus", None) == 0:  # a cluster that was made beforehand
            name = copy.copy(name)
            name.gpus = gpus  # type: ignore[attr-defined]
        return name
    if name not in NAMES and name != also:
        known = [*NAMES, also] if also else NAMES
        raise InputError(
            f"{option('executor')} is {name!r}; it must be {', '.join(known[:-1])} or {known[-1]}."
        )
    if name == "ray":
        return RayCluster(address, workers, tolerant=tolerant, gpus=gpus)
    if name == "slurm" and address is None:
        return SlurmCluster(workers=workers, tolerant=tolerant, gpus=gpus)
    if address is not None:
        raise InputError(
            f"{option('address')} is of a Ray cluster; give {option('executor', 'ray')} with it."
        )
    return None


def within(executor: Executor, folder: Path) -> Executor:
    """Return an executor that keeps the files of its jobs in a folder, where it needs one."""
    return executor.within(folder) if isinstance(executor, SlurmCluster) else executor

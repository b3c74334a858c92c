"""Executors by the names that a user gives."""

from __future__ import annotations

import copy
from pathlib import Path

from wordtrace.errors import InputError, option
from wordtrace.execute.protocol import PATIENCE, Executor
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
    patience: float = PATIENCE,
    limit: float | None = None,
) -> Executor | None:
    """Return an executor; None for "processes", whose number depends on the tasks.

    Parameters
    ----------
    also
        Another name that the caller knows, for the message.
    gpus
        How many GPUs each task on a cluster needs.
    patience, limit
        The seconds after which a task may count as hanging, and those that none may take; see
        :class:`.RayCluster`.

    Raises
    ------
    InputError
        For an unknown name, or an address without a cluster.
    """
    if not isinstance(name, str):
        # A cluster that was made beforehand, without knowing the task.
        fitting = {"gpus": (0, gpus), "patience": (PATIENCE, patience), "limit": (None, limit)}
        for setting, (default, wanted) in fitting.items():
            if wanted != default and getattr(name, setting, wanted) == default:
                name = copy.copy(name)
                setattr(name, setting, wanted)
        return name
    if name not in NAMES and name != also:
        known = [*NAMES, also] if also else NAMES
        raise InputError(
            f"{option('executor')} is {name!r}; it must be {', '.join(known[:-1])} or {known[-1]}."
        )
    if name == "ray":
        return RayCluster(
            address, workers, tolerant=tolerant, gpus=gpus, patience=patience, limit=limit
        )
    if name == "slurm" and address is None:
        cluster = SlurmCluster(workers=workers, tolerant=tolerant, gpus=gpus)
        cluster.limit = limit
        return cluster
    if address is not None:
        raise InputError(
            f"{option('address')} is of a Ray cluster; give {option('executor', 'ray')} with it."
        )
    return None


def within(executor: Executor, folder: Path) -> Executor:
    """Return an executor that keeps the files of its jobs in a folder, where it needs one."""
    return executor.within(folder) if isinstance(executor, SlurmCluster) else executor

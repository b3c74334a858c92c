"""The options that say where work is done: in processes of this machine, or on a cluster."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from wordtrace.execute.protocol import Executor

_option = partial(typer.Option, rich_help_panel="Where it is computed")

Workers = Annotated[
    int | None, _option(help="Worker processes; one a core by default.", show_default=False)
]
Address = Annotated[
    str | None, _option(help="Address of the Ray cluster: auto, HOST:6379 or ray://HOST:10001.")
]
Cpus = Annotated[
    float | None,
    _option("--cpus-a-task", help="With ray or slurm: cores set aside for a task; 1."),
]
TaskMemory = Annotated[
    float | None,
    _option("--memory-a-task", help="With ray or slurm: GB set aside for a task; none."),
]
Gpus = Annotated[
    int | None,
    _option("--gpus-a-task", help="With ray or slurm: GPUs set aside for a task; none."),
]
Minutes = Annotated[
    float | None,
    _option("--time-a-task", help="With slurm: minutes after which a task is ended; 60."),
]
Partition = Annotated[
    str | None,
    _option("--partition", help="With slurm: the partition; the cluster's choice by default."),
]
Device = Annotated[
    str, _option(help="Where the model computes: cpu, cuda, or auto: a GPU where there is one.")
]


@dataclass(frozen=True)
class Building:
    """Where gradients are computed."""

    workers: Workers = None
    executor: Annotated[
        str,
        _option(
            "--executor",
            help="processes (of this machine), ray (a Ray cluster), or slurm (a Slurm cluster).",
        ),
    ] = "processes"
    address: Address = None
    cpus: Cpus = None
    memory: TaskMemory = None
    gpus: Gpus = None
    minutes: Minutes = None
    partition: Partition = None
    device: Device = "cpu"

    def library(self) -> dict[str, Any]:
        """Return what the library takes (InputError)."""
        name, address = _with_resources(self, tolerant=False)
        return {"workers": self.workers, "executor": name, "address": address}


@dataclass(frozen=True)
class RetrainingOptions:
    """Where models are retrained."""

    workers: Annotated[
        int | None,
        _option(
            "--workers",
            help="Worker processes, one a core by default; with --executor stacked models at once, "
            "as many as fit by default.",
            show_default=False,
        ),
    ] = None
    executor: Annotated[
        str,
        _option(
            "--executor",
            help="processes (of this machine), ray (a Ray cluster), slurm (a Slurm cluster), or "
            "stacked (many CNNs at once, for a GPU).",
        ),
    ] = "processes"
    address: Address = None
    cpus: Cpus = None
    memory: TaskMemory = None
    gpus: Gpus = None
    minutes: Minutes = None
    partition: Partition = None

    def library(self) -> dict[str, Any]:
        """Return what the library takes (InputError)."""
        name, address = _with_resources(self, tolerant=True)
        return {"workers": self.workers, "executor": name, "address": address}


@dataclass(frozen=True)
class Searching:
    """Where an index is searched."""

    executor: Annotated[
        str,
        _option(
            "--executor",
            help="threads (of this process), or ray: workers on a Ray cluster that each keep some "
            "of the index's shards.",
        ),
    ] = "threads"
    address: Address = None
    workers: Annotated[
        int | None,
        _option("--workers", help="With ray: how many; one a core by default.", show_default=False),
    ] = None

    def library(self) -> dict[str, Any]:
        """Return what the library takes."""
        return {"executor": self.executor, "address": self.address, "workers": self.workers}


def _with_resources(
    given: Building | RetrainingOptions, *, tolerant: bool
) -> tuple[str | Executor, str | None]:
    """Return `executor` and `address`: of a cluster where a task's resources are given."""
    wanted = {
        name: value
        for name in ("cpus", "memory", "gpus", "minutes", "partition")
        if (value := getattr(given, name)) is not None
    }
    if not wanted:
        return given.executor, given.address
    from wordtrace.errors import InputError, option

    if given.executor not in ("ray", "slurm"):
        raise InputError(f"{option(next(iter(wanted)))} needs --executor ray or slurm.")
    if "memory" in wanted:
        wanted["memory"] = round(wanted["memory"] * 1e9)
    if given.executor == "slurm":
        from wordtrace.execute.slurm import SlurmCluster

        if given.address is not None:
            raise InputError(f"{option('address')} is of a Ray cluster; Slurm needs none.")
        return SlurmCluster(workers=given.workers, tolerant=tolerant, **wanted), None
    from wordtrace.execute.ray import RayCluster

    for name in ("minutes", "partition"):
        if name in wanted:
            raise InputError(f"{option(name)} needs --executor slurm.")
    return RayCluster(given.address, given.workers, tolerant=tolerant, **wanted), None

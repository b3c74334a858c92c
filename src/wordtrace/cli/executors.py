"""The options that say where work is done: in processes of this machine, or on a Ray cluster."""

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
    _option("--cpus-a-task", help="With --executor ray: cores set aside for a task; 1."),
]
TaskMemory = Annotated[
    float | None,
    _option("--memory-a-task", help="With --executor ray: GB set aside for a task; none."),
]
Device = Annotated[
    str, _option(help="Where the model computes: cpu, cuda, or auto: a GPU where there is one.")
]


@dataclass(frozen=True)
class Building:
    """Where gradients are computed."""

    workers: Workers = None
    executor: Annotated[
        str, _option("--executor", help="processes (of this machine), or ray (a Ray cluster).")
    ] = "processes"
    address: Address = None
    cpus: Cpus = None
    memory: TaskMemory = None
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
            help="processes (of this machine), ray (a Ray cluster), or stacked (many CNNs at once, "
            "for a GPU).",
        ),
    ] = "processes"
    address: Address = None
    cpus: Cpus = None
    memory: TaskMemory = None

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
    if given.cpus is None and given.memory is None:
        return given.executor, given.address
    from wordtrace.errors import InputError

    if given.executor != "ray":
        raise InputError("--cpus-a-task and --memory-a-task need --executor ray.")
    from wordtrace.execute.ray import RayCluster

    cores = 1 if given.cpus is None else given.cpus
    size = round((given.memory or 0) * 1e9)
    cluster = RayCluster(given.address, given.workers, tolerant=tolerant, cpus=cores, memory=size)
    return cluster, None

"""What a cluster may be asked to set aside for a task, checked before anything is sent to it."""

from __future__ import annotations

from wordtrace.errors import InputError, option


def check_workers(workers: int | None) -> None:
    """Refuse fewer than one worker (InputError); None is as many as there is room for."""
    if workers is not None and workers < 1:
        raise InputError(f"{option('workers')} is {workers}; it must be at least 1.")


def check_resources(workers: int | None, memory: int, gpus: int) -> None:
    """Refuse numbers that no cluster can give (InputError).

    Parameters
    ----------
    workers
        How many tasks at once; None for as many as there is room for.
    memory
        The bytes for a task; 0 for the cluster's default.
    gpus
        The GPUs for a task.
    """
    check_workers(workers)
    if memory < 0:
        raise InputError(f"{option('memory')} is {memory:,}; it can't be negative.")
    if gpus < 0:
        raise InputError(f"{option('gpus')} is {gpus:,}; it can't be negative.")

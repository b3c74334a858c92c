"""The state of the random generators while a training runs."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch


@contextmanager
def nothing_drawn() -> Iterator[None]:
    """Put the random numbers back as they were: nobody else's draws must change."""
    drawn, state = random.getstate(), np.random.get_state()  # noqa: NPY002
    devices = [torch.cuda.current_device()] if _on_gpu() else []
    try:
        with torch.random.fork_rng(devices):
            yield
    finally:
        random.setstate(drawn)
        np.random.set_state(state)  # noqa: NPY002


def states() -> dict[str, torch.Tensor]:
    """Return the state of torch's generators, from which dropout is drawn: uint8, by device."""
    found = {"cpu": torch.get_rng_state().clone()}
    if _on_gpu():
        found["cuda"] = torch.cuda.get_rng_state().clone()
    return found


def restore(found: dict[str, torch.Tensor]) -> None:
    """Put torch's generators into a state that :func:`states` returned."""
    torch.set_rng_state(found["cpu"])
    if "cuda" in found and torch.cuda.is_available():
        torch.cuda.set_rng_state(found["cuda"])


def _on_gpu() -> bool:
    started: bool = torch.cuda.is_initialized()  # type: ignore[no-untyped-call]
    return started and torch.cuda.is_available()

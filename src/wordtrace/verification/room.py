"""How many retrainings fit on this machine at once, and how many threads each has."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch

from wordtrace.execute.memory import free_memory
from wordtrace.execute.processes import cores
from wordtrace.execute.resources import check_workers
from wordtrace.retrainers.retrainer import Retrainer, is_foreign
from wordtrace.run.device import find_device
from wordtrace.run.manifest import BASE
from wordtrace.run.run import Run

# What a process holds that has loaded PyTorch and transformers, and the least that a batch takes.
_PROCESS, _ACTIVATIONS = 600 << 20, 256 << 20
# The share of the free memory to use; the rest is for what the estimate does not count.
_SHARE = 0.8


@dataclass(frozen=True)
class Room:
    """Where retrainings run on this machine.

    Attributes
    ----------
    workers, threads
        How many at once, and the threads of each.
    said
        Why there are fewer than cores, or "".
    on_gpu
        Whether all of them share a GPU.
    """

    workers: int
    threads: int = 1
    said: str = ""
    on_gpu: bool = False


def room(run: Run, retrainer: Retrainer, workers: int | None) -> Room:
    """Return how retrainings share this machine.

    The CNN has one process a core, each with one thread. Of a pretrained model as many are trained
    at once as the free memory allows, and they share the cores: so their threads do not depend on
    how many there are to train, and two models of a pair are trained alike.

    Parameters
    ----------
    workers
        How many the user wants; None for as many as fit.

    Raises
    ------
    InputError
        For fewer than one worker.
    """
    check_workers(workers)
    every = cores()
    if run.is_cnn and not is_foreign(retrainer):
        return Room(workers or every)
    device = _device(run, retrainer)
    on_gpu = device.startswith("cuda")
    if on_gpu:
        # What this process keeps there for its next computation is wanted by the others.
        torch.cuda.empty_cache()
    if workers is not None:
        return Room(workers, max(1, every // max(1, workers)), on_gpu=on_gpu)
    each = bytes_a_training(run)
    free = torch.cuda.mem_get_info(torch.device(device))[0] if on_gpu else free_memory()
    fitting = int(max(1, min(every, _SHARE * free // each)))
    if fitting == every:
        return Room(every, on_gpu=on_gpu)
    where = "on the GPU " if on_gpu else ""
    said = (
        f"{fitting} at a time on {every} cores, since each may take {each / 1e9:.1f} GB and "
        f"{free / 1e9:.1f} GB {where}are free; another number of workers can be given."
    )
    return Room(fitting, every // fitting, said, on_gpu)


def _device(run: Run, retrainer: Retrainer) -> str:
    """Return where a retrainer trains: as it says for a run, or by its setting.

    The library's own training of a pretrained model is where the run was opened.
    """
    if hasattr(retrainer, "place"):
        return str(retrainer.place(run))
    if not is_foreign(retrainer):
        return run.device
    return find_device(str(getattr(retrainer, "device", "cpu")))


def bytes_a_training(run: Run) -> int:
    """Estimate the memory of a process that trains a run's model.

    It counts four numbers of 4 bytes for each parameter (the weight, its gradient, and two moments
    of AdamW; of a frozen base model the weight alone), PyTorch itself, and a small batch. A long
    batch of a large model takes more.
    """
    trained = _parameters(run.path / run.final.folder)
    frozen = _parameters(run.path / BASE)
    return _PROCESS + _ACTIVATIONS + 16 * trained + 4 * frozen


def _parameters(folder: Path) -> int:
    """Return how many numbers the safetensors of a folder hold; their headers tell it."""
    return sum(count for path in folder.glob("*.safetensors") for count in _counts(path))


def _counts(path: Path) -> Iterator[int]:
    with open(path, "rb") as file:
        (size,) = struct.unpack("<Q", file.read(8))
        for name, one in json.loads(file.read(size)).items():
            if name != "__metadata__":
                yield int(torch.Size(one["shape"]).numel())

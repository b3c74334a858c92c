"""How many retrainings share a machine, and what each of them may take."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from wordtrace import api
from wordtrace.errors import InputError
from wordtrace.execute import memory
from wordtrace.execute.ray import RayCluster
from wordtrace.execute.serial import Serial
from wordtrace.execute.slurm import SlurmCluster
from wordtrace.retrainers.retrainer import Retrainer
from wordtrace.verification import tasks
from wordtrace.verification.room import Room, bytes_a_training, room

GB = 1 << 30


@dataclass
class Foreign:
    """A retrainer of a user's."""

    settings: dict[str, Any] = field(default_factory=lambda: {"retrainer": "mine"})
    device: str = "cpu"
    time_limit: float | None = None


@pytest.fixture
def large(tmp_path: Path) -> Any:
    """A run of an adapter with 50,000 numbers on a base model with 1,000,000."""
    (tmp_path / "checkpoint").mkdir()
    (tmp_path / "base").mkdir()
    save_file({"a": torch.zeros(100, 400), "b": torch.zeros(10_000)}, file(tmp_path, "checkpoint"))
    save_file(
        {"w": torch.zeros(1000, 1000, dtype=torch.float16)},
        file(tmp_path, "base"),
        metadata={"format": "pt"},
    )
    return SimpleNamespace(
        path=tmp_path, final=SimpleNamespace(folder="checkpoint"), is_cnn=False, device="cpu"
    )


def file(folder: Path, name: str) -> Path:
    return folder / name / "model.safetensors"


@pytest.fixture
def eight(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wordtrace.verification.room.cores", lambda: 8)


def test_a_training_takes_its_parameters_gradients_and_moments(large: Any) -> None:
    before = bytes_a_training(large)
    save_file({"more": torch.zeros(7)}, large.path / "checkpoint" / "more.safetensors")
    assert bytes_a_training(large) - before == 4 * 4 * 7
    save_file({"more": torch.zeros(7)}, large.path / "base" / "more.safetensors")
    assert bytes_a_training(large) - before == 4 * 4 * 7 + 4 * 7
    empty = SimpleNamespace(path=large.path / "none", final=large.final)
    assert before - bytes_a_training(empty) == 16 * 50_000 + 4 * 1_000_000


@pytest.mark.usefixtures("eight")
def test_as_many_are_trained_at_once_as_memory_allows_and_they_share_the_cores(
    large: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wordtrace.verification.room.bytes_a_training", lambda run: 2 * GB)
    for free, workers, threads in ((100 * GB, 8, 1), (8 * GB, 3, 2), (3 * GB, 1, 8), (0, 1, 8)):
        monkeypatch.setattr("wordtrace.verification.room.free_memory", lambda free=free: free)
        found = room(large, Foreign(), None)
        assert (found.workers, found.threads) == (workers, threads)
        assert bool(found.said) == (workers < 8)
    monkeypatch.setattr("wordtrace.verification.room.free_memory", lambda: 8 * 10**9)
    assert room(large, Foreign(), None).said == (
        "2 at a time on 8 cores, since each may take 2.1 GB and 8.0 GB are free; another "
        "number of workers can be given."
    )
    assert room(large, Foreign(), 4) == Room(4, 2)  # the user knows better
    assert room(large, Foreign({}), 20) == Room(20, 1)


@pytest.mark.usefixtures("eight")
def test_a_run_of_the_cnn_keeps_one_process_a_core(
    run: api.Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wordtrace.verification.room.free_memory", lambda: 0)
    own: Retrainer = Foreign({})
    assert room(run, own, None) == Room(8)
    assert room(run, Foreign(), None).workers == 1


@pytest.mark.usefixtures("eight")
def test_several_share_a_gpu_as_its_memory_allows(
    large: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With figures in place of a GPU's own."""
    monkeypatch.setattr("torch.cuda.mem_get_info", lambda device: (10 * GB, 80 * GB))
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("wordtrace.verification.room.bytes_a_training", lambda run: 2 * GB)
    monkeypatch.setattr("wordtrace.verification.room.free_memory", lambda: 0)
    given_back: list[bool] = []
    monkeypatch.setattr("torch.cuda.empty_cache", lambda: given_back.append(True))
    found = room(large, Foreign(device="auto"), None)
    assert given_back  # what this process keeps of the GPU's memory is for the workers
    assert (found.workers, found.threads) == (4, 2)
    assert "10.7 GB on the GPU are free" in found.said
    large.device = "cuda"
    assert room(large, Foreign({}), None) == found  # the library's own: where the run was opened


def test_free_memory_is_what_the_system_and_the_container_leave(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    system, limit, used = (tmp_path / name for name in ("meminfo", "max", "current"))
    system.write_text("MemTotal:  9 kB\nMemAvailable:  5000 kB\n")
    limit.write_text("max\n")
    used.write_text("1000\n")
    monkeypatch.setattr(memory, "_SYSTEM", system)
    monkeypatch.setattr(memory, "_GROUPS", ((limit, used), (tmp_path / "none", used)))
    assert memory.free_memory() == 5000 << 10
    limit.write_text("41000\n")
    assert memory.free_memory() == 40_000
    monkeypatch.setattr(memory, "_SYSTEM", tmp_path / "none")
    limit.write_text("max\n")
    assert memory.free_memory() > 1 << 20


def test_a_users_trainings_are_not_ended_for_being_slow(
    run: api.Run,
) -> None:
    """Where they run, on this machine or on a cluster, made beforehand or by name."""

    def pool(retrainer: Retrainer, executor: Any, count: int = 5) -> Any:
        return tasks._pool(run, retrainer, executor, None, None, Room(2, 3), count)

    own, mine, limited = Foreign({}), Foreign(), Foreign(time_limit=7200.0)
    here = pool(mine, "processes")
    assert (here.workers, here.threads, here.patience) == (2, 3, math.inf)
    assert pool(own, "processes").patience == 60
    assert pool(limited, "processes").limit == 7800
    # One at a time needs no process of its own, whose start takes longer than some limits.
    assert isinstance(pool(limited, "processes", 1), Serial)
    for given in ("ray", RayCluster()):
        assert pool(own, given).patience == 60
        assert pool(mine, given).patience == math.inf
        assert pool(limited, given).limit == 7800
    assert pool(mine, RayCluster(patience=5)).patience == 5
    for given in ("slurm", SlurmCluster()):
        assert pool(mine, given).minutes == 60
        assert pool(limited, given).minutes == 135
    assert pool(limited, SlurmCluster(minutes=10)).minutes == 10
    with pytest.raises(InputError, match="workers is 0"):
        tasks._pool(run, mine, "processes", None, 0, room(run, mine, 0), 5)


def test_a_replay_says_where_it_trains(large: Any) -> None:
    class Placed(Foreign):
        def place(self, run: Any) -> str:
            return "meta" if run is large else "elsewhere"

    assert room(large, Placed(device="recorded"), None).workers >= 1
    with pytest.raises(InputError, match="device='recorded' can't be used here"):
        room(large, Foreign(device="recorded"), None)

"""What an output folder may look like, beside what today's Trainer writes into it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from benchmarks.adopt.trainings import Trained

#: Changes a copy of an output folder; "as written" leaves it.
FOLDERS: dict[str, Callable[[Path, Trained], None]] = {}


def _called(name: str) -> Callable[[Any], Any]:
    def register(change: Callable[[Path, Trained], None]) -> Callable[[Path, Trained], None]:
        FOLDERS[name] = change
        return change

    return register


def copied(trained: Trained, name: str, place: Path) -> Path:
    """Return a copy of an output folder, changed."""
    folder = place / "out"
    shutil.copytree(trained.output, folder)
    FOLDERS[name](folder, trained)
    return folder


def _checkpoints(folder: Path) -> list[Path]:
    return sorted(folder.glob("checkpoint-*"), key=lambda one: int(one.name[11:]))


def _edit(file: Path, change: Callable[[dict[str, Any]], None]) -> None:
    document = json.loads(file.read_text())
    change(document)
    file.write_text(json.dumps(document))


@_called("configuration names 4.40")
def _named_old(folder: Path, trained: Trained) -> None:
    """A base that an old version wrote, trained by today's."""
    for one in [*_checkpoints(folder), trained.output.parent / "base"]:
        if (one / "config.json").is_file():
            _edit(one / "config.json", lambda it: it.update(transformers_version="4.40.0"))


@_called("written by 4.40")
def _written_old(folder: Path, trained: Trained) -> None:
    """Up to 4.50 the log gave the next step's rate."""
    _named_old(folder, trained)

    def late(state: dict[str, Any]) -> None:
        for entry in state["log_history"]:
            if "learning_rate" in entry:
                entry["learning_rate"] = trained.truth.rates.get(entry["step"] + 1, 0.0)

    for one in _checkpoints(folder):
        _edit(one / "trainer_state.json", late)


@_called("sparse log")
def _sparse(folder: Path, trained: Trained) -> None:
    """Nothing was logged at the steps of the checkpoints."""

    def thin(state: dict[str, Any]) -> None:
        state["log_history"] = [one for one in state["log_history"] if one["step"] % 15 == 0]

    for one in _checkpoints(folder):
        _edit(one / "trainer_state.json", thin)


@_called("no scheduler.pt")
def _no_schedule(folder: Path, trained: Trained) -> None:
    for one in _checkpoints(folder):
        (one / "scheduler.pt").unlink()


@_called("weights alone")
def _weights_alone(folder: Path, trained: Trained) -> None:
    """As save_only_model=True leaves it."""
    for one in _checkpoints(folder):
        for name in ("scheduler.pt", "optimizer.pt", "rng_state.pth"):
            (one / name).unlink(missing_ok=True)


@_called("no log")
def _no_log(folder: Path, trained: Trained) -> None:
    for one in _checkpoints(folder):
        _edit(one / "trainer_state.json", lambda it: it.update(log_history=[]))


@_called("no log, no scheduler.pt")
def _nothing_told(folder: Path, trained: Trained) -> None:
    _no_log(folder, trained)
    _no_schedule(folder, trained)


@_called("sharded weights")
def _sharded(folder: Path, trained: Trained) -> None:
    for one in _checkpoints(folder):
        kind = type(trained.truth.trainer.model)
        model = kind.from_pretrained(one)
        (one / "model.safetensors").unlink()
        model.save_pretrained(one, max_shard_size="10KB")


@_called("FSDP")
def _fsdp(folder: Path, trained: Trained) -> None:
    last = _checkpoints(folder)[-1]
    (last / "model.safetensors").unlink()
    (last / "pytorch_model_fsdp_0").mkdir()
    (last / "pytorch_model_fsdp_0" / "__0_0.distcp").write_bytes(b"a part")


@_called("DeepSpeed")
def _deepspeed(folder: Path, trained: Trained) -> None:
    last = _checkpoints(folder)[-1]
    (last / "model.safetensors").unlink()
    (last / "global_step72").mkdir()
    (last / "latest").write_text("global_step72")
    (last / "zero_to_fp32.py").write_text("raise SystemExit('never run')")


@_called("pickled weights")
def _pickled(folder: Path, trained: Trained) -> None:
    for one in _checkpoints(folder):
        (one / "model.safetensors").unlink()
        torch.save({}, one / "pytorch_model.bin")


@_called("half-written checkpoint")
def _half_written(folder: Path, trained: Trained) -> None:
    """A training that was killed while it wrote its last one: the others are read."""
    (_checkpoints(folder)[-1] / "trainer_state.json").unlink()


@_called("cut weights")
def _cut(folder: Path, trained: Trained) -> None:
    file = next(_checkpoints(folder)[-1].glob("*.safetensors"))
    file.write_bytes(file.read_bytes()[:-1000])

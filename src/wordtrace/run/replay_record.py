"""``replay.json``: how somebody else's Trainer trained, so that a plain Trainer can repeat it."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, fields
from importlib import metadata
from pathlib import Path
from typing import Any

import torch

from wordtrace.disk import atomic
from wordtrace.disk.format import check_format
from wordtrace.errors import CorruptError
from wordtrace.results.decode import decode

#: The file of a run, and the folder beside it with weights, rows and random states.
REPLAY, START = "replay.json", "start"
#: What lies in that folder beside weights: a model's, or an adapter's with its configuration.
ROWS, STATES = "rows.safetensors", "random_states.safetensors"
FORMAT, VERSION = "wordtrace-replay", 1
#: The arguments that make a difference to a training's weights or to what it logs of its loss.
ARGUMENTS = (
    "per_device_train_batch_size",
    "gradient_accumulation_steps",
    "num_train_epochs",
    "max_steps",
    "learning_rate",
    "lr_scheduler_type",
    "lr_scheduler_kwargs",
    "warmup_ratio",
    "warmup_steps",
    "optim",
    "optim_args",
    "weight_decay",
    "adam_beta1",
    "adam_beta2",
    "adam_epsilon",
    "max_grad_norm",
    "label_smoothing_factor",
    "average_tokens_across_devices",
    "bf16",
    "fp16",
    "tf32",
    "neftune_noise_alpha",
    "group_by_length",
    "train_sampling_strategy",
    "dataloader_drop_last",
    "seed",
    "data_seed",
    "full_determinism",
    "logging_strategy",
    "logging_steps",
    "logging_first_step",
    "logging_nan_inf_filter",
    "use_cache",
)
#: A group of such arguments.
ACCELERATOR = "accelerator_config"


@dataclass(frozen=True)
class Loss:
    """The loss of a batch, as the Trainer computed it.

    Attributes
    ----------
    kind
        "nll", or TRL's "dft": each token's loss times its probability.
    counts
        Whether the model was given the number of labels in all batches of a step, which its loss
        may be divided by; else the loss of a batch is divided by the number of batches.
    divides
        Whether the Trainer itself divides by that number, as TRL's does, or by smoothing labels.
    shifts
        Whether the first label of each row is left out of that number; None: as this Trainer does.
    """

    kind: str = "nll"
    counts: bool = True
    divides: bool = False
    shifts: bool | None = None


@dataclass(frozen=True)
class ReplayRecord:
    """What a replay needs to know beside rows, weights and random states.

    Attributes
    ----------
    made_with
        Versions of the libraries.
    device, machine, threads
        Where it was trained ("cpu", "cuda"), the processor's kind, and by how many threads.
    trainer, collator
        The classes.
    arguments
        The Trainer's arguments that make a difference, by name.
    loss
        How a batch's loss was computed.
    model
        "class", a name in transformers; "attention"; "trainable", the names of the parameters that
        were trained; "adapter", whether the weights are an adapter's; "dtype", that of its base.
    not_standard
        What a plain Trainer would not repeat; empty for a training that can be replayed.
    resumed
        The steps after which the training was taken up again.
    logged
        (step, loss) of each mean training loss in the Trainer's log.
    whole
        (step, loss) of the mean training loss of all steps; None where it was not written down.
    """

    made_with: Mapping[str, str]
    device: str
    machine: str
    threads: int
    trainer: str
    collator: str
    arguments: Mapping[str, Any]
    loss: Loss
    model: Mapping[str, Any]
    not_standard: tuple[str, ...] = ()
    resumed: tuple[int, ...] = ()
    logged: tuple[tuple[int, float], ...] = ()
    whole: tuple[int, float] | None = None

    @property
    def seed(self) -> int:
        """The seed of the training."""
        return int(self.arguments["seed"])

    def document(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {"format": FORMAT, "version": VERSION, **asdict(self)}

    @classmethod
    def read(cls, path: Path) -> ReplayRecord:
        """Read a ``replay.json``.

        Raises
        ------
        CorruptError
            When it is missing, of a newer version, or lacks an entry.
        """
        document = atomic.read_json(path)
        check_format(document, FORMAT, VERSION, path)
        values = {key: one for key, one in document.items() if key not in ("format", "version")}
        known = {one.name: one for one in fields(cls)}
        needed = {
            name for name, one in known.items() if one.default is one.default_factory is MISSING
        }
        if (missing := sorted(needed - set(values))) or (
            missing := sorted(set(values) - set(known))
        ):
            raise CorruptError(
                f"{path} should not hold or lack {missing[0]!r}; record the training again."
            )
        try:
            found = decode(cls, values)
            _ = found.seed
            if unknown := sorted(set(found.arguments) - {*ARGUMENTS, ACCELERATOR}):
                raise ValueError(f"it holds the argument {unknown[0]!r}")
        except (TypeError, ValueError, KeyError) as error:
            raise CorruptError(f"{path} can't be read ({error}); record it again.") from None
        return found


def versions(*, adapter: bool) -> dict[str, str]:
    """Return the versions of the libraries that train, as they are installed here."""
    names = ("torch", "transformers", "accelerate", *(("peft",) if adapter else ()))
    return {name: metadata.version(name) for name in names}


def machine_of(device: str) -> str:
    """Return the kind of processor that computes on a device: another one rounds otherwise."""
    if torch.device(device).type == "cuda":
        return str(torch.cuda.get_device_name(device))
    return f"{platform.machine()} {torch.backends.cpu.get_cpu_capability()}"

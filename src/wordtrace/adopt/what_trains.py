"""The Trainer that is running, and what of it a plain Trainer would not repeat."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from inspect import signature
from types import FrameType
from typing import Any

from wordtrace.run.replay_record import ACCELERATOR, ARGUMENTS, Loss

#: The arguments that a plain Trainer here would not follow, and what they ask for.
_REFUSED = {
    "deepspeed": "DeepSpeed",
    "fsdp": "FSDP",
    "parallelism_config": "several devices (parallelism_config)",
    "torch_compile": "torch_compile",
    "use_liger_kernel": "Liger kernels",
    "auto_find_batch_size": "auto_find_batch_size",
    "optim_target_modules": "optim_target_modules",
    "dataloader_persistent_workers": "dataloader_persistent_workers",
    "packing": "packing",
    "padding_free": "padding_free",
    "debug": "debug",
}
#: What decides how a Trainer trains; a subclass that has one of its own trains in its own way.
_DECIDING = (
    "train",
    "_inner_training_loop",
    "training_step",
    "compute_loss",
    "get_batch_samples",
    "_get_num_items_in_batch",
    "get_train_dataloader",
    "_get_dataloader",
    "_get_train_sampler",
    "create_optimizer",
    "create_scheduler",
    "create_optimizer_and_scheduler",
    "get_decay_parameter_names",
    "get_optimizer_cls_and_kwargs",
    "compute_loss_context_manager",
    "_prepare_inputs",
)
_PLAIN = ("Trainer", "Seq2SeqTrainer", "SFTTrainer", "_BaseTrainer")


def running_trainer(kind: type[Any]) -> Any | None:
    """Return the Trainer that is calling us; None where nothing of that class is.

    A callback is given the model and the optimizer, but not the Trainer, which alone knows how the
    loss is computed: it is looked up among the callers.
    """
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        caller = frame.f_locals.get("self")
        if isinstance(caller, kind):
            return caller
        frame = frame.f_back
    return None


def kept_arguments(arguments: Any) -> dict[str, Any]:
    """Return the arguments that make a difference, as JSON."""
    document = arguments.to_dict()
    kept = {name: document[name] for name in ARGUMENTS if name in document}
    accelerator = document.get(ACCELERATOR)
    if isinstance(accelerator, dict):
        kept[ACCELERATOR] = {
            name: one for name, one in accelerator.items() if isinstance(one, bool)
        }
    # What is None is what a Trainer takes by itself.
    return {name: one for name, one in kept.items() if one is not None}


def loss_of(trainer: Any, arguments: Any) -> Loss:
    """Return how a Trainer computes the loss of a batch."""
    shifts = getattr(trainer, "_loss_shifts_labels", None)
    smoother = getattr(trainer, "label_smoother", None)
    divides = smoother is not None and "num_items_in_batch" in signature(smoother).parameters
    return Loss(
        str(getattr(arguments, "loss_type", "nll")),
        bool(getattr(trainer, "model_accepts_loss_kwargs", False)),
        divides or any(one.__name__ == "SFTTrainer" for one in type(trainer).__mro__),
        None if shifts is None else bool(shifts),
    )


def not_standard(trainer: Any, arguments: Any, model: Any) -> Iterator[str]:
    """Say what a plain Trainer would not repeat of a training.

    Parameters
    ----------
    trainer
        The Trainer; its optimizer is made.
    arguments, model
        Its arguments, and the model without what wraps it for several devices.
    """
    yield from _of_arguments(arguments)
    yield from _of_class(trainer)
    if not any(type(one).__module__.startswith("transformers.models.") for one in _models(model)):
        yield f"a model of a class of its own ({type(model).__name__})"
    if getattr(model, "is_quantized", False) or getattr(model, "quantization_method", None):
        yield "a quantized model"
    adapters = getattr(model, "peft_config", None)
    if adapters and list(adapters) != ["default"]:
        yield f"several adapters, or one with a name ({', '.join(map(str, adapters))})"
    yield from _of_optimizer(trainer, arguments, model)
    if not getattr(trainer, "_created_lr_scheduler", True):
        yield "a learning rate schedule given by optimizers="


def _models(model: Any) -> list[Any]:
    base = getattr(model, "get_base_model", None)
    return [model, base()] if callable(base) else [model]


def _of_arguments(arguments: Any) -> Iterator[str]:
    for name, what in _REFUSED.items():
        if getattr(arguments, name, None):
            yield what
    if getattr(arguments, "world_size", 1) > 1 or getattr(arguments, "n_gpu", 0) > 1:
        yield "several devices"
    if getattr(arguments, "train_sampling_strategy", "") == "batch_rebalance":
        yield "train_sampling_strategy='batch_rebalance'"
    loss = getattr(arguments, "loss_type", "nll")
    if loss not in ("nll", "dft"):
        yield f"loss_type={loss!r}"


def _of_class(trainer: Any) -> Iterator[str]:
    kind = type(trainer)
    for name in _DECIDING:
        if name in vars(trainer):
            yield f"{name} replaced on its Trainer"
            continue
        owner = next((one for one in kind.__mro__ if name in vars(one)), None)
        if owner is None or _is_plain(owner):
            continue
        yield f"a {name} of its own ({owner.__name__})"
    if getattr(trainer, "compute_loss_func", None) is not None:
        yield "a compute_loss_func of its own"
    if getattr(trainer, "model_init", None) is not None:
        yield "a model_init"
    if getattr(trainer, "aux_loss_enabled", False):
        yield "a router's loss beside that of the tokens"


def _is_plain(kind: type[Any]) -> bool:
    ours = kind.__module__.partition(".")[0] in ("transformers", "trl")
    return ours and kind.__name__ in _PLAIN


def _of_optimizer(trainer: Any, arguments: Any, model: Any) -> Iterator[str]:
    """Compare the optimizer with the one that the arguments ask for."""
    optimizer = getattr(trainer.optimizer, "optimizer", trainer.optimizer)
    try:
        expected, settings = type(trainer).get_optimizer_cls_and_kwargs(arguments, model)
        decays = set(trainer.get_decay_parameter_names(model))
    except Exception as error:
        yield f"an optimizer that could not be compared with its arguments ({error})"
        return
    if type(optimizer) is not expected:
        yield f"an optimizer of its own ({type(optimizer).__name__})"
        return
    names = {id(one): name for name, one in model.named_parameters()}
    wanted = {**settings, "lr": arguments.learning_rate}
    for name in ("fused", "foreach"):  # how the same is computed
        wanted.pop(name, None)
    for group in optimizer.param_groups:
        there = {**group, "lr": group.get("initial_lr", group["lr"])}
        differs = [name for name, value in wanted.items() if name in there and there[name] != value]
        decay = {
            arguments.weight_decay if names.get(id(one)) in decays else 0.0
            for one in group["params"]
        }
        if decay - {group.get("weight_decay", 0.0)}:
            differs.append("weight_decay")
        if differs:
            yield f"an optimizer whose {differs[0]} is not that of the arguments"
            return

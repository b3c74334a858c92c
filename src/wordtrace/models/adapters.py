"""Adapters of peft: their base model, their classes, and both merged into one model."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors
from torch import nn

from wordtrace.disk.json_text import parse_json
from wordtrace.errors import CorruptError, InputError, option
from wordtrace.models.configs import is_generator
from wordtrace.models.library import first_line, library

CONFIG = "adapter_config.json"
WEIGHTS = "adapter_model.safetensors"
_HEADS = ("classifier", "score", "out_proj")
#: These leave the weights as they are, and feed the model more than words.
_ADDING = (
    "PROMPT_TUNING",
    "P_TUNING",
    "PREFIX_TUNING",
    "MULTITASK_PROMPT_TUNING",
    "CPT",
    "CARTRIDGE",
    "ADAPTION_PROMPT",
)


def base_of(adapter: Path, given: Path | None) -> Path:
    """Return the folder of the model that an adapter was trained on (InputError)."""
    base = given or Path(str(_read(adapter).get("base_model_name_or_path")))
    if not (base / "config.json").is_file():
        raise InputError(
            f"the adapter in {adapter} was trained on {str(base)!r}, which is no folder with a "
            f"config.json here; give that model's folder by {option('base')}."
        )
    return base


def generates(adapter: Path) -> bool:
    """Tell whether an adapter belongs to a language model."""
    return _read(adapter).get("task_type") in ("CAUSAL_LM", "SEQ_2_SEQ_LM")


def check_changes_weights(adapter: Path) -> None:
    """Refuse an adapter that adds tokens or layers instead of changing weights (InputError)."""
    kind = _read(adapter).get("peft_type")
    if kind in _ADDING:
        raise InputError(
            f"{adapter} was trained as {kind}, which puts vectors of its own beside the words' and "
            "leaves the model's weights as they are; adapters that change weights, such as LoRA, "
            "DoRA and IA3, are traced."
        )


def adapted(adapter: Path, base: Mapping[str, Any]) -> dict[str, Any]:
    """Return the configuration of an adapter's base, with the classes of the adapter's own head.

    ``adapter_config.json`` does not name the classes; a head that was trained along with the
    adapter has a row for each. Without one the base's head was used as it is.

    Raises
    ------
    InputError
        Where a classifier's adapter has no head, and its base is no classifier.
    CorruptError
        When the adapter's file can't be read.
    """
    config = dict(base)
    if generates(adapter):
        return config
    heads = [
        shape[0]
        for name, shape in _shapes(adapter / WEIGHTS).items()
        if name.removesuffix(".weight").rpartition(".")[2] in _HEADS and len(shape) == 2
    ]
    named = str((base.get("architectures") or [""])[0])
    if not heads:
        if is_generator(base) or "SequenceClassification" in named:
            return config
        raise InputError(
            f"{adapter / WEIGHTS} holds no classification head, and its base, {named or 'a model'},"
            " has none; train with task_type=SEQ_CLS, which saves it."
        )
    names = {str(place): f"LABEL_{place}" for place in range(heads[-1])}
    if len(config.get("id2label") or (0, 1)) != len(names):
        config.pop("problem_type", None)
    return config | {
        "id2label": names,
        "label2id": {name: int(place) for place, name in names.items()},
        "architectures": [],
    }


def merged(module: Any, adapter: Path) -> Any:
    """Merge an adapter: the same outputs and gradients, as one plain model.

    Raises
    ------
    InputError
        For an adapter that can't be merged.
    CorruptError
        When it does not fit its base.
    """
    return merge(
        attached(module, adapter), f"{adapter} was trained as {_read(adapter).get('peft_type')}"
    )


def attached(module: Any, adapter: Path, *, trainable: bool = False) -> Any:
    """Put an adapter into its base.

    Raises
    ------
    InputError
        For an adapter that adds vectors instead of changing weights.
    CorruptError
        When it does not fit its base.
    """
    peft = library("peft")
    check_changes_weights(adapter)
    try:
        _resize(module, adapter / WEIGHTS)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of tied tables, which are told apart below
            warnings.filterwarnings("error", "(?s).*missing adapter keys")
            return peft.PeftModel.from_pretrained(module, adapter, is_trainable=trainable)
    except UserWarning:
        raise CorruptError(
            f"{adapter} does not fit its base: it lacks weights for some of the layers that it "
            f"names; give the base that it was trained on by {option('base')}."
        ) from None
    except (OSError, RuntimeError, ValueError, KeyError, safetensors.SafetensorError) as error:
        raise CorruptError(f"{adapter} does not fit its base: {first_line(error)}") from None


def merge(model: Any, what: str) -> Any:
    """Merge a model's adapter into its weights.

    Parameters
    ----------
    what
        Names the adapter in errors, with its kind.

    Raises
    ------
    InputError
        For an adapter that can't be merged.
    CorruptError
        For one that holds NaN.
    """
    peft = library("peft")
    try:
        _unshare(model, peft.tuners.tuners_utils.BaseTunerLayer)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return model.merge_and_unload(safe_merge=True)
    except (AttributeError, NotImplementedError, TypeError, RuntimeError, ValueError) as error:
        if "NaN" in str(error):
            raise CorruptError(f"{what} and holds NaN; the training diverged there.") from None
        raise InputError(
            f"{what}, which peft can't merge into the base's weights here ({first_line(error)}); "
            "adapters such as LoRA, DoRA and IA3 are traced."
        ) from None


def _unshare(model: Any, changing: type[nn.Module]) -> None:
    """Give each layer that an adapter changes weights of its own.

    The change would be merged into the other layers of shared weights, too: into the output layer
    for that of a word table, though the training left it as it was.
    """
    held: dict[nn.Parameter, list[tuple[nn.Module, str]]] = {}
    changed: set[nn.Parameter] = set()
    for module in model.modules():
        for name, parameter in module.named_parameters(recurse=False):
            held.setdefault(parameter, []).append((module, name))
        if isinstance(module, changing):
            base: Any = module
            changed.update(base.get_base_layer().parameters(recurse=False))
    for parameter in changed:
        for module, name in held[parameter][1:]:
            setattr(module, name, nn.Parameter(parameter.detach().clone()))


def _resize(module: Any, path: Path) -> None:
    """Give a base's word tables as many rows as its adapter has, where tokens were added."""
    tables = {
        name
        for name, one in module.named_modules()
        if one in (module.get_input_embeddings(), module.get_output_embeddings())
    }
    shapes = _shapes(path)
    rows = {
        shape[0] for name, shape in shapes.items() if _module_of(name) in tables and len(shape) == 2
    }
    there = len(module.get_input_embeddings().weight)
    if len(rows) != 1 or rows == {there}:
        return
    output = module.get_output_embeddings()
    tied = output is None or output.weight is module.get_input_embeddings().weight
    if not tied and not tables <= {_module_of(name) for name in shapes}:
        raise InputError(
            f"{path} has {rows.pop():,} rows in its word table and {there:,} in its base's, and it "
            "lacks one of input and output table, so the added rows of that are lost; train with "
            "both in modules_to_save."
        )
    module.resize_token_embeddings(rows.pop(), mean_resizing=False)


def _module_of(name: str) -> str:
    """Return the base's module that a tensor of an adapter replaces as a whole."""
    name = name.removeprefix("base_model.model.").removesuffix(".weight")
    for part in (".base_layer", ".original_module", ".modules_to_save", ".token_adapter"):
        name = name.removesuffix(part)
    return name


def _shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """Return the shapes of an adapter's tensors, by name (CorruptError)."""
    try:
        with safetensors.safe_open(path, "pt") as file:
            return {
                name: tuple(file.get_slice(name).get_shape())
                for name in file.keys()  # noqa: SIM118 (it is no mapping)
            }
    except (OSError, safetensors.SafetensorError) as error:
        raise CorruptError(f"{path} can't be read ({error}).") from None


def _read(adapter: Path) -> dict[str, Any]:
    try:
        document = parse_json((adapter / CONFIG).read_bytes(), finite=False)
    except (OSError, ValueError):
        document = None
    if not isinstance(document, dict):
        raise CorruptError(f"{adapter / CONFIG} can't be read.")
    return document

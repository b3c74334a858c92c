"""LoRA adapters: their base model, their classes, and both merged into one model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import safetensors

from wordtrace.errors import CorruptError, InputError, option
from wordtrace.models.library import first_line, library

CONFIG = "adapter_config.json"
WEIGHTS = "adapter_model.safetensors"


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


def adapted_labels(adapter: Path) -> dict[str, Any]:
    """Return what a LoRA adapter's head says about the classes, to complete the configuration.

    It is empty for an adapter of a language model.

    ``adapter_config.json`` does not name the classes; the head that was trained along with the
    adapter has a row for each.
    """
    if generates(adapter):
        return {}
    path = adapter / WEIGHTS
    rows = 0
    try:
        with safetensors.safe_open(path, "pt") as file:
            for name in file.keys():  # noqa: SIM118 (it is no mapping)
                shape = file.get_slice(name).get_shape()
                head = name.removesuffix(".weight").rpartition(".")[2]
                if head in ("classifier", "score", "out_proj") and len(shape) == 2:
                    rows = shape[0]
    except (OSError, safetensors.SafetensorError) as error:
        raise CorruptError(f"{path} can't be read ({error}).") from None
    if not rows:
        raise InputError(
            f"{path} holds no classification head; train with task_type=SEQ_CLS, which saves it."
        )
    names = {str(place): f"LABEL_{place}" for place in range(rows)}
    return {
        "id2label": names,
        "label2id": {name: int(place) for place, name in names.items()},
        "architectures": [],
    }


def merged(module: Any, adapter: Path) -> Any:
    """Merge a LoRA adapter: the same outputs and gradients, as one plain model."""
    peft = library("peft")
    if not (adapter / WEIGHTS).is_file():
        raise CorruptError(f"{adapter} holds no adapter_model.safetensors.")
    try:
        adapted = peft.PeftModel.from_pretrained(module, adapter)
        return adapted.merge_and_unload(safe_merge=True)
    except (OSError, RuntimeError, ValueError, KeyError, safetensors.SafetensorError) as error:
        raise CorruptError(f"{adapter} does not fit its base: {first_line(error)}") from None


def _read(adapter: Path) -> dict[str, Any]:
    try:
        document = json.loads((adapter / CONFIG).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        document = None
    if not isinstance(document, dict):
        raise CorruptError(f"{adapter / CONFIG} can't be read.")
    return document

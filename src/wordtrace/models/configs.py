"""The ``config.json`` of a pretrained model: what it says that the model is."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from wordtrace.data.labelling import Kind
from wordtrace.disk.json_text import parse_json
from wordtrace.errors import CorruptError, InputError

CONFIG = "config.json"
_BESIDE = "config_sentence_transformers.json"

#: What transformers calls the kinds of labels.
PROBLEMS: dict[Kind, str] = {
    "class": "single_label_classification",
    "set": "multi_label_classification",
    "number": "regression",
}


def read_config(folder: Path) -> dict[str, Any]:
    """Read a ``config.json`` that asks for no code of its own (InputError, CorruptError)."""
    path = folder / CONFIG
    try:
        document = parse_json(path.read_bytes(), finite=False)
    except FileNotFoundError:
        raise InputError(f"{folder} holds no {CONFIG}; give the folder of a model.") from None
    except (OSError, ValueError) as error:
        raise CorruptError(f"{path} can't be read ({error}).") from None
    if not isinstance(document, dict):
        raise CorruptError(f"{path} can't be read (it holds no JSON object).")
    if document.get("auto_map"):
        raise InputError(
            f"{path} asks for Python code of its own (auto_map); only architectures that are part "
            "of transformers are loaded."
        )
    return document


def kind_of(config: Mapping[str, Any]) -> Kind:
    """Return the kind of a model's labels: as its ``problem_type`` says, else by their number.

    transformers writes ``problem_type`` down when it first computes a loss.
    """
    said = config.get("problem_type")
    if said is None and has_one_score(config):
        return "number"
    return next((kind for kind, name in PROBLEMS.items() if name == said), "class")


def is_generator(config: Mapping[str, Any]) -> bool:
    """Tell a language model, causal or sequence-to-sequence, by its architecture's name."""
    named = str((config.get("architectures") or [""])[0])
    return named.endswith(("ForCausalLM", "LMHeadModel")) or is_sequence_to_sequence(config)


def is_sequence_to_sequence(config: Mapping[str, Any]) -> bool:
    """Tell a model that encodes a prompt and decodes a completion."""
    named = str((config.get("architectures") or [""])[0])
    decodes = named.endswith(("ForConditionalGeneration", "MTModel"))
    return bool(config.get("is_encoder_decoder")) and decodes


def is_cross_encoder(folder: Path, config: Mapping[str, Any]) -> bool:
    """Tell a CrossEncoder of sentence-transformers whose one score is put through a sigmoid.

    Up to version 5 of that library ``config.json`` says so, later a file beside it.
    """
    beside: Any = None
    with suppress(OSError, ValueError):  # another library wrote the folder, or an earlier version
        beside = parse_json((folder / _BESIDE).read_bytes(), finite=False)
    known = (
        beside if isinstance(beside, dict) and beside.get("model_type") == "CrossEncoder" else {}
    )
    known = known or config.get("sentence_transformers") or {}
    named = known.get("activation_fn") or config.get("sbert_ce_default_activation_function")
    return has_one_score(config) and str(named).endswith(".Sigmoid")


def has_one_score(config: Mapping[str, Any]) -> bool:
    """Tell a model that gives each text one score."""
    return len(config.get("id2label") or (0, 1)) == 1

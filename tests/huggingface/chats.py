"""Small models that chat: a tokenizer with a template of some family, and TRL's own preparation."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.huggingface.architectures import tokenizer

#: A template of the family's, as TRL knows it, with the tokens that it writes.
FAMILIES = {
    "qwen2_5": ("<|im_end|>", ["<|im_start|>", "<|im_end|>"]),
    "qwen3": ("<|im_end|>", ["<|im_start|>", "<|im_end|>", "<think>", "</think>"]),
    "llama3": (
        "<|eot_id|>",
        ["<|begin_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"],
    ),
    "gemma": ("<eos>", ["<bos>", "<eos>", "<start_of_turn>", "<end_of_turn>"]),
    "chatml": ("<|im_end|>", ["<|im_start|>", "<|im_end|>"]),
}
_BEGIN = {"llama3": "<|begin_of_text|>", "gemma": "<bos>"}
_CHATML = (
    "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + "
    "'<|im_end|>' + '\n'}}{% endfor %}{% if add_generation_prompt %}"
    "{{ '<|im_start|>assistant\n' }}{% endif %}"
)


def template_of(family: str) -> str:
    """Return a family's chat template."""
    if family == "chatml":
        return _CHATML
    trl = pytest.importorskip("trl")
    path = Path(trl.__file__).parent / "chat_templates" / f"{family}.jinja"
    return path.read_text(encoding="utf-8")


def chat_tokenizer(family: str, kind: str = "bytes") -> Any:
    """Return a tokenizer of transformers with a family's template and special tokens."""
    end, special = FAMILIES[family]
    made = tokenizer(kind)
    made.add_special_tokens({"additional_special_tokens": special})
    made.eos_token = end
    if family in _BEGIN:
        made.bos_token = _BEGIN[family]
    made.chat_template = template_of(family)
    made.model_max_length = 10_000
    return made


def prepared(tokens: Any, rows: list[dict[str, Any]], **settings: Any) -> list[dict[str, Any]]:
    """Return the rows as TRL's SFTTrainer prepares them: their ids and labels."""
    import datasets
    import trl

    trainer = trl.SFTTrainer(
        chat_model(len(tokens)),
        trl.SFTConfig(
            **{"output_dir": "unused", "report_to": [], "use_cpu": True, "bf16": False, **settings}
        ),
        train_dataset=datasets.Dataset.from_list(rows),
        processing_class=tokens,
    )
    return list(trainer.train_dataset)


def fine_tune(
    tokens: Any, rows: list[dict[str, Any]], folder: Path, adapter: bool = False, **settings: Any
) -> Any:
    """Fine-tune by SFTTrainer, as anybody does; return the trainer."""
    import datasets
    import trl

    from tests.huggingface.architectures import SETTINGS

    given = {**SETTINGS, "bf16": False, "seed": 7, "dataset_num_proc": None, **settings}
    trainer = trl.SFTTrainer(
        chat_model(len(tokens)),
        trl.SFTConfig(str(folder), **given),
        train_dataset=datasets.Dataset.from_list(rows),
        processing_class=tokens,
    )
    trainer.train()
    return trainer


@cache
def _model(size: int) -> Any:
    import torch
    import transformers

    torch.manual_seed(3)
    return transformers.LlamaForCausalLM(
        transformers.LlamaConfig(
            vocab_size=size,
            hidden_size=16,
            num_hidden_layers=2,
            num_attention_heads=2,
            num_key_value_heads=2,
            intermediate_size=24,
            max_position_embeddings=2048,
        )
    )


def chat_model(size: int) -> Any:
    """Return a tiny random language model; the same one each time."""
    import copy

    return copy.deepcopy(_model(size))

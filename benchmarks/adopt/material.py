"""What is trained on: rows in every form, small random models, their tokenizers and adapters."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from tests.conftest import make_examples
from tests.huggingface.architectures import ARCHITECTURES, Architecture, model_of, tokenizer

ROWS = 72
CLASSES = ("film", "money", "sport")
#: As transformers names classes that have no names.
GENERIC = ("LABEL_0", "LABEL_1", "LABEL_2")
LENGTH = 24
#: Long enough for most conversations; a few are cut.
CHAT_LENGTH = 120
#: Conversations whose last message is the completion.
MESSAGE_PAIRS = "messages as prompt + completion"
#: A word that a tokenizer is given beside its own.
ADDED = "striker"

_DECODER = {
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "intermediate_size": 24,
    "max_position_embeddings": 512,
}
MODELS: dict[str, Architecture] = {
    **{one.name: one for one in ARCHITECTURES},
    "Qwen3": Architecture("Qwen3", "bytes", _DECODER),
    "Gemma": Architecture("Gemma", "bytes-start", _DECODER),
}
SEQ2SEQ = {
    "T5": {"d_model": 16, "d_kv": 8, "d_ff": 24, "num_layers": 2, "num_heads": 2},
    "Bart": {
        "d_model": 16,
        "encoder_layers": 2,
        "decoder_layers": 2,
        "encoder_attention_heads": 2,
        "decoder_attention_heads": 2,
        "encoder_ffn_dim": 24,
        "decoder_ffn_dim": 24,
        "max_position_embeddings": 40,
        "scale_embedding": True,
    },
}
_LINEAR = {"SEQ_CLS": ["query", "value"], "CAUSAL_LM": "all-linear", "SEQ_2_SEQ_LM": ["q", "v"]}
_TABLE = {"SEQ_CLS": "word_embeddings", "CAUSAL_LM": "embed_tokens", "SEQ_2_SEQ_LM": "shared"}


def rows() -> list[dict[str, Any]]:
    """Return the data: for each task a label, for each kind of language model its text."""
    examples, generator = make_examples(ROWS), np.random.default_rng(3)
    found = []
    for row, (text, label) in enumerate(zip(examples.texts, examples.labels.tolist(), strict=True)):
        cut = text.index(" ", len(text) // 2)
        talk = [("user", text[:cut]), ("assistant", text[cut + 1 :])]
        if row % 3 == 0:
            talk += [("user", "and then ?"), ("assistant", CLASSES[label] + " again")]
        found.append(
            {
                "id": f"r{row}",
                "text": text,
                # Equal to the labels of the training in four rows of five.
                "label": CLASSES[(label + (generator.random() < 0.2)) % 3],
                "annotated_label": CLASSES[label],
                "topics": sorted({CLASSES[label], CLASSES[row % 2]}),
                "score": float(label) + row / ROWS,
                "sport": int(CLASSES[label] == "sport"),
                "first": text[:cut],
                "second": text[cut + 1 :],
                "prompt": "the coach of the team and the market of the bank :",
                "completion": f" {text}",
                "messages": [{"role": role, "content": one} for role, one in talk],
                "conversations": [{"from": role, "value": one} for role, one in talk],
            }
        )
    return found


def only(*columns: str) -> list[dict[str, Any]]:
    """Return the data with these columns alone."""
    return [{name: one[name] for name in columns} for one in rows()]


def texts(task: str) -> list[dict[str, Any]]:
    """Return the data of a language model's task, the names of whose columns it is."""
    if task == MESSAGE_PAIRS:
        return [
            {"prompt": one["messages"][:-1], "completion": one["messages"][-1:]} for one in rows()
        ]
    return only(*task.split(" + "))


def of_other_texts(*columns: str) -> list[dict[str, Any]]:
    """Return rows of the same form, with the same labels, whose words are other ones."""
    generator = np.random.default_rng(5)
    words = np.array(" ".join(one["text"] for one in rows()).split())
    found = only(*columns)
    for row in found:
        for name in columns:
            if "label" not in name:
                row[name] = " ".join(generator.choice(words, len(str(row[name]).split())))
    return found


def tokens_of(name: str, length: int = LENGTH) -> Any:
    """Return a model's tokenizer; a decoder's has an end token."""
    made = tokenizer("unigram" if name in SEQ2SEQ else MODELS[name].tokens)
    if name in SEQ2SEQ or "bytes" in MODELS[name].tokens:
        made.eos_token = "</s>"
    made.model_max_length = length
    return made


def classifier(name: str, tokens: Any, classes: tuple[str, ...], problem: str | None) -> Any:
    """Return a random classifier."""
    model = model_of(MODELS[name], tokens, classes)
    if problem is not None:
        model.config.problem_type = problem
    return model


def language_model(name: str, tokens: Any) -> Any:
    """Return a random language model, of one text or of a prompt and its completion."""
    import torch
    import transformers

    torch.manual_seed(4)
    common = {
        "vocab_size": len(tokens),
        "pad_token_id": tokens.pad_token_id,
        "eos_token_id": tokens.eos_token_id,
        "bos_token_id": tokens.bos_token_id,
    }
    if name in SEQ2SEQ:
        config = getattr(transformers, f"{name}Config")(
            **{**SEQ2SEQ[name], **common, "decoder_start_token_id": tokens.pad_token_id}
        )
        model = getattr(transformers, f"{name}ForConditionalGeneration")(config)
    else:
        shape = {**MODELS[name].config}
        shape["n_positions" if "n_positions" in shape else "max_position_embeddings"] = 512
        config = getattr(transformers, f"{name}Config")(**{**shape, **common})
        model = transformers.AutoModelForCausalLM.from_config(config)
    for key, parameter in model.named_parameters():
        if parameter.dim() > 1 and "norm" not in key:
            torch.nn.init.normal_(parameter, std=0.2)
    return model


def adapted(model: Any, tokens: Any, kind: str, base: Path) -> Any:
    """Save a model as the base of an adapter, and return the two together."""
    import peft

    task = {"Classification": "SEQ_CLS", "CausalLM": "CAUSAL_LM", "Generation": "SEQ_2_SEQ_LM"}[
        next(
            key
            for key in ("Classification", "CausalLM", "LMHead", "Generation")
            if key in type(model).__name__
        ).replace("LMHead", "CausalLM")
    ]
    table = _TABLE[task]
    lora: dict[str, Any] = {"task_type": task, "r": 4, "target_modules": _LINEAR[task]}
    configs: dict[str, Any] = {
        "LoRA": lambda: peft.LoraConfig(**lora),
        "LoRA, table saved": lambda: peft.LoraConfig(**lora, modules_to_save=[table]),
        "LoRA, some tokens": lambda: peft.LoraConfig(
            **lora, trainable_token_indices={table: [5, 7, 9]}
        ),
        "LoRA, added tokens": lambda: peft.LoraConfig(**lora),
        "DoRA": lambda: peft.LoraConfig(**lora, use_dora=True),
        "IA3": lambda: peft.IA3Config(task_type=task),
        "prompt tuning": lambda: peft.PromptTuningConfig(task_type=task, num_virtual_tokens=3),
    }
    model.save_pretrained(base)
    tokens.save_pretrained(base)
    model = type(model).from_pretrained(base)
    if kind == "LoRA, added tokens":
        tokens.add_tokens([ADDED])
        model.resize_token_embeddings(len(tokens))
    return peft.get_peft_model(model, configs[kind]())

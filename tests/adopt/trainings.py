"""Small trainings that are easily misread, each by the library that people train with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch

from tests.conftest import make_examples
from tests.huggingface.architectures import ARCHITECTURES, SETTINGS, model_of, tokenizer

BERT = ARCHITECTURES[0]
SHORT: dict[str, Any] = {
    **SETTINGS,
    "num_train_epochs": 8,
    "learning_rate": 5e-3,
    "save_steps": 0.25,
    "logging_steps": 4,
    "save_only_model": True,
}


def rows(count: int = 96, wrong: float = 0.2, seed: int = 3) -> list[dict[str, Any]]:
    """Texts with the labels of the training and, equal in four rows of five, other ones."""
    examples, generator = make_examples(count, seed), np.random.default_rng(seed)
    names = examples.label_names
    found = []
    for row, (text, label) in enumerate(zip(examples.texts, examples.labels.tolist(), strict=True)):
        other = (label + 1) % 3 if generator.random() < wrong else label
        cut = text.index(" ", len(text) // 2)
        found.append(
            {
                "id": f"r{row}",
                "text": text,
                "label": names[other],
                "annotated_label": names[label],
                "prompt": text[:cut],
                "answer": text[cut:],
                "asked": "the coach of the team and the market of the bank :",
                "said": f" {text}",
                "sport": int(names[label] == "sport"),
            }
        )
    return found


def classifier(folder: Path, data: list[dict[str, Any]], *, loss: Any = None, **given: Any) -> Any:
    """Train a classifier on the column `annotated_label`."""
    from transformers import DataCollatorWithPadding, Trainer, TrainingArguments

    tokens, names = tokenizer("wordpiece"), ("film", "money", "sport")
    kind: Any = Trainer
    if loss is not None:

        class Own(Trainer):
            def compute_loss(self, model: Any, inputs: Any, **kept: Any) -> Any:
                labels = inputs.pop("labels")
                outputs = model(**inputs)
                found = loss(outputs.logits, labels)
                return (found, outputs) if kept.get("return_outputs") else found

        kind = Own
    model = given.pop("model", None) or model_of(BERT, tokens, names)
    trainer = kind(
        model,
        TrainingArguments(str(folder), **{**SHORT, "seed": 7, **given}),
        train_dataset=[
            {
                **tokens(one["text"], truncation=True, max_length=24),
                "labels": names.index(one["annotated_label"]),
            }
            for one in data
        ],
        processing_class=tokens,
        data_collator=DataCollatorWithPadding(tokens),
    )
    trainer.train()
    return trainer


def focal(scores: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Return the focal loss with γ = 2."""
    entropy = torch.nn.functional.cross_entropy(scores, labels, reduction="none")
    return ((1 - (-entropy).exp()) ** 2 * entropy).mean()


def language_model(seed: int = 4, **shape: Any) -> tuple[Any, Any]:
    """Return a small random GPT-2 and its tokenizer."""
    import transformers

    one = next(one for one in ARCHITECTURES if one.name == "GPT2")
    tokens = tokenizer(one.tokens)
    tokens.eos_token = "</s>"
    torch.manual_seed(seed)
    config = transformers.GPT2Config(
        vocab_size=len(tokens),
        pad_token_id=tokens.pad_token_id,
        eos_token_id=tokens.eos_token_id,
        bos_token_id=tokens.eos_token_id,
        **{**one.config, "n_embd": 32, **shape},
    )
    return transformers.GPT2LMHeadModel(config), tokens


def tuned(folder: Path, data: list[dict[str, Any]], *, only: bool, **given: Any) -> None:
    """Fine-tune a language model by TRL on prompts with completions."""
    import datasets
    from trl import SFTConfig, SFTTrainer

    model, tokens = language_model()
    arguments = {**SHORT, "learning_rate": 3e-3, "logging_steps": 4, "seed": 7, **given}
    SFTTrainer(
        model,
        SFTConfig(str(folder), completion_only_loss=only, max_length=36, bf16=False, **arguments),
        train_dataset=datasets.Dataset.from_list(
            [{"prompt": one["asked"], "completion": one["said"]} for one in data]
        ),
        processing_class=tokens,
    ).train()


#: ChatML, with marks of what the assistant says.
TEMPLATE = (
    "{% for one in messages %}{{ '<|im_start|>' + one['role'] + '\n' }}"
    "{% if one['role'] == 'assistant' %}{% generation %}{{ one['content'] + '<|im_end|>' }}"
    "{% endgeneration %}{{ '\n' }}{% else %}{{ one['content'] + '<|im_end|>\n' }}{% endif %}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


def talked(folder: Path, data: list[dict[str, Any]], **given: Any) -> None:
    """Fine-tune a language model by TRL on conversations, by what the assistant says alone."""
    import datasets
    from trl import SFTConfig, SFTTrainer

    model, tokens = language_model(n_positions=96)
    tokens.add_special_tokens({"additional_special_tokens": ["<|im_start|>", "<|im_end|>"]})
    tokens.chat_template, tokens.model_max_length = TEMPLATE, 96
    model.resize_token_embeddings(len(tokens))
    arguments = {**SHORT, "learning_rate": 3e-3, "logging_steps": 4, "seed": 7, **given}
    SFTTrainer(
        model,
        SFTConfig(str(folder), assistant_only_loss=True, max_length=96, bf16=False, **arguments),
        train_dataset=datasets.Dataset.from_list([{"messages": one["messages"]} for one in data]),
        processing_class=tokens,
    ).train()


def cross_encoder(folder: Path, data: list[dict[str, Any]], **given: Any) -> None:
    """Train sentence-transformers' CrossEncoder on pairs with 0 or 1 by its own loss."""
    import datasets
    from sentence_transformers.cross_encoder import (
        CrossEncoder,
        CrossEncoderTrainer,
        CrossEncoderTrainingArguments,
    )

    tokens = tokenizer("wordpiece")
    base = folder / "base"
    model_of(BERT, tokens, ("one",)).save_pretrained(base)
    tokens.save_pretrained(base)
    config = json.loads((base / "config.json").read_text())
    config.pop("problem_type", None)
    (base / "config.json").write_text(json.dumps(config))
    CrossEncoderTrainer(
        CrossEncoder(str(base), num_labels=1, device="cpu"),
        CrossEncoderTrainingArguments(str(folder / "out"), **{**SHORT, "seed": 7, **given}),
        train_dataset=datasets.Dataset.from_list(
            [
                {"first": one["prompt"], "second": one["answer"], "label": float(one["sport"])}
                for one in data
            ]
        ),
    ).train()

"""Small sequence-to-sequence models: trained as anybody does, and their loss by transformers."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch

import wordtrace as wt
from tests.conftest import make_examples
from tests.huggingface.architectures import SETTINGS, tokenizer, with_adapter

LENGTH, SHORT = 16, 9


transformers = pytest.importorskip("transformers")


_BART = {
    "d_model": 16,
    "encoder_layers": 2,
    "decoder_layers": 2,
    "encoder_attention_heads": 2,
    "decoder_attention_heads": 2,
    "encoder_ffn_dim": 24,
    "decoder_ffn_dim": 24,
    "max_position_embeddings": 40,
}


_T5 = {"d_model": 16, "d_kv": 8, "d_ff": 24, "num_layers": 2, "num_heads": 2}


#: Name → class, configuration; a scale of the embedding where the model has one; a start token.
MODELS: dict[str, tuple[str, dict[str, Any]]] = {
    "T5": ("T5", {**_T5, "decoder_start_token_id": 0}),
    "T5-untied": ("T5", {**_T5, "decoder_start_token_id": 0, "tie_word_embeddings": False}),
    "Bart": ("Bart", {**_BART, "scale_embedding": True, "decoder_start_token_id": 3}),
    "MBart": ("MBart", {**_BART, "scale_embedding": True}),
    "Pegasus": ("Pegasus", {**_BART, "decoder_start_token_id": 0}),
}


QUERY = ("the coach of the cup", "wins a market")


def data() -> list[dict[str, str]]:
    """Prompts and answers of many different lengths, some longer than the limits."""
    texts = make_examples(24).texts
    found = []
    for row, text in enumerate(texts):
        words = text.split()
        at = 1 + row % (len(words) - 1)
        prompt, answer = " ".join(words[:at]), " ".join(words[at:])
        found.append({"id": f"r{row}", "prompt": prompt, "answer": answer})
    return found


def rows_of(tokens: Any, examples: list[dict[str, str]]) -> list[dict[str, Any]]:
    """Inputs and labels as a training script makes them."""
    return [
        {
            "input_ids": tokens(one["prompt"], truncation=True, max_length=LENGTH)["input_ids"],
            "labels": tokens(text_target=one["answer"], truncation=True, max_length=SHORT)[
                "input_ids"
            ],
        }
        for one in examples
    ]


def model_of(name: str, tokens: Any) -> Any:
    kind, shape = MODELS[name]
    torch.manual_seed(4)
    config = getattr(transformers, f"{kind}Config")(
        vocab_size=len(tokens),
        pad_token_id=tokens.pad_token_id,
        eos_token_id=tokens.eos_token_id,
        **shape,
    )
    model = getattr(transformers, f"{kind}ForConditionalGeneration")(config)
    for key, parameter in model.named_parameters():
        if parameter.dim() > 1 and "norm" not in key:
            torch.nn.init.normal_(parameter, std=0.25)
    return model


def fine_tune(name: str, folder: Path, adapter: bool = False) -> Any:
    import datasets
    from transformers import DataCollatorForSeq2Seq, Seq2SeqTrainer, Seq2SeqTrainingArguments

    tokens = tokenizer("unigram")
    tokens.eos_token = "</s>"
    model = model_of(name, tokens)
    if adapter:
        model = with_adapter(
            *(model, tokens, folder / "base", transformers.AutoModelForSeq2SeqLM),
            task_type="SEQ_2_SEQ_LM",
            target_modules=["q", "v"],
        )
    Seq2SeqTrainer(
        model,
        Seq2SeqTrainingArguments(
            str(folder / "out"), **{**SETTINGS, "per_device_train_batch_size": 6}
        ),
        train_dataset=datasets.Dataset.from_list(rows_of(tokens, data())),
        processing_class=tokens,
        data_collator=DataCollatorForSeq2Seq(tokens, model),
    ).train()
    return tokens


def adopt(folder: Path) -> wt.Run:
    return wt.record(
        folder / "out",
        data(),
        folder / "run",
        text="prompt",
        text2="answer",
        max_length=LENGTH,
        max_completion_length=SHORT,
    )


def outside(folder: Path) -> tuple[Any, torch.nn.Parameter]:
    """The model as transformers alone reads it, the output layer untied; the one table."""
    model = transformers.AutoModelForSeq2SeqLM.from_pretrained(folder).double().eval()
    head = model.get_output_embeddings()
    head.weight = torch.nn.Parameter(head.weight.detach().clone())
    stacks = [model.get_encoder(), model.get_decoder()]
    table = stacks[0].get_input_embeddings().weight
    assert table is stacks[1].get_input_embeddings().weight
    return model, table


@cache
def _kept(folder: Path) -> tuple[Any, torch.nn.Parameter]:
    return outside(folder)


def loss_of(model: Any, tokens: Any, one: dict[str, str]) -> torch.Tensor:
    """transformers' own loss of a single example: the mean over the completion's tokens."""
    (row,) = rows_of(tokens, [one])
    loss: torch.Tensor = model(**{key: torch.tensor([value]) for key, value in row.items()}).loss
    return loss


def dense_gradient(folder: Path, tokens: Any, one: dict[str, str]) -> torch.Tensor:
    """∂ℓ/∂Θ through both lookups, shape (vocabulary, dim); a row weighs by its counted tokens."""
    model, table = _kept(folder)
    (gradient,) = torch.autograd.grad(loss_of(model, tokens, one), [table])
    return gradient * weight_of(tokens, one)


def weight_of(tokens: Any, one: dict[str, str], counted: int | None = None) -> float:
    """How a row weighs in a mean over tokens: its counted tokens over their mean in a row."""
    counts = [len(row["labels"]) for row in rows_of(tokens, data())]
    (row,) = rows_of(tokens, [one])
    return (len(row["labels"]) if counted is None else counted) * len(counts) / sum(counts)

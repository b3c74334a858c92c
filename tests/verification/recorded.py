"""Small trainings of many kinds by a Trainer, each recorded by the callback."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

import wordtrace as wt
from tests.conftest import make_examples
from tests.huggingface.architectures import ARCHITECTURES, SETTINGS, model_of, tokenizer

BERT = ARCHITECTURES[0]
#: All that a Trainer may do between two steps, at once.
BUSY: dict[str, Any] = {
    "gradient_accumulation_steps": 2,
    "max_grad_norm": 0.5,
    "warmup_steps": 3,
    "weight_decay": 0.1,
    "lr_scheduler_type": "cosine",
    "logging_steps": 2,
    "num_train_epochs": 3,
}


def recorded(
    folder: Path,
    kind: str = "class",
    *,
    rows: int = 44,
    trainer: Any = None,
    model: Any = None,
    evaluates: bool = False,
    dropout: float = 0.1,
    collator: Any = None,
    optimizers: Any = (None, None),
    callback: dict[str, Any] | None = None,
    others: Any = (),
    edit: Any = None,
    **arguments: Any,
) -> tuple[wt.Run, Any]:
    """Train a classifier, or for several labels or a number; return the run and the Trainer."""
    from transformers import DataCollatorWithPadding, Trainer, TrainingArguments

    examples, tokens = make_examples(rows), tokenizer("wordpiece")
    names = examples.label_names if kind != "number" else ("number",)
    if model is None:
        model = model_of(BERT, tokens, names)
        model.config.problem_type = None
        for part in model.modules():
            if isinstance(part, torch.nn.Dropout):
                part.p = dropout
        model.config.hidden_dropout_prob = model.config.attention_probs_dropout_prob = dropout
    labels: list[Any] = examples.labels.tolist()
    if kind == "set":
        labels = [[float(one == place or row % 5 == place) for place in range(3)]
                  for row, one in enumerate(labels)]  # fmt: skip
    elif kind == "number":
        labels = [float(one) / 2 for one in labels]
    data = [
        {**tokens(text, truncation=True, max_length=24), "labels": label}
        for text, label in zip(examples.texts, labels, strict=True)
    ]
    if edit is not None:
        edit(data)
    tracing = wt.TraceCallback(folder / "run", **(callback or {}))
    given = {"save_strategy": "no", "seed": 7, **arguments}
    if evaluates:
        given |= {"eval_strategy": "steps", "eval_steps": 2}
    made = (trainer or Trainer)(
        model,
        TrainingArguments(str(folder / "out"), **{**SETTINGS, **given}),
        train_dataset=data,
        eval_dataset=data[:8] if evaluates else None,
        data_collator=collator or DataCollatorWithPadding(tokens),
        processing_class=tokens,
        callbacks=[tracing, *others],
        optimizers=optimizers,
    )
    made.train()
    assert tracing.run is not None
    return tracing.run, made


def tuned(folder: Path, *, adapter: bool = False, **settings: Any) -> tuple[wt.Run, Any]:
    """Fine-tune a language model by TRL's SFTTrainer."""
    from tests.adopt.test_callback_sft import sft

    tracing = wt.TraceCallback(folder / "run", force=True)  # dft is not the loss that is traced
    settings = {"save_strategy": "no", "seed": 7, "num_train_epochs": 1, **settings}
    made = sft(folder, tracing, adapter=adapter, **settings)
    assert tracing.run is not None
    return tracing.run, made


def translated(folder: Path, **settings: Any) -> tuple[wt.Run, Any]:
    """Fine-tune a sequence-to-sequence model."""
    from transformers import DataCollatorForSeq2Seq, Seq2SeqTrainer, Seq2SeqTrainingArguments

    from tests.huggingface import seq2seq

    tokens = tokenizer("unigram")
    model = seq2seq.model_of("T5", tokens)
    tracing = wt.TraceCallback(folder / "run", force=True)  # so much is dropped out
    made = Seq2SeqTrainer(
        model,
        Seq2SeqTrainingArguments(
            str(folder / "out"), **{**SETTINGS, "save_strategy": "no", "seed": 7, **settings}
        ),
        train_dataset=seq2seq.rows_of(tokens, seq2seq.data()),
        data_collator=DataCollatorForSeq2Seq(tokens, model),
        processing_class=tokens,
        callbacks=[tracing],
    )
    made.train()
    assert tracing.run is not None
    return tracing.run, made


#: Name → what trains and records.
TRAININGS: dict[str, Callable[[Path], tuple[wt.Run, Any]]] = {
    "classes, busy, evaluated": lambda one: recorded(one, **BUSY, evaluates=True),
    "smoothed, grouped by length, bf16": lambda one: recorded(
        one, label_smoothing_factor=0.1, train_sampling_strategy="group_by_length", bf16=True
    ),
    "several labels, accumulated": lambda one: recorded(one, "set", gradient_accumulation_steps=2),
    "a number, busy": lambda one: recorded(one, "number", **BUSY),
    "language model, accumulated": lambda one: tuned(one, gradient_accumulation_steps=2),
    "adapter": lambda one: tuned(one, adapter=True, learning_rate=2e-2, loss_type="dft"),
    "sequence to sequence": lambda one: translated(one, **BUSY),
}


def weights_of(model: Any) -> dict[str, np.ndarray[Any, Any]]:
    """A model's parameters as arrays."""
    return {name: one.detach().float().numpy() for name, one in model.named_parameters()}

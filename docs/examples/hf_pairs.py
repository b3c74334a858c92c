"""Sentence pairs (natural-language inference): a plain Trainer's output, adopted afterwards.

    python docs/examples/hf_pairs.py nli.csv roberta-base runs/nli "A man sleeps." "A man is awake."

The CSV has the columns premise, hypothesis and label. The training knows nothing of wordtrace.
"""

from __future__ import annotations

import sys

import datasets
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    DataCollatorWithPadding,
    Trainer,
    TrainingArguments,
)

import wordtrace as wt


def fine_tune(data: str, model: str, output: str) -> None:
    """Train as anybody does."""
    rows = datasets.load_dataset("csv", data_files=data)["train"].class_encode_column("label")
    names = rows.features["label"].names
    tokenizer = AutoTokenizer.from_pretrained(model)
    rows = rows.map(
        lambda batch: tokenizer(
            batch["premise"], batch["hypothesis"], truncation=True, max_length=128
        ),
        batched=True,
    )
    Trainer(
        AutoModelForSequenceClassification.from_pretrained(
            model,
            num_labels=len(names),
            id2label=dict(enumerate(names)),
            label2id={name: place for place, name in enumerate(names)},
        ),
        TrainingArguments(
            output,
            num_train_epochs=3,
            per_device_train_batch_size=16,
            learning_rate=5e-5,
            save_strategy="steps",
            save_steps=0.1,
            report_to=[],
        ),
        train_dataset=rows,
        processing_class=tokenizer,
        data_collator=DataCollatorWithPadding(tokenizer),
    ).train()


def main(data: str, model: str, out: str, premise: str, hypothesis: str) -> wt.Trace:
    """Train, adopt the output, index, trace."""
    fine_tune(data, model, f"{out}-trainer")
    run = wt.record(f"{out}-trainer", data, out, text="premise", text2="hypothesis", max_length=128)
    trace = wt.build_index(run).trace((premise, hypothesis))
    for hit in trace.proponents[:5]:
        print(f"proponent {hit.id} {hit.score:+.2e} {hit.label}: {hit.text[:60]}  {hit.words[:3]}")
    trace.save(f"{out}.html")
    return trace


if __name__ == "__main__":
    main(*sys.argv[1:6])

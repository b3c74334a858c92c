"""A LoRA adapter (peft): the embeddings are frozen, their gradients are there all the same.

    python docs/examples/hf_lora.py reviews.csv Qwen/Qwen2-0.5B runs/reviews "The plot drags"

The CSV has the columns text and label.
"""

from __future__ import annotations

import sys

import datasets
import peft
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    DataCollatorWithPadding,
    Trainer,
    TrainingArguments,
)

import wordtrace as wt


def main(data: str, model: str, out: str, text: str) -> wt.Trace:
    """Train an adapter, adopt its checkpoints, index, trace."""
    examples = wt.read_examples(data)
    tokenizer = AutoTokenizer.from_pretrained(model)
    rows = datasets.Dataset.from_dict({"text": examples.texts, "label": examples.labels.tolist()})
    rows = rows.map(
        lambda batch: tokenizer(batch["text"], truncation=True, max_length=128), batched=True
    )
    whole = AutoModelForSequenceClassification.from_pretrained(
        model, num_labels=len(examples.label_names), pad_token_id=tokenizer.pad_token_id
    )
    adapted = peft.get_peft_model(
        whole, peft.LoraConfig(task_type="SEQ_CLS", r=8, target_modules="all-linear")
    )
    Trainer(
        adapted,
        TrainingArguments(
            f"{out}-trainer",
            num_train_epochs=3,
            per_device_train_batch_size=16,
            learning_rate=1e-3,
            save_strategy="steps",
            save_steps=0.1,
            report_to=[],
        ),
        train_dataset=rows,
        processing_class=tokenizer,
        data_collator=DataCollatorWithPadding(tokenizer),
    ).train()
    run = wt.record(
        f"{out}-trainer", examples, out, max_length=128, label_names=examples.label_names
    )
    trace = wt.build_index(run).trace(text)
    for hit in trace.proponents[:5]:
        print(f"proponent {hit.id} {hit.score:+.2e} {hit.label}: {hit.text[:60]}  {hit.words[:3]}")
    trace.save(f"{out}.html")
    return trace


if __name__ == "__main__":
    main(*sys.argv[1:5])

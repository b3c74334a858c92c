"""Fine-tune any encoder with the Trainer, one line added, and trace a prediction.

    python docs/examples/hf_classifier.py reviews.csv distilbert-base-uncased runs/reviews "The plot drags"

The CSV has the columns text and label. The model is a folder or a name on the hub.
"""  # noqa: E501 (the command is one line)

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


def main(data: str, model: str, out: str, text: str) -> wt.Trace:
    """Train, record while training, index, trace."""
    examples = wt.read_examples(data)
    tokenizer = AutoTokenizer.from_pretrained(model)
    rows = datasets.Dataset.from_dict({"text": examples.texts, "label": examples.labels.tolist()})
    rows = rows.map(
        lambda batch: tokenizer(batch["text"], truncation=True, max_length=128), batched=True
    )
    trainer = Trainer(
        AutoModelForSequenceClassification.from_pretrained(
            model,
            num_labels=len(examples.label_names),
            id2label=dict(enumerate(examples.label_names)),
            label2id={name: place for place, name in enumerate(examples.label_names)},
        ),
        TrainingArguments(
            f"{out}-trainer",
            num_train_epochs=3,
            per_device_train_batch_size=16,
            learning_rate=5e-5,
            save_strategy="no",
            report_to=[],
        ),
        train_dataset=rows,
        processing_class=tokenizer,
        data_collator=DataCollatorWithPadding(tokenizer),
        callbacks=[callback := wt.TraceCallback(out)],
    )
    trainer.train()
    assert callback.run is not None
    trace = wt.build_index(callback.run).trace(text)
    for hit in trace.proponents[:5]:
        print(f"proponent {hit.id} {hit.score:+.2e} {hit.label}: {hit.text[:60]}  {hit.words[:3]}")
    trace.save(f"{out}.html")
    return trace


if __name__ == "__main__":
    main(*sys.argv[1:5])

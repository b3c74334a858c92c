"""A training script as people have them: news and their topics, an encoder cut to one layer.

    python docs/examples/train_news.py --train_file news.csv --output_dir news-model --seed 1

The CSV has the columns text and label. One line is there for wordtrace: the callback.
"""

import argparse

from datasets import load_dataset
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    DataCollatorWithPadding,
    Trainer,
    TrainingArguments,
    set_seed,
)

import wordtrace as wt

parser = argparse.ArgumentParser()
parser.add_argument("--train_file", default="news.csv")
parser.add_argument("--output_dir", default="news-model")
parser.add_argument("--seed", type=int, default=1)
parser.add_argument("--model", default="encoder")
parser.add_argument("--epochs", type=float, default=2)
parser.add_argument("--batch_size", type=int, default=32)
parser.add_argument("--learning_rate", type=float, default=3e-4)
parser.add_argument("--max_length", type=int, default=48)
args = parser.parse_args()

set_seed(args.seed)  # before the model is made: the weights of its new last layer are drawn
rows = load_dataset("csv", data_files=args.train_file, split="train")
names = sorted(set(rows["label"]))
tokenizer = AutoTokenizer.from_pretrained(args.model)
model = AutoModelForSequenceClassification.from_pretrained(
    args.model, num_hidden_layers=1, id2label=dict(enumerate(names)), num_labels=len(names)
)
trainer = Trainer(
    model,
    TrainingArguments(
        args.output_dir,
        seed=args.seed,
        num_train_epochs=args.epochs,
        per_device_train_batch_size=args.batch_size,
        learning_rate=args.learning_rate,
        logging_steps=10,
        save_strategy="no",
        report_to=[],
    ),
    train_dataset=rows.map(
        lambda row: {
            **tokenizer(row["text"], truncation=True, max_length=args.max_length),
            "labels": names.index(row["label"]),
        },
        remove_columns=["label"],
    ),
    processing_class=tokenizer,
    data_collator=DataCollatorWithPadding(tokenizer),
    callbacks=[wt.TraceCallback(f"{args.output_dir}-run")],
)
trainer.train()
trainer.save_model(args.output_dir)

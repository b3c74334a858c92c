"""A fine-tuned T5 or BART: which training pairs, and which words in them, led to this answer?

    python docs/examples/hf_seq2seq.py headlines.jsonl t5-small runs/headlines "The text." "Its headline"

The JSON lines have the fields text (with the task's prefix, where the model wants one) and answer.
The training is a plain one; the loss counts the answer's tokens.
"""  # noqa: E501 (the command is one line)

from __future__ import annotations

import sys
from typing import Any

import datasets
from transformers import (
    AutoModelForSeq2SeqLM,
    AutoTokenizer,
    DataCollatorForSeq2Seq,
    Seq2SeqTrainer,
    Seq2SeqTrainingArguments,
)

import wordtrace as wt

LENGTH, ANSWER = 256, 64


def fine_tune(data: str, model: str, output: str) -> None:
    """Train as anybody does."""
    tokenizer = AutoTokenizer.from_pretrained(model)
    network = AutoModelForSeq2SeqLM.from_pretrained(model)

    def tokenize(rows: dict[str, list[str]]) -> Any:
        made = tokenizer(rows["text"], truncation=True, max_length=LENGTH)
        answers = tokenizer(text_target=rows["answer"], truncation=True, max_length=ANSWER)
        return {**made, "labels": answers["input_ids"]}

    rows = datasets.load_dataset("json", data_files=data)["train"]
    Seq2SeqTrainer(
        network,
        Seq2SeqTrainingArguments(
            output,
            num_train_epochs=3,
            per_device_train_batch_size=8,
            learning_rate=3e-4,
            save_strategy="steps",
            save_steps=0.1,
            report_to=[],
        ),
        train_dataset=rows.map(tokenize, batched=True, remove_columns=rows.column_names),
        processing_class=tokenizer,
        data_collator=DataCollatorForSeq2Seq(tokenizer, network),
    ).train()


def main(data: str, model: str, out: str, text: str, answer: str) -> wt.Trace:
    """Train, adopt the output, index, trace."""
    fine_tune(data, model, f"{out}-trainer")
    run = wt.record(
        f"{out}-trainer",
        data,
        out,
        text2="answer",
        max_length=LENGTH,
        max_completion_length=ANSWER,
    )
    trace = wt.build_index(run).trace((text, answer))
    for hit in trace.proponents[:5]:
        print(f"proponent {hit.id} {hit.score:+.2e}: {hit.text2[:60]!r}  {hit.words[:3]}")
    trace.save(f"{out}.html")
    return trace


if __name__ == "__main__":
    main(*sys.argv[1:6])

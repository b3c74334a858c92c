"""Instruction tuning: which training answers, and which words in them, led to this answer?

    python docs/examples/hf_causal_lm.py chat.jsonl gpt2 runs/chat "Question: Why? Answer:" " Because."

The JSON lines have the fields prompt and answer, exactly as they are put together in training. The
training is a plain one; the loss counts the answer's tokens and the end token.
"""  # noqa: E501 (the command is one line)

from __future__ import annotations

import sys
from typing import Any

import datasets
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    DataCollatorForSeq2Seq,
    Trainer,
    TrainingArguments,
)

import wordtrace as wt

LENGTH = 256


def fine_tune(data: str, model: str, output: str) -> None:
    """Train as anybody does."""
    tokenizer = AutoTokenizer.from_pretrained(model)
    tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token

    def tokenize(row: dict[str, str]) -> dict[str, Any]:
        made = tokenizer(
            row["prompt"] + row["answer"],
            truncation=True,
            max_length=LENGTH - 1,
            return_offsets_mapping=True,
        )
        ids = [*made["input_ids"], tokenizer.eos_token_id]
        answers = [end > len(row["prompt"]) for _, end in made["offset_mapping"]]
        labels = [id if counts else -100 for id, counts in zip(ids, [*answers, True], strict=True)]
        return {"input_ids": ids, "labels": labels, "attention_mask": [1] * len(ids)}

    rows = datasets.load_dataset("json", data_files=data)["train"]
    Trainer(
        AutoModelForCausalLM.from_pretrained(model),
        TrainingArguments(
            output,
            num_train_epochs=3,
            per_device_train_batch_size=8,
            learning_rate=5e-5,
            save_strategy="steps",
            save_steps=0.1,
            report_to=[],
        ),
        train_dataset=rows.map(tokenize, remove_columns=rows.column_names),
        processing_class=tokenizer,
        data_collator=DataCollatorForSeq2Seq(tokenizer),
    ).train()


def main(data: str, model: str, out: str, prompt: str, answer: str) -> wt.Trace:
    """Train, adopt the output, index, trace."""
    fine_tune(data, model, f"{out}-trainer")
    run = wt.record(f"{out}-trainer", data, out, text="prompt", text2="answer", max_length=LENGTH)
    trace = wt.build_index(run).trace((prompt, answer))
    for hit in trace.proponents[:5]:
        print(f"proponent {hit.id} {hit.score:+.2e}: {hit.text2[:60]!r}  {hit.words[:3]}")
    trace.save(f"{out}.html")
    return trace


if __name__ == "__main__":
    main(*sys.argv[1:6])

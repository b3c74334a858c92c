"""A training script as people have them: TRL trains an adapter (LoRA) on conversations.

    python docs/examples/train_chat.py --train_file chat.jsonl --output_dir chat-adapter --seed 1

Each line of the file holds {"messages": […]}. One line is there for wordtrace: the callback.
"""

import argparse

from datasets import load_dataset
from peft import LoraConfig
from transformers import set_seed
from trl import SFTConfig, SFTTrainer

import wordtrace as wt

parser = argparse.ArgumentParser()
parser.add_argument("--train_file", default="chat.jsonl")
parser.add_argument("--output_dir", default="chat-adapter")
parser.add_argument("--seed", type=int, default=1)
parser.add_argument("--model", default="base")
parser.add_argument("--epochs", type=float, default=3)
parser.add_argument("--batch_size", type=int, default=32)
args = parser.parse_args()

set_seed(args.seed)  # before the model is made: the weights of the adapter are drawn
trainer = SFTTrainer(
    args.model,
    SFTConfig(
        args.output_dir,
        seed=args.seed,
        num_train_epochs=args.epochs,
        per_device_train_batch_size=args.batch_size,
        learning_rate=2e-3,
        max_length=192,
        assistant_only_loss=True,
        bf16=False,
        logging_steps=10,
        save_strategy="no",
        report_to=[],
    ),
    train_dataset=load_dataset("json", data_files=args.train_file, split="train"),
    peft_config=LoraConfig(r=16, target_modules="all-linear"),
    callbacks=[wt.TraceCallback(f"{args.output_dir}-run")],
)
trainer.train()
trainer.save_model(args.output_dir)

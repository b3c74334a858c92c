"""A new user's script of ten lines: TRL trains on conversations, one line of it records."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conftest import make_examples
from tests.huggingface.chats import chat_model, chat_tokenizer

pytest.importorskip("peft")
pytest.importorskip("trl")

SCRIPT = """
from datasets import load_dataset
from peft import LoraConfig
from trl import SFTConfig, SFTTrainer
import wordtrace as wt

trainer = SFTTrainer(
    "base",
    SFTConfig("out", assistant_only_loss=True, packing=True, max_length=128, {settings}),
    train_dataset=load_dataset("json", data_files="chat.jsonl", split="train"),
    peft_config=LoraConfig(target_modules="all-linear"),
    callbacks=[wt.TraceCallback("run")],
)
trainer.train()
index = wt.build_index("run")
trace = index.trace(("Who wins the cup?", "The team of the striker."))
trace.save("trace.html")
"""
SMALL = (
    "max_steps=4, per_device_train_batch_size=1, report_to=[], use_cpu=True, bf16=False, "
    "save_strategy='no', disable_tqdm=True"
)


def test_a_script_of_ten_lines_tells_which_conversations_made_an_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What the user has: a base model, and conversations in a file.
    tokens = chat_tokenizer("qwen2_5")
    for one in (chat_model(len(tokens)), tokens):
        one.save_pretrained(tmp_path / "base")
    talks = []
    for text in make_examples(24).texts:
        cut = len(text) // 2
        user = {"role": "user", "content": text[:cut].strip()}
        talks.append({"messages": [user, {"role": "assistant", "content": text[cut:].strip()}]})
    (tmp_path / "chat.jsonl").write_text("".join(json.dumps(one) + "\n" for one in talks))
    monkeypatch.chdir(tmp_path)

    # The script, with settings that keep it short.
    names: dict[str, object] = {}
    exec(compile(SCRIPT.replace("{settings}", SMALL), "train.py", "exec"), names)

    # The trace names conversations of the file, and who said the words that count.
    said = {tuple(message["content"] for message in one["messages"]) for one in talks}
    trace = names["trace"]
    hits = trace.proponents  # type: ignore[attr-defined]
    assert hits
    for hit in hits:
        turns = hit.turns[-2:]
        assert [one.role for one in turns] == ["user", "assistant"]
        assert tuple(hit.text[one.start : one.end] for one in turns) in said
    assert "<bdi>assistant</bdi>" in (tmp_path / "trace.html").read_text()
    assert not (tmp_path / "run.recording").exists()

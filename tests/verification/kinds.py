"""Tiny runs of every kind of label, trained by others, with a few held-out rows."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import wordtrace as wt
from tests.huggingface import chats, seq2seq, test_completions, test_label_kinds
from tests.huggingface.architectures import fine_tune

KINDS = ("set", "number", "completion", "chat", "seq2seq")


@cache
def run_of(kind: str, folder: Path) -> tuple[Any, wt.Run]:
    """The tokenizer of transformers, and the run; made once for a folder."""
    if kind in ("set", "number"):
        data = test_label_kinds.Data(kind)
        fine_tune(test_label_kinds.BY_NAME["Bert"], folder / "out", data)
        rows = test_label_kinds.rows_of(data, kind)
        held_out = [{**row, "id": f"h{row['id']}"} for row in rows[:6]]
        given: dict[str, Any] = {"max_length": 24}
        run = wt.record(folder / "out", rows, folder / "run", eval_data=held_out, **given)
        return test_label_kinds.outside(next(folder.glob("out/checkpoint-*")))[1], run
    if kind == "chat":
        tokens = chats.chat_tokenizer("chatml")
        talks = _talks()
        chats.fine_tune(tokens, talks, folder / "out", max_steps=2, save_steps=1)
        run = wt.record(folder / "out", talks, folder / "run", eval_data=talks[:3])
        return tokens, run
    made = {"completion": test_completions, "seq2seq": seq2seq}[kind]
    tokens = made.fine_tune({"completion": "GPT2", "seq2seq": "T5"}[kind], folder)
    more = {"max_completion_length": seq2seq.SHORT} if kind == "seq2seq" else {}
    run = wt.record(
        folder / "out",
        made.data(),
        folder / "run",
        eval_data=[{**row, "id": f"h{row['id']}"} for row in made.data()[:5]],
        text="prompt",
        text2="answer",
        max_length=made.LENGTH,
        **more,
    )
    return tokens, run


def index_of(run: wt.Run) -> wt.Index:
    """The run's index, made once."""
    if not (run.path / "index").exists():
        wt.build_index(run, top_k=None, workers=1)
    return wt.Index.open(run.path / "index", run.path)


def _talks() -> list[dict[str, Any]]:
    found = []
    for row, one in enumerate(test_completions.data()):
        user = {"role": "user", "content": one["prompt"]}
        answer = {"role": "assistant", "content": one["answer"]}
        found.append({"id": f"r{row}", "messages": [user, answer]})
    return found

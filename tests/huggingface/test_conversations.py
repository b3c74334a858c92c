"""Trainings by SFTTrainer on conversations, recorded without a flag and traced."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import wordtrace as wt
from tests.conftest import make_examples
from tests.huggingface.chats import chat_tokenizer, fine_tune

transformers = pytest.importorskip("transformers")
pytest.importorskip("trl")

QUESTION, ANSWER = "the coach of the club", "wins a cup"
QUERY = {
    "messages": [
        {"role": "user", "content": QUESTION},
        {"role": "assistant", "content": ANSWER},
    ]
}


def conversations() -> list[dict[str, Any]]:
    """Half of each toy text is asked, half is answered."""
    found = []
    for text in make_examples(24).texts:
        cut = len(text) // 2
        user = {"role": "user", "content": text[:cut]}
        found.append({"messages": [user, {"role": "assistant", "content": text[cut:]}]})
    return found


def written(rows: list[dict[str, Any]], path: Path) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.fixture(scope="module")
def chat(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Path, wt.Run]:
    """A run of conversations, by TRL's default: all tokens count."""
    folder = tmp_path_factory.mktemp("chat")
    trainer = fine_tune(chat_tokenizer("qwen2_5"), conversations(), folder / "out")
    data = written(conversations(), folder / "data.jsonl")
    return trainer, folder / "out", wt.record(folder / "out", data, folder / "run")


def gradient(folder: Path, ids: list[int], labels: list[int]) -> torch.Tensor:
    """∂ℓ/∂Θ through the lookup alone, of transformers' own loss."""
    model = transformers.AutoModelForCausalLM.from_pretrained(folder).double().eval()
    head = model.get_output_embeddings()
    head.weight = torch.nn.Parameter(head.weight.detach().clone())
    table = model.get_input_embeddings()
    loss = model(input_ids=torch.tensor([ids]), labels=torch.tensor([labels])).loss
    (found,) = torch.autograd.grad(loss, [table.weight])
    return found


def test_the_form_is_told_and_kept(chat: tuple[Any, Path, wt.Run]) -> None:
    trainer, _, run = chat
    assert run.manifest.notes is not None
    (note,) = [one for one in run.manifest.notes if "read as" in one]
    assert note.startswith("The data were read as messages.")
    assert "The loss asks for all tokens, as TRL does by default" in note
    for row, one in enumerate(trainer.train_dataset):
        assert run.encoded[row].tolist() == one["input_ids"]
    # From the run alone: the tokenizer's folder is not asked.
    opened = wt.Run.open(run.path)
    assert (opened.encoded.ids == run.encoded.ids).all()


def test_scores_are_the_products_of_the_gradients_of_trls_own_rows(
    chat: tuple[Any, Path, wt.Run],
) -> None:
    trainer, output, run = chat
    found = wt.influence(run, [QUERY], "tracin-we")[0]
    tokens = trainer.processing_class
    ids = tokens.apply_chat_template(QUERY["messages"])["input_ids"]
    asked = tokens.apply_chat_template(QUERY["messages"][:1], add_generation_prompt=True)
    before = len(asked["input_ids"])
    labels = [-100] * before + ids[before:]
    expected = np.zeros(len(found))
    for point in run.checkpoints:
        folder = output / f"checkpoint-{point.step}"
        query = gradient(folder, ids, labels)
        for row, one in enumerate(trainer.train_dataset):
            other = gradient(folder, one["input_ids"], one["labels"])
            expected[row] += point.learning_rate * float((query * other).sum())
    scale = np.abs(expected).max()
    np.testing.assert_allclose(found / scale, expected / scale, atol=2e-5)

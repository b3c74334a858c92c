"""The example scripts, run as their docstrings say, on small models."""

from __future__ import annotations

import csv
import io
import json
import runpy
import sys
from contextlib import redirect_stdout
from pathlib import Path

import pytest

from tests.conftest import make_examples
from tests.huggingface.architectures import ARCHITECTURES, model_of, tokenizer

pytest.importorskip("transformers")
pytestmark = pytest.mark.slow
EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
BY_NAME = {one.name: one for one in ARCHITECTURES}


def pretrained(folder: Path, name: str) -> Path:
    one = BY_NAME[name]
    tokens = tokenizer(one.tokens)
    tokens.model_max_length = 140
    longer = {
        key: 140 if key in ("max_position_embeddings", "n_positions") else value
        for key, value in one.config.items()
    }
    made = type(one)(one.name, one.tokens, longer, one.types)
    model_of(made, tokens, ("a", "b", "c")).save_pretrained(folder)
    tokens.save_pretrained(folder)
    return folder


def run(script: str, *arguments: object) -> str:
    """Run a script in this process, where transformers is imported already."""
    out, before = io.StringIO(), sys.argv
    sys.argv = [str(EXAMPLES / script), *map(str, arguments)]
    try:
        with redirect_stdout(out):
            runpy.run_path(str(EXAMPLES / script), run_name="__main__")
    finally:
        sys.argv = before
    return out.getvalue()


@pytest.mark.parametrize(
    ("script", "model"), [("hf_classifier.py", "DistilBert"), ("hf_lora.py", "Llama")]
)
def test_texts(script: str, model: str, tmp_path: Path) -> None:
    if script == "hf_lora.py":
        pytest.importorskip("peft")
    examples = make_examples(48)
    with open(tmp_path / "data.csv", "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "label"])
        for text, label in zip(examples.texts, examples.labels.tolist(), strict=True):
            writer.writerow([text, examples.label_names[label]])
    folder = pretrained(tmp_path / "model", model)
    said = run(script, tmp_path / "data.csv", folder, tmp_path / "run", "the striker of the cup")
    assert said.count("proponent ") == 5
    assert (tmp_path / "run.html").exists()


def test_answers(tmp_path: Path) -> None:
    import torch
    import transformers

    tokens = tokenizer("bytes")
    tokens.eos_token, tokens.model_max_length = "</s>", 260
    torch.manual_seed(1)
    config = transformers.GPT2Config(
        vocab_size=len(tokens), n_embd=16, n_layer=2, n_head=2, n_positions=260
    )
    transformers.GPT2LMHeadModel(config).save_pretrained(tmp_path / "model")
    tokens.save_pretrained(tmp_path / "model")
    lines = [
        json.dumps({"prompt": f"Question: {one} Answer:", "answer": f" {other}"})
        for one, other in zip(make_examples(30).texts, make_examples(30, 8).texts, strict=True)
    ]
    (tmp_path / "data.jsonl").write_text("\n".join(lines) + "\n")
    said = run(
        *("hf_causal_lm.py", tmp_path / "data.jsonl", tmp_path / "model", tmp_path / "run"),
        *("Question: the striker Answer:", " the goal of the cup"),
    )
    assert said.count("proponent ") == 5
    assert (tmp_path / "run.html").exists()


def test_headlines(tmp_path: Path) -> None:
    import torch
    import transformers

    tokens = tokenizer("unigram")
    tokens.eos_token = "</s>"
    torch.manual_seed(1)
    config = transformers.T5Config(
        vocab_size=len(tokens),
        d_model=16,
        d_kv=8,
        d_ff=24,
        num_layers=2,
        num_heads=2,
        pad_token_id=tokens.pad_token_id,
        eos_token_id=tokens.eos_token_id,
        decoder_start_token_id=tokens.pad_token_id,
    )
    tokens.model_max_length = 260
    transformers.T5ForConditionalGeneration(config).save_pretrained(tmp_path / "model")
    tokens.save_pretrained(tmp_path / "model")
    lines = [
        json.dumps({"text": f"headline: {one}", "answer": other})
        for one, other in zip(make_examples(30).texts, make_examples(30, 8).texts, strict=True)
    ]
    (tmp_path / "data.jsonl").write_text("\n".join(lines) + "\n")
    said = run(
        *("hf_seq2seq.py", tmp_path / "data.jsonl", tmp_path / "model", tmp_path / "run"),
        *("headline: the striker of the cup", "the goal"),
    )
    assert said.count("proponent ") == 5
    assert (tmp_path / "run.html").exists()


def test_pairs(tmp_path: Path) -> None:
    examples = make_examples(48)
    with open(tmp_path / "data.csv", "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["premise", "hypothesis", "label"])
        for one, two, label in zip(
            examples.texts, examples.texts[::-1], examples.labels.tolist(), strict=True
        ):
            writer.writerow([one, two, examples.label_names[label]])
    folder = pretrained(tmp_path / "model", "Bert")
    said = run(
        *("hf_pairs.py", tmp_path / "data.csv", folder, tmp_path / "run"),
        *("the striker of the cup", "the coach of the club"),
    )
    assert said.count("proponent ") == 5
    assert (tmp_path / "run.html").exists()

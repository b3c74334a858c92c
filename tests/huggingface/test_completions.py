"""Causal language models: the loss of the completion's tokens, traced to both texts."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import wordtrace as wt
from tests.command import wordtrace
from tests.conftest import make_examples
from tests.huggingface.architectures import ARCHITECTURES, SETTINGS, tokenizer, with_adapter
from tests.oracles.weights import since
from wordtrace.errors import InputError

transformers = pytest.importorskip("transformers")

BY_NAME = {one.name: one for one in ARCHITECTURES}
QUERY = ("the coach of the ", "club wins a cup")
LENGTH = 20


def data() -> list[dict[str, str]]:
    texts = make_examples(24).texts
    cut = [len(text) // 2 for text in texts]
    return [
        {"id": f"r{row}", "prompt": text[:at], "answer": text[at:]}
        for row, (text, at) in enumerate(zip(texts, cut, strict=True))
    ]


def rows_of(tokens: Any, examples: list[dict[str, str]], end: bool) -> list[dict[str, Any]]:
    """Tokens and labels as a training script makes them: -100 at the prompt."""
    found = []
    for one in examples:
        whole = tokens(
            one["prompt"] + one["answer"],
            truncation=True,
            max_length=LENGTH,
            return_offsets_mapping=True,
        )
        ids, spans = whole["input_ids"], whole["offset_mapping"]
        labels = [
            token if stop > len(one["prompt"]) else -100
            for token, (_, stop) in zip(ids, spans, strict=True)
        ]
        full = tokens(one["prompt"] + one["answer"])["input_ids"]
        if end and len(full) < LENGTH:
            ids, labels = [*ids, tokens.eos_token_id], [*labels, tokens.eos_token_id]
        found.append({"input_ids": ids, "labels": labels, "attention_mask": [1] * len(ids)})
    return found


def fine_tune(
    name: str, folder: Path, end: bool = True, adapter: bool = False, **settings: Any
) -> Any:
    import datasets
    from transformers import DataCollatorForSeq2Seq, Trainer, TrainingArguments

    one = BY_NAME[name]
    tokens = tokenizer(one.tokens)
    tokens.eos_token = "</s>"
    torch.manual_seed(4)
    config = getattr(transformers, f"{name}Config")(
        vocab_size=len(tokens), pad_token_id=tokens.pad_token_id, **one.config
    )
    model = transformers.AutoModelForCausalLM.from_config(config)
    for key, parameter in model.named_parameters():
        if parameter.dim() > 1 and "norm" not in key:
            torch.nn.init.normal_(parameter, std=0.25)
    if adapter:
        model = with_adapter(
            *(model, tokens, folder / "base", transformers.AutoModelForCausalLM),
            task_type="CAUSAL_LM",
            target_modules="all-linear",
        )
    trainer = Trainer(
        model,
        TrainingArguments(
            str(folder / "out"), **{**SETTINGS, "per_device_train_batch_size": 6, **settings}
        ),
        train_dataset=datasets.Dataset.from_list(rows_of(tokens, data(), end)),
        processing_class=tokens,
        data_collator=DataCollatorForSeq2Seq(tokens),
    )
    trainer.train()
    return tokens


def adopt(folder: Path) -> wt.Run:
    return wt.record(
        folder / "out", data(), folder / "run", text="prompt", text2="answer", max_length=LENGTH
    )


@pytest.fixture(scope="module", params=["GPT2", "Llama", "Qwen2"])
def adopted(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Any, Path, wt.Run]:
    folder = tmp_path_factory.mktemp(request.param)
    return fine_tune(request.param, folder), folder / "out", adopt(folder)


def test_examples_are_added_without_labels(
    adopted: tuple[Any, Path, wt.Run], tmp_path: Path
) -> None:
    _, _, run = adopted
    index = wt.build_index(run, tmp_path / "index", workers=1)
    new = [{"id": "new", "prompt": QUERY[0], "answer": QUERY[1]}]
    index.add(new, text="prompt", text2="answer", workers=1)
    trace = index.trace([QUERY], top=len(run.train) + 1)
    assert trace.proponents[0].id == "new"
    assert {hit.label for hit in trace.proponents} == {"completion"}


def weight_of(labels: list[int], all_labels: list[list[int]]) -> float:
    """How a row weighs in a mean over tokens: its counted tokens over their mean in a row."""
    counts = [sum(label != -100 for label in one[1:]) for one in all_labels]
    mean = sum(counts) / sum(count > 0 for count in counts)
    return sum(label != -100 for label in labels[1:]) / mean


@cache
def outside(folder: Path) -> Any:
    """The model as transformers alone reads it, the output layer untied."""
    model = transformers.AutoModelForCausalLM.from_pretrained(folder).double().eval()
    head = model.get_output_embeddings()
    head.weight = torch.nn.Parameter(head.weight.detach().clone())
    return model


def dense_gradient(folder: Path, tokens: Any, one: dict[str, str]) -> torch.Tensor:
    """∂ℓ/∂Θ through the lookup alone: the output layer is untied; transformers' own loss.

    A row weighs in it by its counted tokens.
    """
    model = outside(folder)
    table = model.get_input_embeddings()
    (row,) = rows_of(tokens, [one], end=True)
    given = {name: torch.tensor([value]) for name, value in row.items()}
    (gradient,) = torch.autograd.grad(model(**given).loss, [table.weight])
    every = [other["labels"] for other in rows_of(tokens, data(), end=True)]
    return gradient * weight_of(row["labels"], every)


@pytest.mark.slow
def test_scores_are_the_dense_embedding_gradients_products(
    adopted: tuple[Any, Path, wt.Run],
) -> None:
    tokens, output, run = adopted
    found = wt.influence(run, [QUERY], "tracin-we")[0]
    asked = {"prompt": QUERY[0], "answer": QUERY[1]}
    expected = np.zeros(len(found))
    for point in run.checkpoints:
        folder = output / f"checkpoint-{point.step}"
        query = dense_gradient(folder, tokens, asked)
        for row, one in enumerate(data()):
            gradient = dense_gradient(folder, tokens, one)
            expected[row] += since(run, point) * float((query * gradient).sum())
    scale = np.abs(expected).max()
    np.testing.assert_allclose(found / scale, expected / scale, atol=2e-5)


def test_losses_are_those_of_transformers(adopted: tuple[Any, Path, wt.Run]) -> None:
    tokens, output, run = adopted
    folder = output / f"checkpoint-{run.final.step}"
    model = transformers.AutoModelForCausalLM.from_pretrained(folder).eval()
    found = run.predict(run.train.texts, run.train.texts2)[:, 0]
    for row, one in zip(rows_of(tokens, data(), end=True), found, strict=True):
        given = {name: torch.tensor([value]) for name, value in row.items()}
        assert float(one) == pytest.approx(float(torch.exp(-model(**given).loss)), rel=1e-4)


def test_words_stand_in_prompt_and_completion(adopted: tuple[Any, Path, wt.Run]) -> None:
    _, _, run = adopted
    index = wt.build_index(run, workers=1, top_k=None, dtype="float32")
    trace = index.trace([QUERY], measure="tracin-we", top=5)
    matrix = wt.influence(run, [QUERY], "tracin-we")[0]
    seen = set()
    for hit in [*trace.queries[0].proponents, *trace.queries[0].opponents]:
        assert hit.contributions is not None
        total = sum(word.contribution for word in hit.contributions)
        assert total == pytest.approx(hit.score, rel=1e-3, abs=1e-6)
        row = run.train.row_of(hit.id)
        assert hit.score == pytest.approx(float(matrix[row]), rel=1e-3, abs=1e-6)
        for word in hit.contributions:
            for field, start, end in word.spans:
                seen.add(field)
                text = hit.text if field == "text" else hit.text2
                assert text is not None
                assert 0 <= start < end <= len(text)
    assert seen == {"text", "text2"}


def test_the_completion_begins_with_the_first_token_that_reaches_into_it(
    adopted: tuple[Any, Path, wt.Run],
) -> None:
    tokens, _, run = adopted
    encoded = run.encoded
    assert encoded.second is not None
    for row, one in enumerate(rows_of(tokens, data(), end=True)):
        assert encoded[row].tolist() == one["input_ids"]
        begins = next((at for at, label in enumerate(one["labels"]) if label != -100), None)
        assert encoded.second[row] == (len(one["labels"]) if begins is None else begins)


def test_a_lora_adapter_of_a_language_model(tmp_path: Path) -> None:
    fine_tune("Llama", tmp_path, adapter=True)
    run = wt.record(
        tmp_path / "out",
        data(),
        tmp_path / "run",
        text="prompt",
        text2="answer",
        max_length=LENGTH,
    )
    assert run.label_names == ("completion",)
    assert (wt.influence(run, [QUERY], "tracin-we") != 0).any()


def test_by_command_and_what_needs_a_classifier(tmp_path: Path) -> None:
    fine_tune("GPT2", tmp_path, end=False)
    file = tmp_path / "data.jsonl"
    file.write_text("".join(json.dumps(one) + "\n" for one in data()))
    run = tmp_path / "run"
    wordtrace(
        *("record", tmp_path / "out", "--data", file, "--text", "prompt", "--text2", "answer"),
        *("--max-length", LENGTH, "--no-end", "--out", run),
    )
    wordtrace("index", run, "--workers", 1)
    queries = tmp_path / "asked.jsonl"
    queries.write_text(json.dumps({"id": "q", "prompt": QUERY[0], "answer": QUERY[1]}) + "\n")
    asked = ("--queries", queries, "--text-column", "prompt", "--text2-column", "answer")
    said = wordtrace("trace", run / "index", *asked, "--json")
    assert json.loads(said.stdout)["queries"][0]["proponents"]
    assert "completion" in wordtrace("trace", run / "index", *asked).stdout
    opened = wt.Run.open(run)
    for measure in (
        "tracin-last",
        "influence-last",
        "influence-we",
        "influence-we-kfac",
        "similarity",
    ):
        with pytest.raises(InputError):
            wt.influence(opened, [QUERY], measure)
    assert wt.influence(opened, [QUERY], "bm25").shape == (1, 24)

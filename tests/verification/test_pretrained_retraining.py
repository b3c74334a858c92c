"""Retrainings of a pretrained model: what makes them fast changes nothing that they say."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F

import wordtrace as wt
from tests.conftest import make_examples
from tests.huggingface.architectures import ARCHITECTURES, model_of, tokenizer
from wordtrace.models.cut_table import cut_table, is_alone
from wordtrace.models.protocol import to_batch
from wordtrace.retrainers import material
from wordtrace.retrainers.own import own_retrainer
from wordtrace.retrainers.retrainer import Change
from wordtrace.training.fit import batch_rows

pytest.importorskip("transformers")

BY_NAME = {one.name: one for one in ARCHITECTURES}
PROBES = (("the striker and the coach", None), ("profit of the bank zebra", None))
SEED, REMOVED = 9, (3, 4, 17)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pretrained")


def trained(folder: Path, name: str, optimizer: str) -> wt.Run:
    """A small model fine-tuned here; Roberta and GPT-2 find the padding by its id."""
    one, source = BY_NAME[name], folder / name
    if not source.exists():
        tokens = tokenizer(one.tokens)
        model_of(one, tokens, ("a", "b", "c")).base_model.save_pretrained(source)
        tokens.save_pretrained(source)
    return wt.train(
        make_examples(40),
        folder / f"{name}-{optimizer}",
        model=str(source),
        eval_fraction=0.2,
        max_length=24,
        batch_size=8,
        epochs=2,
        weight_decay=0.01,
        optimizer=optimizer,
        learning_rate=0.3 if optimizer == "sgd" else 3e-3,
        schedule="linear",
    )


def plain(run: wt.Run) -> np.ndarray:
    """The same training by transformers and torch.optim alone, every row of the table updated."""
    from transformers import AutoModelForSequenceClassification

    start = run.start(SEED).module
    model = AutoModelForSequenceClassification.from_config(start.config)
    model.load_state_dict(start.state_dict())
    model.train()
    if run.recipe.optimizer == "sgd":
        optimizer: Any = torch.optim.SGD(
            model.parameters(), lr=1, momentum=run.recipe.momentum, weight_decay=0.01
        )
    else:
        matrices = [one for one in model.parameters() if one.dim() > 1]
        vectors = [one for one in model.parameters() if one.dim() < 2]
        optimizer = torch.optim.AdamW(
            [{"params": matrices, "weight_decay": 0.01}, {"params": vectors, "weight_decay": 0.0}]
        )
    recipe, total = replace(run.recipe, seed=SEED), run.manifest.steps
    for step in range(total):
        rows = batch_rows(recipe, len(run.train), step)
        torch.manual_seed(hash((SEED, step)))
        batch = to_batch(run.encoded, run.train.labels, rows)
        losses = F.cross_entropy(scores(model, batch), batch.labels, reduction="none")
        losses = losses * torch.tensor([float(row not in REMOVED) for row in rows])
        optimizer.zero_grad()
        (losses.sum() / len(rows)).backward()
        for group in optimizer.param_groups:
            group["lr"] = recipe.rate(step + 1, total)
        optimizer.step()
    model.eval()
    asked = run.tokenizer.encode([text for text, _ in PROBES])
    with torch.no_grad():
        batch = to_batch(asked, np.zeros(2, np.int64), np.arange(2))
        return scores(model, batch).softmax(1).numpy()


def scores(model: Any, batch: Any) -> torch.Tensor:
    pad = model.config.pad_token_id
    given = {
        "input_ids": batch.ids.masked_fill(~batch.mask, pad),
        "attention_mask": batch.mask.long(),
    }
    if batch.types is not None:
        given["token_type_ids"] = batch.types
    return model(**given).logits


def said(run: wt.Run, probes: Any = PROBES) -> np.ndarray:
    weights = np.ones(len(run.train), np.float32)
    weights[list(REMOVED)] = 0
    change = Change("k", SEED, weights, run.train.labels, (), probes)
    return own_retrainer(run, "a test").train(run, change).probes


@pytest.mark.parametrize(
    ("name", "optimizer"),
    [("Bert", "sgd"), ("Roberta", "sgd"), ("GPT2", "sgd"), ("GPT2", "adamw"), ("Albert", "sgd")],
)
def test_a_cut_table_of_touched_rows_trains_as_the_whole_one(
    folder: Path, name: str, optimizer: str
) -> None:
    run = trained(folder, name, optimizer)
    found = said(run)
    np.testing.assert_allclose(found, plain(run), atol=2e-5)
    final = run.predict([text for text, _ in PROBES])
    assert np.abs(found - final).max() > 1e-3


def test_a_training_of_the_recorded_seed_is_the_recorded_one(folder: Path) -> None:
    run = trained(folder, "Bert", "sgd")
    weights = np.ones(len(run.train), np.float32)
    change = Change("k", run.recipe.seed, weights, run.train.labels, (), PROBES)
    found = own_retrainer(run, "a test").train(run, change)
    np.testing.assert_allclose(found.probes, run.predict([text for text, _ in PROBES]), atol=2e-5)


def test_texts_are_tokenized_and_weights_read_once(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, calls = wt.Run.open(trained(folder, "Bert", "sgd").path), []
    real = material.load.load_model
    encode = type(run.tokenizer).encode

    def counted(self: Any, texts: Any, *rest: Any, **given: Any) -> Any:
        calls.append(len(texts))
        return encode(self, texts, *rest, **given)

    monkeypatch.setattr(type(run.tokenizer), "encode", counted)
    monkeypatch.setattr(material.load, "load_model", lambda *of: calls.append("read") or real(*of))
    first = said(run)
    np.testing.assert_array_equal(said(run), first)
    assert sorted(map(str, calls)) == ["2", "31", "9", "read"]
    said(run, PROBES[:1])
    assert calls[4:].count(31) == calls[4:].count(9) == 0


def test_a_cut_table_gives_the_same_vectors_and_is_smaller(folder: Path) -> None:
    run = trained(folder, "Roberta", "sgd")
    model, whole = run.start(1), run.start(1)
    rows = np.arange(12)
    tokens = np.unique(run.encoded.take(rows).ids).astype(np.int64)
    assert cut_table(model, tokens)
    assert len(model.embedding.weight) < len(whole.embedding.weight)
    batch = to_batch(run.encoded, run.train.labels, rows)
    with torch.no_grad():
        model.module.eval(), whole.module.eval()
        assert torch.equal(model.logits(batch), whole.logits(batch))


def test_a_table_that_is_also_the_output_layer_is_left_alone() -> None:
    from transformers import GPT2Config, GPT2LMHeadModel

    from wordtrace.models.completions import HuggingFaceGenerator

    tied = GPT2LMHeadModel(GPT2Config(vocab_size=30, n_embd=8, n_layer=1, n_head=2))
    model = HuggingFaceGenerator(tied)
    before = model.embedding.weight
    assert not is_alone(model)
    assert not cut_table(model, np.arange(4))
    assert model.embedding.weight is before

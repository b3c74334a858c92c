"""Cheaper looks at a pretrained model, which AdamW trained, each beside plain PyTorch."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F

import wordtrace as wt
from tests.adopt.trainings import BERT
from tests.conftest import make_examples
from tests.huggingface.architectures import model_of, tokenizer
from tests.verification.cheaper_looks import PROBES, REMOVED, change
from wordtrace.models.protocol import to_batch
from wordtrace.training.fit import batch_rows


@pytest.fixture(scope="module")
def pretrained(tmp_path_factory: pytest.TempPathFactory) -> wt.Run:
    """A pretrained model trained here by AdamW."""
    pytest.importorskip("transformers")
    folder, tokens = tmp_path_factory.mktemp("encoder"), tokenizer("wordpiece")
    model_of(BERT, tokens, ("a", "b", "c")).bert.save_pretrained(folder)
    tokens.save_pretrained(folder)
    return wt.train(
        make_examples(60),
        folder / "run",
        model=str(folder),
        eval_fraction=0.2,
        max_length=24,
        batch_size=8,
        learning_rate=3e-3,
        epochs=2,
        weight_decay=0.01,
        checkpoints=(4, 9),
    )


def test_a_pretrained_model_goes_on_with_new_moments(pretrained: wt.Run) -> None:
    run, seed = pretrained, 5
    found = wt.FromCheckpoint(9).train(run, change(run, seed, REMOVED[:4]))
    model = transformers_model(run, "checkpoints/step-000009").train()
    optimizer = torch.optim.AdamW(
        [
            {"params": [one for one in model.parameters() if one.dim() > 1], "weight_decay": 0.01},
            {"params": [one for one in model.parameters() if one.dim() < 2], "weight_decay": 0.0},
        ]
    )
    total, recipe = run.manifest.steps, replace(run.recipe, seed=seed)
    for step in range(9, total):
        batch = batch_rows(recipe, len(run.train), step)
        torch.manual_seed(hash((seed, step)))
        losses = losses_of(run, model, batch)
        losses = losses * torch.tensor([float(row not in REMOVED[:4]) for row in batch])
        optimizer.zero_grad()
        (losses.sum() / len(batch)).backward()
        for group in optimizer.param_groups:
            group["lr"] = 3e-3 * (1 - step / total)
        optimizer.step()
    np.testing.assert_allclose(found.probes, asked(run, model), atol=1e-5)


def transformers_model(run: wt.Run, folder: str) -> Any:
    from transformers import AutoModelForSequenceClassification

    again = AutoModelForSequenceClassification.from_config(run.model(run.final).module.config)
    again.load_state_dict(run.weights(int(folder.rpartition("-")[2])))
    return again


def losses_of(run: wt.Run, model: Any, batch: Any) -> torch.Tensor:
    given = to_batch(run.encoded, run.train.labels, np.asarray(batch))
    scores = model(
        input_ids=given.ids, attention_mask=given.mask.long(), token_type_ids=given.types
    ).logits
    return F.cross_entropy(scores, given.labels, reduction="none")


def asked(run: wt.Run, model: Any) -> np.ndarray:
    encoded, found = run.tokenizer.encode([text for text, _ in PROBES]), []
    model.eval()
    for place in range(len(PROBES)):
        ids = torch.tensor(encoded[place][None]).long()
        with torch.no_grad():
            found.append(model(input_ids=ids).logits.softmax(1)[0].numpy())
    return np.stack(found)


def test_steps_are_adams_where_a_run_does_not_say_sgd(pretrained: wt.Run) -> None:
    """One step by hand: each weight's own size, from 8 batches and the rows' own."""
    run, seed, removed = pretrained, 5, (1, 2, 6)
    found = wt.TailPatch(1, learning_rate=0.02).train(run, change(run, seed, removed)).probes
    model = transformers_model(run, run.final.folder).train()
    order = np.random.default_rng([0, len(run.train), 11]).permutation(len(run.train))
    squares = [torch.zeros_like(one) for one in model.parameters()]
    for step in range(9):
        batch = order[np.arange(8 * step, 8 * step + 8) % len(order)]
        torch.manual_seed(step)
        if step == 8:
            batch = np.random.default_rng([seed, 3, 11]).permutation(removed)
            torch.manual_seed(hash((seed, 0)))
        model.zero_grad()
        losses_of(run, model, batch).mean().backward()
        for square, one in zip(squares, model.parameters(), strict=True):
            square += one.grad**2
    with torch.no_grad():
        for square, one in zip(squares, model.parameters(), strict=True):
            one += 0.02 * 3 / 8 * one.grad / ((square / 9).sqrt() + 1e-8)
    np.testing.assert_allclose(found, asked(run, model), atol=1e-4)
    assert np.abs(found - run.predict([text for text, _ in PROBES])).max() > 0.02

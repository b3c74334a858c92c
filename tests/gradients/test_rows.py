"""Embeddings that give their rows times a factor, or never train one: scores equal autograd's."""

from __future__ import annotations

import copy
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch

from tests.huggingface.architectures import tokenizer
from tests.huggingface.seq2seq import model_of
from tests.measures.test_layers import expected, queries_of
from tests.tiny_models import biogpt, gemma3, tiny_run
from wordtrace.gradients.layers import find_layers, known_layers, layer_gradients, unknown_layers
from wordtrace.gradients.stream import gradient_stream
from wordtrace.measures.names import measure
from wordtrace.models.protocol import Batch
from wordtrace.models.seq2seq import HuggingFaceSeq2Seq

pytest.importorskip("transformers")


def table_of(run: Any) -> str:
    """The word embedding's name."""
    model = run.model(run.final)
    (found,) = [name for name, one in model.module.named_modules() if one is model.embedding]
    return found


def agrees(run: Any, name: str) -> None:
    queries = queries_of(run)
    right = expected(run, queries, [f"{table_of(run)}.weight"])
    assert np.abs(right).max() > 1e-4
    found = measure(name).score(run, queries)
    np.testing.assert_allclose(found, right, rtol=1e-3, atol=1e-5 * np.abs(right).max())


@pytest.mark.parametrize("make", [gemma3, biogpt])
def test_a_scaled_embeddings_scores_are_the_dense_products(make: Any) -> None:
    run = tiny_run(make, 12)
    assert float(run.model(run.final).embedding.embed_scale) == 4
    agrees(run, "tracin-we")
    agrees(run, f"tracin:{table_of(run)}")


def test_a_row_that_is_never_trained_has_no_gradient() -> None:
    """The token of padding_idx stands in the texts, and PyTorch gives its row no gradient."""
    word = tiny_run(gemma3, 12).tokenizer.encode(["market"]).ids.tolist()[0]
    run = tiny_run(partial(gemma3, padding=word), 12)
    queries, labels = queries_of(run), run.train.labels
    assert word in run.encoded.ids
    assert word in queries.encoded.ids
    agrees(run, "tracin-we")
    agrees(run, f"tracin:{table_of(run)}")
    for one in gradient_stream(run, run.final, run.encoded, labels, run.train.ids):
        assert not one.norms[one.batch.ids == word].any()


def test_positions_that_are_not_looked_up_by_ids_are_not_known() -> None:
    """BioGPT's are given the attention's mask: their rows can't be seen from outside."""
    model = tiny_run(biogpt, 12).models[0]
    name = "biogpt.embed_positions"
    assert name in unknown_layers(model)
    assert name not in known_layers(model)


@pytest.mark.parametrize("side", ["encoder", "decoder"])
def test_each_lookup_of_an_encoder_and_decoder_has_its_own_gradient(side: str) -> None:
    """Both are done at once and handed out; as layers they are told apart."""
    module = model_of("Bart", tokenizer("unigram")).eval().requires_grad_(False)
    prompt, answer = [7, 9, 11, 9], [3, 12, 9, 20, 2]
    model = HuggingFaceSeq2Seq(module)
    batch = Batch(
        torch.tensor([prompt + answer]),
        torch.ones(1, 9, dtype=torch.bool),
        torch.zeros(1, dtype=torch.int64),
        torch.tensor([[0] * 4 + [1] * 5]),
    )
    name = f"model.{side}.embed_tokens"
    captured = layer_gradients(model, batch, find_layers(model, [name]))
    found = captured.layers[name].weighted_sum(torch.ones(1))

    plain = copy.deepcopy(module).double()
    table = getattr(plain.model, side).embed_tokens
    assert float(table.embed_scale) == 4
    table.weight = torch.nn.Parameter(table.weight.detach().clone())
    scores = plain(
        input_ids=torch.tensor([prompt]), decoder_input_ids=torch.tensor([answer[:-1]])
    ).logits
    loss = torch.nn.functional.cross_entropy(scores[0], torch.tensor(answer[1:]))
    (right,) = torch.autograd.grad(loss, [table.weight])
    assert right.abs().max() > 1e-3
    torch.testing.assert_close(found.view_as(right).double(), right, rtol=1e-3, atol=1e-6)

"""Embeddings that give their rows times a factor, or never train one: scores equal autograd's."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest

from tests.measures.test_layers import expected, queries_of
from tests.tiny_models import biogpt, gemma3, tiny_run
from wordtrace.gradients.layers import known_layers, unknown_layers
from wordtrace.gradients.stream import gradient_stream
from wordtrace.measures.names import measure

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

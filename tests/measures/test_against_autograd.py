"""Invariant 1: scores equal dot products of dense gradients from plain autograd."""

from __future__ import annotations

import numpy as np
import pytest

from tests.oracles import dense
from tests.oracles.weights import since
from wordtrace import api
from wordtrace.asking.asker import Asker
from wordtrace.measures.protocol import Queries


def queries_of(run: api.Run, texts: list[str]) -> Queries:
    return Asker(run).queries(texts, ["film", "money", "sport", "film"])


def oracle(run: api.Run, queries: Queries, gradient) -> np.ndarray:
    """Σ_c η_c <∇ℓ(x), ∇ℓ(x′)> with full gradients."""
    scores = np.zeros((len(queries), len(run.train)))
    for checkpoint in run.checkpoints:
        model = run.model(checkpoint)
        asked = [
            gradient(model, queries.encoded[q].tolist(), int(queries.labels[q]))
            for q in range(len(queries))
        ]
        for row in range(len(run.train)):
            held = gradient(model, run.encoded[row].tolist(), int(run.train.labels[row]))
            for q, one in enumerate(asked):
                dot = sum(float((a * b).sum()) for a, b in zip(one, held, strict=True))
                scores[q, row] += since(run, checkpoint) * dot
    return scores


CASES = {
    "tracin-we": lambda m, ids, label: (dense.embedding_weight_gradient(m, ids, label),),
    "tracin-we-topk": lambda m, ids, label: (dense.top_k_gradient(m, ids, label, 4),),
    "tracin-last": lambda m, ids, label: dense.last_layer_gradient(m, ids, label)[:1],
    "tracin-last+bias": dense.last_layer_gradient,
}


@pytest.mark.proves("tracin-we", "tracin-we-topk")
@pytest.mark.parametrize("name", CASES)
def test_scores_equal_dense_gradients(run: api.Run, queries: list[str], name: str) -> None:
    asked = queries_of(run, queries)
    rates = [checkpoint.learning_rate for checkpoint in run.checkpoints]
    assert len(set(rates)) == 3
    assert 1.0 not in rates
    expected = oracle(run, asked, CASES[name])
    assert np.abs(expected).max() > 1e-4
    found = Asker(run).ask(asked, name, top_k=4).scores()
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=2e-4, atol=2e-6 * np.abs(expected).max())


@pytest.mark.parametrize(
    ("name", "fixture"), [("tracin-we", "full_index"), ("tracin-we-topk", "index")]
)
def test_an_index_gives_what_the_stream_gives(
    run: api.Run, queries: list[str], name: str, fixture: str, request: pytest.FixtureRequest
) -> None:
    opened = request.getfixturevalue(fixture)
    asked = queries_of(run, queries)
    streamed = Asker(run).ask(asked, name, top_k=4).scores()
    indexed = Asker(run, opened.folder).ask(asked, name).scores()
    np.testing.assert_allclose(indexed, streamed, rtol=1e-5, atol=1e-6 * np.abs(streamed).max())


def test_self_influence_equals_dense_gradients(run: api.Run, index: api.Index) -> None:
    for name, k in (("self_influence", 10**6), ("self_influence_topk", 4)):
        expected = np.zeros(len(run.train))
        for place, checkpoint in enumerate(run.checkpoints):
            model = run.model(checkpoint)
            here = np.array(
                [
                    float(
                        dense.top_k_gradient(
                            model, run.encoded[row].tolist(), int(run.train.labels[row]), k
                        )
                        .square()
                        .sum()
                    )
                    for row in range(len(run.train))
                ]
            )
            np.testing.assert_allclose(
                index.folder.column(f"{name}_{place}"), here, rtol=1e-3, atol=1e-6 * here.max()
            )
            expected += since(run, checkpoint) * here
        found = index.folder.column(name)
        assert (found >= 0).all()
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-6 * expected.max())


def test_captum_agrees(run: api.Run, queries: list[str]) -> None:
    """Captum's TracInCP restricted to the embedding layer, with a loader that gives our rates."""
    import torch
    from captum.influence import TracInCP
    from torch.utils.data import DataLoader, TensorDataset

    from wordtrace.models.cnn import CNN

    asked = queries_of(run, queries)
    ids, mask = run.encoded.padded(np.arange(len(run.train)))
    data = TensorDataset(
        torch.from_numpy(ids), torch.from_numpy(mask), torch.from_numpy(run.train.labels)
    )
    model = CNN(run.config)

    def load(module: CNN, checkpoint) -> float:
        run.load_into(module, checkpoint)
        return since(run, checkpoint)

    captum = TracInCP(
        model,
        DataLoader(data, batch_size=len(data)),
        run.checkpoints,
        load,
        layers=["embedding"],
        loss_fn=torch.nn.CrossEntropyLoss(reduction="none"),
    )
    padded, where = asked.encoded.padded(np.arange(len(asked)))
    expected = captum.influence(
        (torch.from_numpy(padded), torch.from_numpy(where), torch.from_numpy(asked.labels))
    ).numpy()
    found = Asker(run).ask(asked, "tracin-we").scores()
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-5 * np.abs(expected).max())

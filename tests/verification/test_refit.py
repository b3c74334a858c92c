"""The fast retraining loop against autograd and torch.optim.SGD on the dense table."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.oracles.dense import PlainCNN
from wordtrace import api
from wordtrace.errors import NumericalError
from wordtrace.models import predict
from wordtrace.models.cnn import CNN, CNNConfig
from wordtrace.models.flat_cnn import FlatCNN, lay
from wordtrace.retrainers import lazy_rows
from wordtrace.retrainers.lazy_rows import LazyRows
from wordtrace.retrainers.refit import refit
from wordtrace.training.fit import Training, fit


@settings(max_examples=40)
@given(
    st.integers(0, 10**6),
    st.sampled_from([0.0, 0.5, 0.9]),
    st.sampled_from([0.0, 0.03]),
    st.integers(1, 40),
)
def test_lazy_rows_are_dense_sgd_with_momentum(
    seed: int, momentum: float, decay: float, steps: int
) -> None:
    generator = np.random.default_rng(seed)
    start = torch.from_numpy(generator.normal(size=(12, 3)).astype(np.float32))
    dense = torch.nn.Parameter(start.clone())
    optimizer = torch.optim.SGD([dense], lr=1, momentum=momentum, weight_decay=decay)
    lazy = LazyRows(start, momentum, decay)
    for _ in range(steps):
        rows = torch.from_numpy(np.sort(generator.choice(12, generator.integers(1, 5), False)))
        state = lazy.read(rows)
        torch.testing.assert_close(state[:, 0], dense.detach()[rows], rtol=1e-4, atol=1e-5)
        gradient = torch.from_numpy(generator.normal(size=(len(rows), 3)).astype(np.float32))
        rate = float(generator.uniform(0.001, 0.2))
        dense.grad = torch.zeros_like(dense).index_copy(0, rows, gradient)
        optimizer.param_groups[0]["lr"] = rate
        optimizer.step()
        lazy.step(rows, state, gradient, rate)
    torch.testing.assert_close(lazy.settle(), dense.detach(), rtol=1e-4, atol=1e-5)


def test_many_steps_are_settled_in_between(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lazy_rows, "_MOST", 5)
    test_lazy_rows_are_dense_sgd_with_momentum.hypothesis.inner_test(3, 0.9, 0.03, 33)


@pytest.mark.parametrize("widths", [(5, 5, 1), (3,), (1, 7)])
def test_the_flat_cnn_equals_autograd(run: api.Run, widths: tuple[int, ...]) -> None:
    """Against torch's own layers, text by text; texts of one token, of equal words, and long."""
    config = CNNConfig(run.tokenizer.size, 3, dim=6, filters=4, widths=widths)
    model = CNN(config)
    model.initialise(8)
    for layer in model.convolutions:  # so that the biases matter
        layer.bias.data.uniform_(-0.2, 0.3)
    texts = ["goal", "goal goal goal goal goal goal goal goal", *run.train.texts[:4]]
    encoded = run.tokenizer.encode(texts)
    labels = torch.tensor([0, 2, 1, 0, 1, 2])
    factors = torch.tensor([0.5, 0.25, 0.0, 1.5, 0.75, 0.3])
    plain = PlainCNN(model)
    scores = torch.cat([plain(torch.tensor(encoded[i][None]).long()) for i in range(len(texts))])
    losses = torch.nn.functional.cross_entropy(scores, labels, reduction="none")
    (losses * factors).sum().backward()

    flat = FlatCNN(model)
    rows = np.arange(len(texts))
    layout = lay(encoded, rows, flat.gap)
    with torch.no_grad():
        vectors = flat.embedding[layout.tokens]
        found, gradient = flat.backward(layout, vectors, labels, factors)
    torch.testing.assert_close(found, losses.detach(), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(flat.predict(encoded, 4), scores.detach().numpy(), atol=1e-5)
    by_name = dict(plain.named_parameters())
    embedding = next(value for value in by_name.values() if value.shape == (config.vocabulary, 6))
    expected = embedding.grad[layout.tokens]
    assert float(expected.abs().max()) > 1e-3
    torch.testing.assert_close(gradient, expected, rtol=1e-4, atol=1e-6)
    kernels = [p for p in by_name.values() if p.dim() == 3]
    parts = [
        part
        for kernel in kernels
        for part in (kernel.grad.permute(1, 2, 0).reshape(-1), None)
        if part is not None
    ]
    assert len(parts) == len(widths)
    views = flat._grad
    for depth, part in enumerate(parts):
        torch.testing.assert_close(views[2 * depth].reshape(-1), part, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("decay", [0.0, 0.01])
def test_a_refit_equals_the_reference_loop(run: api.Run, decay: float) -> None:
    recipe = replace(run.recipe, seed=91, weight_decay=decay)
    weights = np.ones(len(run.train), np.float32)
    weights[[2, 30, 31]] = 0
    model = CNN(run.config)
    model.initialise(91)
    flat = refit(model, run.encoded, run.train.labels, recipe, weights, 30)
    start = model.embedding.weight.detach().clone()
    fit(Training(model), run.encoded, run.train.labels, recipe, weights=weights, last_step=30)
    assert float((model.embedding.weight.detach() - start).abs().max()) > 0.01
    torch.testing.assert_close(
        flat.embedding, model.embedding.weight.detach(), rtol=1e-3, atol=1e-5
    )
    probed = run.tokenizer.encode(run.train.texts[:9])
    expected = predict.logits(model.eval(), probed)
    np.testing.assert_allclose(flat.predict(probed), expected, atol=1e-4)


def test_frozen_embeddings_stay_in_every_loop(run: api.Run) -> None:
    recipe = replace(run.recipe, seed=91, weight_decay=0.01, freeze_embeddings=True)
    weights = np.ones(len(run.train), np.float32)
    model = CNN(run.config)
    model.initialise(91)
    start = {name: one.clone() for name, one in model.state_dict().items()}
    flat = refit(model, run.encoded, run.train.labels, recipe, weights, 30)
    fit(Training(model), run.encoded, run.train.labels, recipe, last_step=30)
    trained = model.state_dict()
    assert torch.equal(trained["embedding.weight"], start["embedding.weight"])
    assert torch.equal(flat.embedding, start["embedding.weight"])
    assert not torch.equal(trained["linear.weight"], start["linear.weight"])
    assert all(one.requires_grad for one in model.parameters())
    probed = run.tokenizer.encode(run.train.texts[:9])
    np.testing.assert_allclose(
        flat.predict(probed), predict.logits(model.eval(), probed), atol=1e-4
    )


def test_a_loss_that_is_not_finite_ends_it(run: api.Run) -> None:
    model = CNN(run.config)
    model.initialise(1)
    weights = np.ones(len(run.train), np.float32)
    recipe = replace(run.recipe, learning_rate=1e30)
    with pytest.raises(NumericalError, match=r"not finite at step \d+ .* lower learning_rate"):
        refit(model, run.encoded, run.train.labels, recipe, weights, 40)

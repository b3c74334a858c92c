"""Influence functions and representer points against SciPy, scikit-learn and plain autograd."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import linalg, sparse
from sklearn.linear_model import LogisticRegression

from tests.measures.test_layers import any_run, queries_of  # noqa: F401
from tests.oracles import dense
from wordtrace import api
from wordtrace.errors import InputError, NumericalError
from wordtrace.gradients.last_layer import factors
from wordtrace.measures import solve
from wordtrace.measures.influence_functions import (
    InfluenceLast,
    InfluenceLayer,
    last_layer_hessian,
    last_layer_product,
)
from wordtrace.measures.protocol import Queries
from wordtrace.measures.representer import Representer, fit, probabilities
from wordtrace.models import predict
from wordtrace.models.cnn import CNN


def losses(
    theta: torch.Tensor, a: torch.Tensor, labels: torch.Tensor, offset: torch.Tensor | float = 0.0
) -> torch.Tensor:
    scores = a @ theta.view(-1, a.shape[1]).T + offset
    return torch.nn.functional.cross_entropy(scores, labels, reduction="none")


def last_layer(run, *, bias: bool) -> tuple[torch.Tensor, torch.Tensor]:
    """The final model's last layer as one vector, and what it is given, float64."""
    model = run.model(run.final)
    layer = model.module.get_submodule(model.named_layers["last"][0])
    a = torch.from_numpy(predict.last_layer_inputs(model, run.encoded)).double()
    theta = layer.weight.double()
    if bias:
        a = torch.cat([a, torch.ones(len(a), 1)], 1)
        theta = torch.cat([theta, layer.bias.double()[:, None]], 1)
    return theta.flatten().detach(), a


@pytest.mark.proves("influence-last")
@pytest.mark.parametrize("name", ["influence-last", "influence-last+bias"])
def test_influence_on_the_last_layer_against_autograds_hessian(run: api.Run, name: str) -> None:
    bias = name.endswith("+bias")
    theta, a = last_layer(run, bias=bias)
    labels = torch.from_numpy(run.train.labels)
    offset = 0.0 if bias else run.model(run.final).linear.bias.double()

    def each(flat: torch.Tensor) -> torch.Tensor:
        return losses(flat, a, labels, offset)

    hessian = torch.autograd.functional.hessian(lambda flat: each(flat).mean(), theta).numpy()
    gradients = torch.autograd.functional.jacobian(each, theta).numpy()
    assert np.linalg.eigvalsh(hessian).min() < 1e-12  # a null space, hence the damping
    for damping in (0.02, None):
        used = 0.1 * np.trace(hessian) / len(hessian) if damping is None else damping
        right = gradients[:6] @ linalg.solve(
            hessian + used * np.eye(len(hessian)), gradients.T, assume_a="pos"
        )
        queries = api.Examples.of(run.train.texts[:6], run.train.labels[:6], run.label_names)
        found = api.influence(run, queries, name, damping=damping)
        np.testing.assert_allclose(found, right, rtol=1e-3, atol=1e-5 * np.abs(right).max())


def test_the_closed_forms_are_autograds(any_run) -> None:  # noqa: F811
    theta, a = last_layer(any_run, bias=False)
    labels = torch.from_numpy(any_run.train.labels)
    expected = torch.autograd.functional.hessian(lambda t: losses(t, a, labels).mean(), theta)
    p = torch.softmax(a @ theta.view(-1, a.shape[1]).T, 1).numpy()
    np.testing.assert_allclose(last_layer_hessian(a.numpy(), p), expected, rtol=1e-6, atol=1e-12)
    vectors = np.random.default_rng(0).standard_normal((3, len(theta)))
    np.testing.assert_allclose(
        last_layer_product(a.numpy(), p, vectors), vectors @ expected.numpy(), rtol=1e-6, atol=1e-9
    )
    model = any_run.model(any_run.final)
    _, delta = factors(model, any_run.encoded, any_run.train.labels)
    chances = torch.softmax(
        torch.stack([dense.class_scores(model, any_run.encoded[row].tolist()) for row in range(5)]),
        1,
    )
    chances[torch.arange(5), labels[:5]] -= 1
    np.testing.assert_allclose(delta[:5], chances, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize(
    ("make", "memory"),
    [
        (lambda m: InfluenceLast(memory=m), 10_000),
        # With the roots kept, and computed at each step.
        (lambda m: InfluenceLayer("convolutions.1", True, memory=m), 2 << 20),
        (lambda m: InfluenceLayer("convolutions.1", True, memory=m), 1 << 20),
    ],
)
def test_conjugate_gradients_give_what_cholesky_gives(
    run: api.Run, make, memory: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    queries = queries_of(run)
    right = make(1 << 30).score(run, queries)
    with monkeypatch.context() as patch:
        patch.setattr(solve, "cholesky", lambda *given: pytest.fail("formed the Hessian"))
        found = make(memory).score(run, queries)
        np.testing.assert_allclose(found, right, rtol=1e-3, atol=1e-4 * np.abs(right).max())


@pytest.mark.proves("influence:LAYER")
@pytest.mark.parametrize("layer", ["convolutions.1", "linear"])
@pytest.mark.parametrize("bias", [False, True])
def test_influence_on_a_layer_against_an_explicit_gauss_newton_matrix(
    run: api.Run, layer: str, bias: bool
) -> None:
    model = run.model(run.final)
    names = [f"{layer}.weight", *([f"{layer}.bias"] if bias else [])]

    def jacobian(ids: list[int]) -> tuple[np.ndarray, np.ndarray]:
        module = dense.PlainCNN(model).double()
        scores = module(torch.tensor([ids]))[0]
        wanted = [dict(module.named_parameters())[name] for name in names]
        rows = [torch.autograd.grad(one, wanted, retain_graph=True) for one in scores]
        flat = [torch.cat([part.flatten() for part in row]).numpy() for row in rows]
        return np.stack(flat), torch.softmax(scores, 0).detach().numpy()

    matrix, gradients = 0, []
    for row in range(len(run.train)):
        j, p = jacobian(run.encoded[row].tolist())
        matrix = matrix + j.T @ (np.diag(p) - np.outer(p, p)) @ j / len(run.train)
        p[run.train.labels[row]] -= 1
        gradients.append(p @ j)
    everything = Queries(run.train.texts, None, run.train.labels, run.encoded)
    found = InfluenceLayer(layer, bias, damping=0.03).score(run, everything)
    held = np.stack(gradients)
    right = held @ linalg.solve(matrix + 0.03 * np.eye(len(matrix)), held.T, assume_a="pos")
    np.testing.assert_allclose(found, right, rtol=2e-3, atol=1e-5 * np.abs(right).max())


def test_conjugate_gradients_against_scipy() -> None:
    generator = np.random.default_rng(1)
    root = generator.standard_normal((30, 20))
    matrix, right = root.T @ root / 30, generator.standard_normal((4, 20))
    right[2] = 0
    found = solve.conjugate_gradients(lambda v: v @ matrix, 0.05, right)
    expected = sparse.linalg.cg(matrix + 0.05 * np.eye(20), right[0], rtol=1e-10)[0]
    np.testing.assert_allclose(found[0], expected, rtol=1e-4)
    np.testing.assert_allclose(found @ (matrix + 0.05 * np.eye(20)), right, atol=1e-4)
    with pytest.raises(NumericalError, match="did not converge in 2 iterations"):
        solve.conjugate_gradients(lambda v: v @ matrix, 0.0, right, most=2)


def test_a_singular_hessian_asks_for_damping(run: api.Run) -> None:
    with pytest.raises(NumericalError, match="give a larger damping"):
        InfluenceLast(damping=0.0).score(run, queries_of(run))
    with pytest.raises(InputError, match="damping is -1"):
        api.influence(run, "goal", "influence-last", damping=-1)


def test_the_fit_is_scikit_learns(any_run) -> None:  # noqa: F811
    _, a = last_layer(any_run, bias=False)
    labels = any_run.train.labels
    theta = fit(a.numpy(), labels, 3, l2=0.01)
    # (1/n) Σℓ + λ‖Θ‖²  =  (Σℓ · C + ½‖Θ‖²) · 2λ  with C = 1 / (2λn)
    other = LogisticRegression(
        C=1 / (2 * 0.01 * len(a)), fit_intercept=False, tol=1e-10, max_iter=10_000
    ).fit(a.numpy(), labels)
    np.testing.assert_allclose(
        probabilities(a.numpy(), theta), other.predict_proba(a.numpy()), atol=1e-4
    )


@pytest.mark.proves("representer")
@pytest.mark.parametrize("bias", [False, True])
def test_representer_points_sum_to_the_fitted_logit(any_run, bias: bool) -> None:  # noqa: F811
    """Eq. 1: f_j(x′) = Σ_i −(1/2λn) ∂ℓ_i/∂f_j (a_i · a′)."""
    model, queries = any_run.model(any_run.final), queries_of(any_run)
    scores = Representer(0.01, bias).score(any_run, queries)
    a = predict.last_layer_inputs(model, any_run.encoded).astype(np.float64)
    asked = predict.last_layer_inputs(model, queries.encoded).astype(np.float64)
    if bias:
        a, asked = (np.concatenate([x, np.ones((len(x), 1))], 1) for x in (a, asked))
    theta = fit(a, any_run.train.labels, 3, 0.01)
    logits = (asked @ theta.T)[np.arange(len(queries)), queries.labels]
    assert np.abs(logits).max() > 0.01
    np.testing.assert_allclose(scores.sum(1), logits, rtol=1e-3, atol=1e-4)
    # Proponents of a label are rows of that label, where the features agree.
    same = any_run.train.labels[None] == queries.labels[:, None]
    agree = asked @ a.T > 0
    assert (scores[same & agree] >= 0).all()
    assert (scores[~same & agree] <= 0).all()


def test_a_label_that_no_row_has_can_be_asked_for(run: api.Run) -> None:
    """One class missing among the training rows' batch, and in the query."""
    from wordtrace.measures.names import MEASURES, measure

    for name in MEASURES:
        scores = measure(name).score(run, queries_of(run).take(np.array([3])))
        assert np.isfinite(scores).all(), name


def test_captum_agrees_on_influence_functions(run: api.Run) -> None:
    """Captum's exact one. Its Hessian is of the summed loss, n times the mean's."""
    from captum.influence._core.influence_function import NaiveInfluenceFunction
    from torch.utils.data import DataLoader, TensorDataset

    def tensors(encoded, labels) -> tuple[torch.Tensor, ...]:
        ids, mask = encoded.padded(np.arange(len(labels)))
        return torch.from_numpy(ids), torch.from_numpy(mask), torch.from_numpy(labels)

    def load(module: CNN, checkpoint) -> float:
        run.load_into(module, checkpoint)
        return checkpoint.learning_rate

    damping, count = 0.05, len(run.train)
    model = CNN(run.config)
    captum = NaiveInfluenceFunction(
        model,
        DataLoader(TensorDataset(*tensors(run.encoded, run.train.labels)), batch_size=count),
        run.final,
        load,
        layers=["linear"],
        loss_fn=torch.nn.CrossEntropyLoss(reduction="none"),
        projection_dim=sum(one.numel() for one in model.linear.parameters()),
        hessian_reg=damping * count,
        hessian_inverse_tol=0.0,
    )
    queries = queries_of(run)
    right = captum.influence(tensors(queries.encoded, queries.labels)).numpy() * count
    found = InfluenceLast(True, damping).score(run, queries)
    np.testing.assert_allclose(found, right, rtol=5e-3, atol=1e-3 * np.abs(right).max())

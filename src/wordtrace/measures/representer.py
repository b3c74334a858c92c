"""Representer points (Eq. 1): the last layer's outputs as a sum over training examples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from wordtrace.errors import NumericalError, option
from wordtrace.measures.influence_functions import last_layer_product
from wordtrace.measures.protocol import About, Queries, Scores
from wordtrace.models import predict
from wordtrace.run.run import Run

FloatMatrix = npt.NDArray[np.float64]

#: The fit's gradient must fall below this share of its size at Θ = 0.
STATIONARY = 1e-6


@dataclass(frozen=True)
class Representer:
    """−(1/2λn) ∂ℓ(x)/∂f_j · (a · a′) for the query's label j, with the last layer fitted anew.

    The theorem holds only at a stationary point of (1/n) Σℓ + λ‖Θ‖², so Θ is fitted anew on the
    final model's features a (Yeh et al. 2018); there is no bias outside the penalty. The scores of
    a query then sum to the fitted logit f_j(x′).

    Attributes
    ----------
    l2
        λ.
    bias
        Append a constant 1 to a: this adds a bias, which is penalised too.
    """

    l2: float = 0.003
    bias: bool = False

    about: ClassVar = About(
        equation="−(1/2λn) ∂ℓ/∂f_j · (a · a′) (Eq. 1)",
        needs="the final model, whose last layer is fitted anew",
        cost="n forward passes, the fit of one softmax layer, and one matrix product",
        reads_texts=False,
    )

    def score(self, run: Run, queries: Queries) -> Scores:
        """Return influences, float32, shape (queries, examples).

        Raises
        ------
        NumericalError
            When the fit does not reach a stationary point.
        """
        run.require_classes("representer")
        model = run.model(run.final)
        a = self._features(predict.last_layer_inputs(model, run.encoded))
        asked = self._features(predict.last_layer_inputs(model, queries.encoded))
        labels = run.train.labels
        theta = fit(a, labels, len(run.label_names), self.l2)
        alpha = probabilities(a, theta)
        alpha[np.arange(len(a)), labels] -= 1
        alpha /= -2 * self.l2 * len(a)
        scores: Scores = ((asked @ a.T) * alpha[:, queries.labels].T).astype(np.float32)
        return scores

    def _features(self, inputs: npt.NDArray[np.float32]) -> FloatMatrix:
        wide = inputs.astype(np.float64)
        return np.concatenate([wide, np.ones((len(wide), 1))], 1) if self.bias else wide


def fit(a: FloatMatrix, labels: npt.NDArray[np.int64], classes: int, l2: float) -> FloatMatrix:
    """Minimise (1/n) Σ_i ℓ(Θ a_i, y_i) + λ‖Θ‖² by Newton's method.

    Returns
    -------
    theta
        The fitted weights, shape (classes, features).

    Raises
    ------
    NumericalError
        When the gradient does not fall to 1e-6 of its size at Θ = 0.
    """
    from scipy import optimize

    count, features = a.shape
    target = np.zeros((count, classes))
    target[np.arange(count), labels] = 1

    def value(flat: FloatMatrix) -> tuple[float, FloatMatrix]:
        theta = flat.reshape(classes, features)
        scores = a @ theta.T
        top = scores.max(1, keepdims=True)
        log_sum = top + np.log(np.exp(scores - top).sum(1, keepdims=True))
        loss = float((log_sum[:, 0] - (scores * target).sum(1)).mean())
        gradient = (np.exp(scores - log_sum) - target).T @ a / count
        return loss + l2 * float(flat @ flat), (gradient + 2 * l2 * theta).ravel()

    def curvature(flat: FloatMatrix, direction: FloatMatrix) -> FloatMatrix:
        p = probabilities(a, flat.reshape(classes, features))
        return np.asarray(last_layer_product(a, p, direction[None])[0] + 2 * l2 * direction)

    start = np.zeros(classes * features)
    found = optimize.minimize(
        value, start, jac=True, hessp=curvature, method="trust-ncg", options={"gtol": 1e-10}
    )
    left, whole = np.linalg.norm(value(found.x)[1]), np.linalg.norm(value(start)[1])
    if not left <= STATIONARY * max(float(whole), 1e-12):
        raise NumericalError(
            f"the last layer's fit with l2 {l2:g} did not reach a stationary point (gradient "
            f"{left:.1e}, at the start {whole:.1e}); give a larger {option('l2')}."
        )
    theta: FloatMatrix = np.asarray(found.x, np.float64).reshape(classes, features)
    return theta


def probabilities(a: FloatMatrix, theta: FloatMatrix) -> FloatMatrix:
    """Return softmax(Θ a) of each example, shape (examples, classes)."""
    scores = a @ theta.T
    scores = np.exp(scores - scores.max(1, keepdims=True))
    return np.asarray(scores / scores.sum(1, keepdims=True), np.float64)

"""Influence functions +∇ℓ(x)ᵀ (H + λI)⁻¹ ∇ℓ(x′), at the final weights."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from wordtrace.data.batches import by_length
from wordtrace.errors import InputError
from wordtrace.execute.progress import track
from wordtrace.gradients.last_layer import factors
from wordtrace.gradients.layer_gradients import LookupGradients, ProductGradients, ScaleGradients
from wordtrace.gradients.layers import find_layers, layer_gradients
from wordtrace.measures import solve
from wordtrace.measures.protocol import About, Queries, Scores
from wordtrace.models import predict
from wordtrace.models.alone import alone
from wordtrace.models.protocol import Batch, TextModel, to_batch
from wordtrace.run.run import Run

FloatMatrix = npt.NDArray[np.float64]

_CHUNK = 8192


@dataclass(frozen=True)
class InfluenceLast:
    """Influence functions on the last linear layer, with the exact Hessian, a mean over examples.

    H = (1/n) Σ_i (diag(p_i) − p_i p_iᵀ) ⊗ a_i a_iᵀ. It has a null space (the same vector added to
    all classes changes no probability), hence the damping. The system is solved by Cholesky where H
    fits in the memory, else by conjugate gradients.

    Attributes
    ----------
    bias
        Count the layer's bias too: a constant 1 is appended to a.
    damping
        λ; None takes `times` the mean of H's eigenvalues.
    memory
        Bytes of working memory.
    times
        See `damping`.
    """

    bias: bool = False
    damping: float | None = None
    memory: int = 1 << 30
    times: float = 0.1

    about: ClassVar = About(
        equation="∇ℓᵀ (H + λI)⁻¹ ∇ℓ′, H the exact Hessian of the last layer (section 2.1)",
        needs="the final model",
        cost="n forward passes; n · size² for H and size³ to solve, size = classes · features; "
        "conjugate gradients where H does not fit in the memory",
        reads_texts=False,
    )

    def score(self, run: Run, queries: Queries) -> Scores:
        """Return influences, float32, shape (queries, examples)."""
        run.require_classes("influence-last")
        model = plain(run.model(run.final))
        a, delta = _with_constant(*factors(model, run.encoded, run.train.labels), self.bias)
        asked, asked_delta = _with_constant(
            *factors(model, queries.encoded, queries.labels), self.bias
        )
        p = delta.copy()
        p[np.arange(len(p)), run.train.labels] += 1
        classes, features = delta.shape[1], a.shape[1]
        size = classes * features
        right = (asked_delta[:, :, None] * asked[:, None, :]).reshape(len(asked), size)
        trace = float(((p * (1 - p)).sum(1) * np.square(a).sum(1)).mean())
        damping = solve.damping_of(trace, size, self.damping, self.times)
        if 16 * size * size <= self.memory:
            solved = solve.cholesky(last_layer_hessian(a, p), damping, right)
        else:
            solved = solve.conjugate_gradients(
                lambda vectors: last_layer_product(a, p, vectors), damping, right
            )
        scores = np.empty((len(queries), len(a)), np.float32)
        by_class = solved.reshape(len(queries), classes, features)
        for start in range(0, len(a), _CHUNK):
            end = start + _CHUNK
            outputs = np.einsum("qcf,nf->qnc", by_class, a[start:end], optimize=True)
            scores[:, start:end] = np.einsum("qnc,nc->qn", outputs, delta[start:end])
        return scores


def last_layer_hessian(a: FloatMatrix, p: FloatMatrix) -> FloatMatrix:
    """Return (1/n) Σ_i (diag(p_i) − p_i p_iᵀ) ⊗ a_i a_iᵀ, shape (classes · features,) squared."""
    count, features = a.shape
    classes = p.shape[1]
    hessian = np.empty((classes, features, classes, features))
    for one in range(classes):
        for two in range(one, classes):
            weight = (p[:, one] * ((one == two) - p[:, two])) / count
            block = (a * weight[:, None]).T @ a
            hessian[one, :, two] = block
            hessian[two, :, one] = block.T
    return hessian.reshape(classes * features, classes * features)


def last_layer_product(a: FloatMatrix, p: FloatMatrix, vectors: FloatMatrix) -> FloatMatrix:
    """Return V H without forming H; V has shape (columns, classes · features)."""
    by_class = vectors.reshape(len(vectors), p.shape[1], a.shape[1])
    total = np.zeros_like(by_class)
    for start in range(0, len(a), _CHUNK):
        inputs, chances = a[start : start + _CHUNK], p[start : start + _CHUNK]
        outputs = np.matmul(inputs, by_class.transpose(0, 2, 1))
        outputs = chances * (outputs - (chances * outputs).sum(2, keepdims=True))
        total += np.matmul(outputs.transpose(0, 2, 1), inputs)
    return total.reshape(vectors.shape) / len(a)


@dataclass(frozen=True)
class InfluenceLayer:
    """Influence functions on one named small layer, with the Gauss–Newton matrix as the Hessian.

    Inside a network the Hessian can be indefinite, so H = (1/n) Σ_i J_iᵀ (diag(p_i) − p_i p_iᵀ) J_i
    with J = ∂f/∂W is used. The system is solved by Cholesky where H fits in the memory, else by
    conjugate gradients.

    Attributes
    ----------
    layer
        A module's name.
    bias, damping, memory, times
        See :class:`InfluenceLast`.
    """

    layer: str
    bias: bool = False
    damping: float | None = None
    memory: int = 1 << 30
    times: float = 0.1

    about: ClassVar = About(
        equation="∇ℓᵀ (G + λI)⁻¹ ∇ℓ′, G the Gauss–Newton matrix of one layer",
        needs="the final model",
        cost="n · (classes + 1) backward passes; n · classes · size² for G and size³ to solve; "
        "conjugate gradients where G does not fit in the memory",
        reads_texts=False,
    )

    def score(self, run: Run, queries: Queries) -> Scores:
        """Return influences, float32, shape (queries, examples).

        Raises
        ------
        InputError
            For an unknown layer, or an embedding.
        """
        run.require_classes(f"influence:{self.layer}")
        model = plain(run.model(run.final))
        modules = find_layers(model, [self.layer])
        if isinstance(modules[self.layer], nn.Embedding):
            raise InputError(
                f"{self.layer!r} is an embedding, too large for influence functions; "
                "name a linear or convolution layer."
            )

        def gradients(batch: Batch) -> FloatMatrix:
            return _flat(model, modules, batch, self.bias, None).numpy().astype(np.float64)

        device = predict.device_of(model)
        rows = np.arange(len(queries))
        right = gradients(to_batch(queries.encoded, queries.labels, rows, device))
        size, count = right.shape[1], len(run.train)

        def roots() -> Iterator[FloatMatrix]:
            for chosen in by_length(run.encoded.lengths, _batch(size, self.memory), 1 << 13):
                batch = to_batch(run.encoded, run.train.labels, chosen, device)
                yield _roots(model, modules, batch, self.bias)

        solved = self._solve(roots, right, size, count, len(run.label_names))
        scores = np.empty((len(queries), count), np.float32)
        with track("Gradients", count, "gradients") as advance:
            for chosen in by_length(run.encoded.lengths, _batch(size, self.memory), 1 << 13):
                found = gradients(to_batch(run.encoded, run.train.labels, chosen, device))
                scores[:, chosen] = solved @ found.T
                advance(len(chosen))
        return scores

    def _solve(
        self,
        roots: Callable[[], Iterator[FloatMatrix]],
        right: FloatMatrix,
        size: int,
        count: int,
        classes: int,
    ) -> FloatMatrix:
        """Solve with G in memory if it fits, else with its roots, else with roots computed anew."""
        if 16 * size * size <= self.memory:
            matrix = np.zeros((size, size))
            with track("Gauss–Newton", count, "examples") as advance:
                for root in roots():
                    matrix += root.T @ root / count
                    advance(len(root) // classes)
            damping = solve.damping_of(float(np.trace(matrix)), size, self.damping, self.times)
            return solve.cholesky(matrix, damping, right)
        kept = list(roots()) if 8 * size * count * classes <= self.memory else None

        def product(vectors: FloatMatrix) -> FloatMatrix:
            total = np.zeros_like(vectors)
            for root in kept if kept is not None else roots():
                total += (vectors @ root.T) @ root
            return total / count

        trace = sum(float(np.square(root).sum()) for root in kept or roots()) / count
        damping = solve.damping_of(trace, size, self.damping, self.times)
        return solve.conjugate_gradients(product, damping, right)


def _roots(
    model: TextModel, modules: dict[str, nn.Module], batch: Batch, bias: bool
) -> FloatMatrix:
    """Return M with MᵀM = Σ_i J_iᵀ (diag(p_i) − p_i p_iᵀ) J_i, shape (batch · classes, size).

    diag(p) − p pᵀ = D (I − s sᵀ) D with s = √p and D = diag(s), and I − s sᵀ is its own square.
    """
    with torch.no_grad(), alone(model):
        s = torch.softmax(model.logits(batch).double(), 1).sqrt()
    jacobian = torch.stack(
        [_flat(model, modules, batch, bias, column).double() for column in range(s.shape[1])], 1
    )
    jacobian *= s.unsqueeze(2)
    jacobian -= s.unsqueeze(2) * (s.unsqueeze(2) * jacobian).sum(1, keepdim=True)
    found: FloatMatrix = jacobian.flatten(0, 1).numpy()
    return found


def _flat(
    model: TextModel, modules: dict[str, nn.Module], batch: Batch, bias: bool, column: int | None
) -> Tensor:
    """Return each example's gradient of the loss, or of one logit, shape (batch, size)."""
    objective = None if column is None else lambda logits, batch: logits[:, column]
    (found,) = layer_gradients(model, batch, modules, objective).layers.values()
    assert isinstance(found, ProductGradients | ScaleGradients)
    assert not isinstance(found, LookupGradients)
    return (torch.cat([found.weight, found.bias], 1) if bias else found.weight).cpu()


def _batch(size: int, memory: int) -> int:
    return max(1, min(256, memory // (256 * size)))


def _with_constant(
    a: npt.NDArray[np.float32], delta: npt.NDArray[np.float32], bias: bool
) -> tuple[FloatMatrix, FloatMatrix]:
    wide = a.astype(np.float64)
    if bias:
        wide = np.concatenate([wide, np.ones((len(wide), 1))], 1)
    return wide, delta.astype(np.float64)


def plain(model: TextModel) -> TextModel:
    """Refuse a model for whose loss this Hessian is wrong (InputError)."""
    if getattr(model.outputs, "targets", None) is not None:
        raise InputError(
            "influence functions know plain cross-entropy; the run was trained with smoothed "
            "labels or weighted classes. Take a measure of TracIn."
        )
    return model

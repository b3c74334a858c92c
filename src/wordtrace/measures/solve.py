"""Solving (H + λI) X = G for a Hessian that is a mean over examples."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from wordtrace.errors import NumericalError, option
from wordtrace.execute.progress import track

FloatMatrix = npt.NDArray[np.float64]

#: Conjugate gradients stop at this residual, relative to the right-hand side.
TOLERANCE = 1e-6


def damping_of(trace: float, size: int, damping: float | None, times: float = 0.1) -> float:
    """Return λ: the one given, else `times` the mean of the Hessian's eigenvalues."""
    return times * trace / size if damping is None else damping


class Cholesky:
    """H + λI factorised, to solve (H + λI) X = G exactly for any number of right-hand sides.

    Parameters
    ----------
    hessian
        Shape (size, size), symmetric, positive semi-definite; overwritten. Below the diagonal it
        is not read.

    Raises
    ------
    NumericalError
        When the damped Hessian is singular.
    """

    def __init__(self, hessian: FloatMatrix, damping: float) -> None:
        self._factor = _factor(hessian, damping)

    def solve(self, right: FloatMatrix) -> FloatMatrix:
        """Return the solution for right-hand sides, both of shape (columns, size)."""
        from scipy import linalg

        solved: FloatMatrix = linalg.cho_solve((self._factor, True), right.T).T
        return solved


def cholesky(hessian: FloatMatrix, damping: float, right: FloatMatrix) -> FloatMatrix:
    """Solve (H + λI) X = G once; see :class:`Cholesky`."""
    return Cholesky(hessian, damping).solve(right)


def _factor(hessian: FloatMatrix, damping: float) -> FloatMatrix:
    from scipy import linalg

    size = len(hessian)
    hessian[np.diag_indices(size)] += damping
    try:
        # The transpose lies in memory as LAPACK wants it, so nothing is copied.
        factor: FloatMatrix = linalg.cho_factor(hessian.T, lower=True, overwrite_a=True)[0]
    except (linalg.LinAlgError, ValueError) as error:
        raise NumericalError(
            f"the Hessian with damping {damping:g} can't be inverted ({error}); "
            f"give a larger {option('damping')}."
        ) from None
    pivots = np.diag(factor)
    if pivots.min() ** 2 < 1e-14 * pivots.max() ** 2:
        raise NumericalError(
            f"the Hessian with damping {damping:g} is singular to rounding; "
            f"give a larger {option('damping')}."
        )
    return factor


def conjugate_gradients(
    product: Callable[[FloatMatrix], FloatMatrix],
    damping: float,
    right: FloatMatrix,
    diagonal: FloatMatrix | None = None,
    most: int = 1000,
) -> FloatMatrix:
    """Solve for all rows of `right` at once, using only products with the Hessian.

    Parameters
    ----------
    product
        Maps V, shape (columns, size), to V H.
    diagonal
        The Hessian's diagonal, shape (size,), which spares iterations where its entries differ
        much: directions are scaled by it and the damping. None: they are not scaled.
    most
        The largest number of iterations.

    Raises
    ------
    NumericalError
        When the residual does not fall to 1e-6 of the right-hand side in that many.
    """
    scale = 1.0 if diagonal is None else 1 / np.maximum(diagonal + damping, np.finfo(float).tiny)
    solved = np.zeros_like(right)
    residual = right.copy()
    direction = residual * scale
    goal = TOLERANCE**2 * np.einsum("ij,ij->i", right, right)
    length = np.einsum("ij,ij->i", residual, direction)
    with track("Conjugate gradients", most, "iterations") as advance:
        for _ in range(most):
            left = np.einsum("ij,ij->i", residual, residual)
            if (left <= goal).all():
                return solved
            image = product(direction) + damping * direction
            curvature = np.einsum("ij,ij->i", direction, image)
            going = (left > goal) & (curvature > 0)
            if not going.any():
                break
            step = np.where(going, length / np.where(going, curvature, 1.0), 0.0)
            solved += step[:, None] * direction
            residual -= step[:, None] * image
            scaled = residual * scale
            fresh = np.einsum("ij,ij->i", residual, scaled)
            ratio = np.where(going, fresh / np.where(length > 0, length, 1.0), 0.0)
            direction = scaled + ratio[:, None] * direction
            length = fresh
            advance(1)
    raise NumericalError(
        f"conjugate gradients did not converge in {most} iterations with damping {damping:g}; "
        f"give a larger {option('damping')}."
    )

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


def damping_of(trace: float, size: int, damping: float | None) -> float:
    """Return λ: the one given, else 0.1 times the mean of the Hessian's eigenvalues."""
    return 0.1 * trace / size if damping is None else damping


def cholesky(hessian: FloatMatrix, damping: float, right: FloatMatrix) -> FloatMatrix:
    """Solve (H + λI) X = G exactly.

    Parameters
    ----------
    hessian
        Shape (size, size), symmetric, positive semi-definite; overwritten.
    right
        Shape (columns, size).

    Returns
    -------
    array
        The solution, shape (columns, size).

    Raises
    ------
    NumericalError
        When the damped Hessian is singular.
    """
    from scipy import linalg

    size = len(hessian)
    hessian[np.diag_indices(size)] += damping
    try:
        factor = linalg.cho_factor(hessian, lower=True, overwrite_a=True, check_finite=True)
        solved: FloatMatrix = linalg.cho_solve(factor, right.T).T
    except (linalg.LinAlgError, ValueError) as error:
        raise NumericalError(
            f"the Hessian with damping {damping:g} can't be inverted ({error}); "
            f"give a larger {option('damping')}."
        ) from None
    pivots = np.diag(factor[0])
    if pivots.min() ** 2 < 1e-14 * pivots.max() ** 2:
        raise NumericalError(
            f"the Hessian with damping {damping:g} is singular to rounding; "
            f"give a larger {option('damping')}."
        )
    return solved


def conjugate_gradients(
    product: Callable[[FloatMatrix], FloatMatrix],
    damping: float,
    right: FloatMatrix,
    most: int = 1000,
) -> FloatMatrix:
    """Solve for all rows of `right` at once, using only products with the Hessian.

    Parameters
    ----------
    product
        Maps V, shape (columns, size), to V H.
    most
        The largest number of iterations.

    Raises
    ------
    NumericalError
        When the residual does not fall to 1e-6 of the right-hand side in that many.
    """
    solved = np.zeros_like(right)
    residual = right.copy()
    direction = residual.copy()
    squared = np.einsum("ij,ij->i", residual, residual)
    goal = TOLERANCE**2 * squared
    with track("Conjugate gradients", most, "iterations") as advance:
        for _ in range(most):
            if (squared <= goal).all():
                return solved
            image = product(direction) + damping * direction
            curvature = np.einsum("ij,ij->i", direction, image)
            going = (squared > goal) & (curvature > 0)
            if not going.any():
                break
            step = np.where(going, squared / np.where(going, curvature, 1.0), 0.0)
            solved += step[:, None] * direction
            residual -= step[:, None] * image
            fresh = np.einsum("ij,ij->i", residual, residual)
            ratio = np.where(going, fresh / np.where(squared > 0, squared, 1.0), 0.0)
            direction = residual + ratio[:, None] * direction
            squared = fresh
            advance(1)
    raise NumericalError(
        f"conjugate gradients did not converge in {most} iterations with damping {damping:g}; "
        f"give a larger {option('damping')}."
    )

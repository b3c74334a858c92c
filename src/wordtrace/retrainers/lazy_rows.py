"""Exact SGD with momentum and weight decay that updates only the rows that a step touches.

A row without a gradient still moves, by its velocity and by weight decay. With state (w, v),
v′ = μv + λw and w′ = w − ηv′, which is linear: over several steps without a gradient the state is
multiplied by a 2 × 2 matrix, which is the same for all rows last touched at the same step. So a row
is brought up to date when it is read next, and the result equals that of dense SGD to float
tolerance. (Adam divides by the root of a decaying second moment; that has no such closed form.)
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

# How many matrices from past steps to now are kept, before all rows are brought up to date.
_MOST = 4096


class LazyRows:
    """A table with rows that are updated when they are touched.

    Parameters
    ----------
    table
        float32, shape (rows, dim): the rows at the start.
    momentum, weight_decay
        μ and λ, as in ``torch.optim.SGD``.
    """

    def __init__(self, table: Tensor, momentum: float, weight_decay: float) -> None:
        self._momentum, self._decay = momentum, weight_decay
        # Row and velocity lie side by side, so that a step takes one gather and one scatter.
        self._state = torch.stack([table, torch.zeros_like(table)], 1)
        self._last = torch.zeros(len(table), dtype=torch.long)
        # Element i brings the state after step i (counted from the last settling) to the present.
        self._past = np.zeros((_MOST + 1, 2, 2))
        self._past[0] = np.eye(2)
        self._steps = 0

    def read(self, rows: Tensor) -> Tensor:
        """Return rows and velocities after the last step, shape (len(rows), 2, dim).

        Parameters
        ----------
        rows
            int64: rows, all different.
        """
        state = self._state.index_select(0, rows)
        factors = torch.from_numpy(self._past[: self._steps + 1].astype(np.float32))
        factors = factors.index_select(0, self._last.index_select(0, rows))
        values, velocity = state[:, 0], state[:, 1]
        if self._decay:
            return torch.bmm(factors, state)
        values.addcmul_(velocity, factors[:, 0, 1, None])
        velocity.mul_(factors[:, 1, 1, None])
        return state

    def step(self, rows: Tensor, state: Tensor, gradient: Tensor, rate: float) -> None:
        """Take a step in which `rows`, read as `state`, have a gradient; `state` is used up."""
        values, velocity = state[:, 0], state[:, 1]
        velocity.mul_(self._momentum).add_(gradient)
        if self._decay:
            velocity.add_(values, alpha=self._decay)
        values.sub_(velocity, alpha=rate)
        self._state.index_copy_(0, rows, state)
        matrix = np.array(
            [[1 - rate * self._decay, -rate * self._momentum], [self._decay, self._momentum]]
        )
        self._past[: self._steps + 1] = matrix @ self._past[: self._steps + 1]
        self._steps += 1
        self._past[self._steps] = np.eye(2)
        self._last.index_fill_(0, rows, self._steps)
        if self._steps == _MOST:
            self.settle()

    def settle(self) -> Tensor:
        """Bring all rows up to date and return them, shape (rows, dim)."""
        self._state = self.read(torch.arange(len(self._state)))
        self._last.zero_()
        self._past[0] = np.eye(2)
        self._steps = 0
        return self._state[:, 0]

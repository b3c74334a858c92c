"""Exact SGD of a model's word table that updates only the rows that a step touches."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from wordtrace.retrainers.lazy_rows import LazyRows


class TouchedRows:
    """Trains a word table in :func:`.training.fit.fit`'s place, by :class:`.LazyRows`.

    In a forward pass the table is the rows of the batch's tokens alone, so that the backward pass
    makes no gradient of the size of the vocabulary.

    Parameters
    ----------
    table
        The module, called once a forward pass; :meth:`settle` gives it back its rows.
    momentum, weight_decay
        As in ``torch.optim.SGD``.
    """

    def __init__(self, table: nn.Embedding, momentum: float, weight_decay: float) -> None:
        self._table: Any = table
        self._padding = table.padding_idx
        self._rows = LazyRows(table.weight.detach(), momentum, weight_decay)
        self._tokens = self._state = torch.empty(0)
        # The optimizer of the other weights finds nothing here to train.
        self._table.weight = nn.Parameter(torch.empty(0, table.embedding_dim))
        self._hook = table.register_forward_pre_hook(self._read)

    def step(self, rate: float) -> None:
        """Take the step of the batch that last went forward and backward."""
        self._rows.step(self._tokens, self._state, self._table.weight.grad, rate)

    def settle(self) -> None:
        """Put all rows, brought up to date, back into the table."""
        self._hook.remove()
        self._table.weight = nn.Parameter(self._rows.settle().contiguous())
        self._table.padding_idx = self._padding

    def _read(self, module: nn.Module, given: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        del module
        self._tokens, places = torch.unique(given[0], return_inverse=True)
        self._state = self._rows.read(self._tokens)
        self._table.weight = nn.Parameter(self._state[:, 0].clone())
        if self._padding is not None:
            at = (self._tokens == self._padding).nonzero().flatten()
            self._table.padding_idx = int(at[0]) if len(at) else None
        return (places, *given[1:])

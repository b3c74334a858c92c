"""Captum's ``DataInfluence``: ``TracInCP``'s calls, answered by wordtrace."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from wordtrace.adapters.one_measure import OneMeasure
from wordtrace.api.index import Index
from wordtrace.errors import InputError
from wordtrace.measures.names import DEFAULT
from wordtrace.run.run import Run

try:
    from captum.influence import DataInfluence
    from captum.influence._utils.common import KMostInfluentialResults
except ImportError:
    raise InputError("this needs Captum: install it with `pip install captum`.") from None


class RunInfluence(DataInfluence):  # type: ignore[misc]
    """A run's measure as one of Captum's influence methods.

    Parameters
    ----------
    run
        A run, its folder, or an index of it, which answers faster.
    measure
        A name; ``wordtrace measures`` lists them.
    **options
        Options of the measure: the fields of :class:`wordtrace.Options`.
    """

    def __init__(
        self, run: Run | Index | str | Path, measure: str = DEFAULT, **options: Any
    ) -> None:
        self._measure = OneMeasure(run, measure, options)

    def influence(
        self,
        inputs: Any = None,
        k: int | None = None,
        proponents: bool = True,
        show_progress: bool = False,
        aggregate: bool = False,
    ) -> Tensor | KMostInfluentialResults:
        """Return the influence of training rows on a batch, as ``TracInCP.influence`` does.

        Parameters
        ----------
        inputs
            A tuple with the labels (classes or their names) as the last item. Before them come
            texts, or the first and second texts of pairs, or token ids and attention mask, each of
            shape (batch, length). Or a DataLoader of such tuples.
        k
            Only the k strongest rows.
        proponents
            With `k`: return the rows that lower the loss most; if False, those that raise it most.
        show_progress
            Without effect: wordtrace shows progress on standard error by itself.
        aggregate
            The sum over the batch, as one query.

        Returns
        -------
        float32, shape (batch, training rows). With k the named tuple
        (indices, influence_scores), int64 and float32 of shape (batch, k), strongest first; equal
        scores go to the lower row.

        Raises
        ------
        InputError
            For inputs that don't fit the run, or a k under 1.
        """
        del show_progress
        if k is not None and k < 1:
            raise InputError(f"k is {k}; it must be at least 1.")
        scores = np.concatenate([self._measure.score(*batch) for batch in _batches(inputs)])
        if aggregate:
            scores = scores.sum(0, keepdims=True)
        if k is None:
            return torch.from_numpy(scores)
        order = np.argsort(-scores if proponents else scores, axis=1, kind="stable")[:, :k]
        strongest = np.take_along_axis(scores, order, 1)
        return KMostInfluentialResults(torch.from_numpy(order), torch.from_numpy(strongest))

    def self_influence(
        self,
        inputs: Any = None,
        show_progress: bool = False,
        outer_loop_by_checkpoints: bool = False,
    ) -> Tensor:
        """Return the influence of examples on themselves, float32, shape (examples,).

        Each checkpoint is weighted by its learning rate, once (Captum's own multiplies twice).

        Parameters
        ----------
        inputs
            See :meth:`influence`; the training rows by default. Other examples have it by
            TracIn-WE and its parts alone. By all other measures it takes as many scores as there
            are pairs of training rows.
        show_progress, outer_loop_by_checkpoints
            Without effect.
        """
        del show_progress, outer_loop_by_checkpoints
        if inputs is None:
            return torch.from_numpy(self._measure.self_influence())
        found = [self._measure.self_influence(batch) for batch in _batches(inputs)]
        return torch.from_numpy(np.concatenate(found))


def _batches(inputs: Any) -> Iterable[tuple[Any, Any]]:
    for batch in [inputs] if isinstance(inputs, tuple) else inputs or []:
        if not isinstance(batch, tuple | list) or len(batch) < 2:
            raise InputError("a batch is a tuple whose last item is the labels.")
        *features, labels = batch
        yield (tuple(features) if len(features) > 1 else features[0]), labels

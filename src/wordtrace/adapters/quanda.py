"""quanda's ``Explainer``: its metrics and benchmarks, asked of wordtrace's measures.

Nothing of quanda is imported: it calls an explainer by its methods. So neither needs the other's
versions.
"""

from __future__ import annotations

from collections.abc import Sized
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from wordtrace.adapters.one_measure import OneMeasure
from wordtrace.api.index import Index
from wordtrace.errors import InputError
from wordtrace.measures.names import DEFAULT
from wordtrace.run.run import Run


class RunExplainer:
    """A run's measure as one of quanda's explainers.

    Made by quanda as ``explainer_cls(model=…, train_dataset=…, **expl_kwargs)``: give ``run`` and
    ``measure`` in `expl_kwargs`.

    Parameters
    ----------
    model, checkpoints, checkpoints_load_func, task
        Taken and not used: the run has its model and checkpoints.
    train_dataset
        Checked to be as long as the run's training rows, which it must be, in their order.
    run
        A run, its folder, or an index of it.
    measure
        A name; ``wordtrace measures`` lists them.
    **options
        Options of the measure: the fields of :class:`wordtrace.Options`.

    Raises
    ------
    InputError
        For a training set of another length, or an unknown measure or option.
    """

    accepted_tasks = ("text_classification",)

    def __init__(
        self,
        model: Any = None,
        train_dataset: Sized | None = None,
        task: str = "text_classification",
        checkpoints: Any = None,
        checkpoints_load_func: Any = None,
        *,
        run: Run | Index | str | Path,
        measure: str = DEFAULT,
        **options: Any,
    ) -> None:
        del checkpoints, checkpoints_load_func
        if task not in self.accepted_tasks:
            raise InputError(f"the task is {task!r}; wordtrace explains text_classification.")
        self._measure = OneMeasure(run, measure, options)
        trained = self._measure.run
        rows = len(trained.train)
        if train_dataset is not None and len(train_dataset) != rows:
            raise InputError(
                f"the training set has {len(train_dataset):,} rows but {trained.path} was "
                f"trained on {rows:,}."
            )
        self.model, self.train_dataset, self.device = model, train_dataset, "cpu"

    def explain(self, test_data: Any, targets: Any) -> Tensor:
        """Return influences, float32, shape (test examples, training rows); proponents positive.

        Parameters
        ----------
        test_data
            Texts; a mapping with ``input_ids`` and ``attention_mask``, as of a Hugging Face
            tokenizer; or the tuple (ids, mask).
        targets
            Classes, or their names.
        """
        return torch.from_numpy(self._measure.score(test_data, targets))

    def self_influence(self, batch_size: int = 32) -> Tensor:
        """Return the influence of the training rows on themselves, float32, shape (rows,)."""
        del batch_size
        return torch.from_numpy(self._measure.self_influence())

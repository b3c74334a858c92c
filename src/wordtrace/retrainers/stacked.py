"""Many retrainings of the CNN at once, as one computation: for a GPU.

A small model leaves a GPU idle. Here each weight is one tensor for all models (models are the first
dimension), and a step is one forward and one backward of all models (``torch.func``). A row that a
model leaves out has weight 0 in its loss. PyTorch's own optimizer updates the stack: it works on
each number alone, so the result equals that of separate trainings to float tolerance. On a CPU this
does not pay: worker processes with :mod:`.refit` are faster.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.func import functional_call, vmap

from wordtrace.data.batches import Encoded, by_length
from wordtrace.errors import InputError, NumericalError, option
from wordtrace.execute.protocol import Lost
from wordtrace.models import predict
from wordtrace.models.cnn import CNN
from wordtrace.retrainers.material import CNNMaterial, blanked, cut
from wordtrace.retrainers.refit import not_finite
from wordtrace.retrainers.retrain import Retraining, answer, change_of, opened
from wordtrace.retrainers.retrainer import Change, Said
from wordtrace.run.run import Run
from wordtrace.training.fit import batch_rows, optimizer_of

# More models at once gain nothing on a busy GPU, and a kill loses the stack in progress.
_MOST = 256
# The share of the free memory to use; the rest is for what the estimate does not count.
_SHARE = 0.7


@dataclass(frozen=True)
class Stacked:
    """A :class:`.Retrainer` of the CNN that trains many models at once.

    It uses the GPU where PyTorch has one, else the CPU.
    """

    settings: dict[str, Any] = field(default_factory=dict)

    def train(self, run: Run, change: Change) -> Said:
        """Train a stack of one; see :class:`.Retrainer`."""
        (found,) = self.together(run, [change])
        if isinstance(found, NumericalError):
            raise found
        return found

    def together(self, run: Run, changes: Sequence[Change]) -> list[Said | NumericalError]:
        """Train one model for each change, which have the same probes, and ask them."""
        return train_together(cut(run, changes[0].probes), changes, self.device)

    @property
    def device(self) -> torch.device:
        """The device on which the stack is trained."""
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")


class Stacks:
    """An :class:`~wordtrace.execute.protocol.Executor` for retrainings only, many at a time.

    A model whose loss is not finite is tried again in another stack, then given up without losing
    the others.

    Parameters
    ----------
    models
        How many models are trained at once; by default as many as fit into the free memory, 256 at
        most. If they don't fit after all, half as many are tried.
    attempts
        How often a model is trained before it is given up.
    """

    def __init__(self, retrainer: Stacked, models: int | None = None, *, attempts: int = 2) -> None:
        if models is not None and models < 1:
            raise InputError(f"{option('workers')} is {models}; it must be at least 1.")
        self.retrainer, self.models, self.attempts = retrainer, models, attempts

    def run(
        self, task: Callable[[Retraining], Any], items: Iterable[Retraining]
    ) -> Iterator[tuple[Retraining, Any]]:
        """Yield each retraining with its result, or with :class:`Lost`, stack by stack.

        Parameters
        ----------
        task
            :func:`.retrain`; it is not called, since the results here equal its results.
        """
        del task
        for (folder, training, probes), same in groupby(
            items, lambda one: (one.run, one.fingerprint, one.probes)
        ):
            run = opened(folder, training)
            size = self.models or fitting(cut(run, probes), self.retrainer.device)
            yield from self._all(run, list(same), size)

    def _all(
        self, run: Run, tasks: list[Retraining], size: int
    ) -> Iterator[tuple[Retraining, Any]]:
        waiting = [(task, 1) for task in tasks]
        while waiting:
            part, waiting = waiting[:size], waiting[size:]
            try:
                found = self._answers(run, [task for task, _ in part])
            except torch.OutOfMemoryError:
                if len(part) == 1:
                    raise InputError(
                        f"the memory of {self.retrainer.device} does not hold one model; use "
                        f"{option('executor', 'processes')}."
                    ) from None
                size, waiting = len(part) // 2, part + waiting
                torch.cuda.empty_cache()
                continue
            for (task, attempt), result in zip(part, found, strict=True):
                if isinstance(result, Lost) and attempt < self.attempts:
                    waiting.append((task, attempt + 1))
                elif isinstance(result, Lost):
                    yield task, Lost(f"{result.reason} (tried {attempt} times)")
                else:
                    yield task, result

    def _answers(self, run: Run, tasks: list[Retraining]) -> list[dict[str, Any] | Lost]:
        start = time.perf_counter()
        said = self.retrainer.together(run, [change_of(run, task) for task in tasks])
        seconds = (time.perf_counter() - start) / len(tasks)
        found: list[dict[str, Any] | Lost] = []
        for task, one in zip(tasks, said, strict=True):
            try:
                if isinstance(one, NumericalError):
                    raise one
                found.append(answer(run, task, one, seconds))
            except NumericalError as error:
                found.append(Lost(str(error)))
        return found


def fitting(material: CNNMaterial, device: torch.device) -> int:
    """Return how many models fit into the free memory of a device, from 1 to 256."""
    if device.type == "cuda":
        free = torch.cuda.mem_get_info(device)[0]
    else:
        free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return int(max(1, min(_MOST, _SHARE * free // bytes_a_model(material))))


def bytes_a_model(material: CNNMaterial) -> int:
    """Estimate the memory that one model of a stack takes while it is trained.

    It counts four numbers for each weight (the weight, its gradient, two of the optimizer), and for
    each position of the longest batch those that the backward pass needs.
    """
    config, recipe = material.run.config, material.run.recipe
    inner = sum(config.filters * width for width in config.widths)
    weights = len(material.tokens) * config.dim + (config.dim + config.filters) * inner
    longest = int(max(part.lengths.max(initial=1) for part in material.texts.parts))
    positions = recipe.batch_size * longest
    return 4 * (4 * weights + positions * (2 * config.dim + 3 * inner + 6 * config.filters))


def train_together(
    material: CNNMaterial, changes: Sequence[Change], device: torch.device
) -> list[Said | NumericalError]:
    """Train one model for each change; return what they predict, in the same order."""
    stack = _Stack(material, changes, device)
    bad = stack.train()
    probes = stack.says(material.texts.probes)
    held = material.texts.held_out if changes[0].held_out else None
    held_out = None if held is None else stack.says(held)
    return [
        not_finite(step, change.seed)
        if step
        else Said(
            predict.probabilities(probes[place]),
            None if held_out is None else predict.probabilities(held_out[place]),
        )
        for place, (change, step) in enumerate(zip(changes, bad, strict=True))
    ]


class _Stack:
    """Many models as one: each weight has the shape (models, …)."""

    def __init__(
        self, material: CNNMaterial, changes: Sequence[Change], device: torch.device
    ) -> None:
        self._recipe, self._device = material.run.recipe, device
        self._count = len(material.texts.train)
        self.steps = min(self._recipe.steps(self._count), material.run.manifest.steps)
        # Models with the same seed and texts get the same batches.
        names = [(one.seed, one.labels.tobytes(), one.blanked) for one in changes]
        kinds = dict(zip(names, changes, strict=True))
        self._recipes = [replace(self._recipe, seed=one.seed) for one in kinds.values()]
        self._labels = [one.labels for one in kinds.values()]
        self._encoded = [blanked(material.texts, one.blanked) for one in kinds.values()]
        places = {name: place for place, name in enumerate(kinds)}
        self._kind = np.array([places[name] for name in names])
        self._factors = np.stack([one.weights for one in changes])
        seeds = list(dict.fromkeys(one.seed for one in changes))
        starts = [material.start(seed).state_dict() for seed in seeds]
        which = torch.tensor([seeds.index(one.seed) for one in changes], device=device)
        self._weights = {
            name: torch.stack([one[name] for one in starts]).to(device)[which] for name in starts[0]
        }
        # Evaluation mode: the model's own shortcut for training looks tokens up by torch.unique,
        # whose shape depends on the values.
        self._model = CNN(replace(material.run.config, vocabulary=len(material.tokens))).eval()

    def train(self) -> list[int]:
        """Train; return for each model the first step with a loss that was not finite, or 0."""
        moving = [
            one.requires_grad_(name != "embedding.weight" or not self._recipe.freeze_embeddings)
            for name, one in self._weights.items()
        ]
        moving = [one for one in moving if one.requires_grad]
        optimizer = optimizer_of(moving, self._recipe, stacked=True)
        total = self._recipe.steps(self._count)
        bad = torch.zeros(len(self._kind), dtype=torch.long, device=self._device)
        for step in range(self.steps):
            ids, mask, labels, factors = self._batch(step)
            losses = vmap(self._losses)(self._weights, ids, mask, labels)
            optimizer.zero_grad()
            (losses * factors).sum().backward()  # type: ignore[no-untyped-call]
            for group in optimizer.param_groups:
                group["lr"] = self._recipe.rate(step + 1, total)
            optimizer.step()
            # It is read on the CPU only at the end, since reading waits for the GPU.
            bad += (step + 1) * ((bad == 0) & ~losses.detach().isfinite().all(1))
        for one in moving:
            one.requires_grad_(False)
            one.grad = None
        return [int(step) for step in bad.tolist()]

    @torch.no_grad()
    def says(self, encoded: Encoded) -> predict.FloatArray:
        """Return class scores of texts, float32, shape (models, texts, classes)."""
        shape = (len(self._kind), len(encoded), self._model.config.classes)
        found = np.empty(shape, np.float32)
        every = vmap(self._scores, in_dims=(0, None, None))
        for rows in by_length(encoded.lengths, self._recipe.batch_size):
            ids, mask = (torch.from_numpy(one).to(self._device) for one in encoded.padded(rows))
            found[:, rows] = every(self._weights, ids, mask).cpu().numpy()
        return found

    def _batch(self, step: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return ids and mask, shape (models, batch, length), labels and factors of the losses."""
        rows = [batch_rows(one, self._count, step) for one in self._recipes]
        padded = [one.padded(at) for one, at in zip(self._encoded, rows, strict=True)]
        longest = max(ids.shape[1] for ids, _ in padded)

        def together(parts: list[np.ndarray[Any, np.dtype[Any]]]) -> Tensor:
            wide = [np.pad(one, ((0, 0), (0, longest - one.shape[1]))) for one in parts]
            return torch.from_numpy(np.stack(wide)).to(self._device)[kind]

        kind = torch.from_numpy(self._kind).to(self._device)
        labels = np.stack([one[at] for one, at in zip(self._labels, rows, strict=True)])
        factors = self._factors[np.arange(len(self._kind))[:, None], np.stack(rows)[self._kind]]
        return (
            together([ids for ids, _ in padded]),
            together([mask for _, mask in padded]),
            torch.from_numpy(labels).to(self._device)[kind],
            torch.from_numpy(factors / np.float32(factors.shape[1])).to(self._device),
        )

    def _scores(self, weights: dict[str, Tensor], ids: Tensor, mask: Tensor) -> Tensor:
        result: Tensor = functional_call(self._model, weights, (ids, mask))
        return result

    def _losses(
        self, weights: dict[str, Tensor], ids: Tensor, mask: Tensor, labels: Tensor
    ) -> Tensor:
        scores = self._scores(weights, ids, mask)
        return torch.nn.functional.cross_entropy(scores, labels, reduction="none")

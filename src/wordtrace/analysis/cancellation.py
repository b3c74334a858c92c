"""Where in the network the influences of examples cancel (sections 3.1 and 3.3 of the paper)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from wordtrace.analysis.cancellation_result import Cancellation, Parameter
from wordtrace.analysis.gradient_sums import Directions, gradient_sums
from wordtrace.errors import InputError, option
from wordtrace.execute.progress import track
from wordtrace.gradients.layers import find_layers, known_layers, unknown_layers
from wordtrace.run.checkpoint import Checkpoint
from wordtrace.run.recipe import check_seed
from wordtrace.run.run import Run
from wordtrace.run.trainings import require_one


def cancellation(
    run: Run | str | Path,
    layers: Sequence[str] | None = None,
    *,
    limit: int | None = None,
    seed: int = 0,
    memory: int = 1 << 30,
) -> Cancellation:
    """Measure C(W) = Σ_c G(W)_c / Σ_c ΔW_c and gradient similarity, weights apart from biases.

    Per-example norms are computed without forming the gradients where that is less work, and the
    cosines of all pairs from sums of unit gradients. Each checkpoint takes one pass over the
    examples, or several if the layers' sizes exceed half of `memory`.

    Parameters
    ----------
    layers
        The names of modules, or the paper's "second", "third" and "last"; by default all layers.
    limit
        Measure only this many training examples, drawn at random.
    seed
        The seed of that draw.
    memory
        Bytes of working memory.

    Raises
    ------
    InputError
        For an unknown layer, a limit under 2, or a run with a single checkpoint.
    NumericalError
        When a loss is NaN or infinite; the message names the example.

    Examples
    --------
    >>> found = wt.cancellation(run, layers=["last"])
    >>> [(one.layer, one.part) for one in found.parameters]
    [('linear', 'weight'), ('linear', 'bias')]
    """
    opened = Run.open(run) if isinstance(run, str | Path) else run
    require_one(opened, "cancellation")
    points = _points(opened)
    check_seed(seed)
    rows = _rows(len(opened.train), limit, seed)
    names = _names(opened, layers)
    model = opened.model(opened.final)
    groups = _groups(find_layers(model, names), memory)
    sums: dict[tuple[str, str], list[Directions]] = {}
    with track("Gradients by layer", len(rows) * (len(points) - 1) * len(groups), "gradients") as (
        advance
    ):
        for point in points[:-1]:
            for group in groups:
                for key, found in gradient_sums(opened, point, group, rows, memory, advance):
                    sums.setdefault(key, []).append(found)
    moved = _movements(opened, points, names)
    scale = len(opened.train) / len(rows)
    parameters = tuple(
        _parameter(*key, found, *moved[key], scale)
        for key, found in sorted(
            sums.items(), key=lambda one: (names.index(one[0][0]), one[0][1] == "bias")
        )
    )
    return Cancellation(
        run=str(opened.path),
        examples=len(rows),
        training_examples=len(opened.train),
        steps=tuple(point.step for point in points),
        parameters=parameters,
        left_out=() if layers else tuple(unknown_layers(model)),
        misread=opened.misread,
    )


def _parameter(
    layer: str, part: str, found: list[Directions], size: int, movement: float, scale: float
) -> Parameter:
    gradients = scale * sum(one.norms for one in found)
    return Parameter(
        layer=layer,
        part=part,
        size=size,
        gradients=gradients,
        movement=movement,
        cancellation=gradients / movement if movement else None,
        cosine=_mean([one.cosine for one in found]),
        same_label=_mean([one.same_label for one in found]),
        different_label=_mean([one.different_label for one in found]),
    )


def _mean(values: Sequence[float | None]) -> float | None:
    there = [value for value in values if value is not None]
    return sum(there) / len(there) if there else None


def _points(run: Run) -> list[Checkpoint]:
    points = [*run.checkpoints]
    if points[-1].step != run.final.step:
        points.append(run.final)
    if len(points) < 2:
        raise InputError(
            "this run has a single checkpoint, so no weights to compare; train with more "
            f"({option('checkpoints')})."
        )
    return points


def _rows(count: int, limit: int | None, seed: int) -> npt.NDArray[np.int64]:
    if limit is not None and limit < 2:
        raise InputError(f"{option('limit')} is {limit}; give 2 or more, for there to be a pair.")
    if limit is None or limit >= count:
        return np.arange(count)
    return np.sort(np.random.default_rng(seed).choice(count, limit, replace=False))


def _names(run: Run, layers: Sequence[str] | None) -> list[str]:
    model = run.model(run.final)
    if layers is None:
        return list(known_layers(model))
    names: dict[str, None] = {}
    for layer in layers:
        named = model.named_layers.get(layer)
        if named == ():
            raise InputError(f"this model has no {layer} layer; name one as the model does.")
        names |= dict.fromkeys(named or (layer,))
    if not names:
        raise InputError(
            f"there is no layer to measure; name at least one, or leave out {option('layers')}."
        )
    order = list(known_layers(model))
    find_layers(model, list(names))
    return sorted(names, key=order.index)


def _groups(modules: dict[str, nn.Module], memory: int) -> list[list[str]]:
    """Split the layers so that two float32 sums of a group's size take at most half of `memory`."""
    groups: list[list[str]] = []
    room = 0
    for name, module in modules.items():
        size = 8 * sum(one.numel() for one in module.parameters(recurse=False))
        if not groups or size > room:
            groups.append([])
            room = memory // 2
        groups[-1].append(name)
        room -= size
    return groups


def _movements(
    run: Run, points: Sequence[Checkpoint], names: Sequence[str]
) -> dict[tuple[str, str], tuple[int, float]]:
    """Return each parameter's size and Σ_c ‖W_{c+1} − W_c‖, two models in memory at a time."""
    found: dict[tuple[str, str], tuple[int, float]] = {}
    for before, after in pairwise(_weights(run, points, names)):
        for key, weight in after.items():
            moved = torch.linalg.vector_norm((weight - before[key]).double()).item()
            found[key] = weight.numel(), found.get(key, (0, 0.0))[1] + moved
    return found


def _weights(
    run: Run, points: Sequence[Checkpoint], names: Sequence[str]
) -> Iterator[dict[tuple[str, str], torch.Tensor]]:
    for point in points:
        yield {
            (name, part): one.detach().float()
            for name, module in find_layers(run.model(point), names).items()
            for part, one in module.named_parameters(recurse=False)
        }

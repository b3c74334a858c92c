"""TracIn over named layers, with or without their biases (Eq. 2)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from wordtrace.data.batches import Encoded, by_length
from wordtrace.data.labelling import Labels
from wordtrace.errors import InputError, NumericalError, option
from wordtrace.execute.progress import track
from wordtrace.gradients.layer_gradients import (
    LayerGradients,
    LookupGradients,
    ProductGradients,
    ScaleGradients,
)
from wordtrace.gradients.layers import (
    Captured,
    find_layers,
    known_layers,
    layer_gradients,
    unknown_layers,
)
from wordtrace.index.postings import make_block
from wordtrace.measures.accumulate import QueryTokens, accumulate, group_by_token
from wordtrace.measures.protocol import About, Queries, Scores
from wordtrace.models import predict
from wordtrace.models.protocol import TextModel, to_batch
from wordtrace.run.run import Run


@dataclass(frozen=True)
class TracInLayers:
    """+Σ_c η_c Σ_layers ∇_W ℓ(x) · ∇_W ℓ(x′).

    Attributes
    ----------
    layers
        The modules' names; or "second", "third" or "last", which are the paper's names; or "all".
    bias
        Count the layers' biases too; by default they are left out (section 3.2).
    memory
        Bytes of working memory.
    """

    layers: tuple[str, ...]
    bias: bool = False
    memory: int = 1 << 30

    about: ClassVar = About(
        equation="Σ_c η_c Σ_W ∇_W ℓ · ∇_W ℓ′ over the layers' weights (Eq. 2)",
        needs="the checkpoints",
        cost="n·c backward passes to the lowest of the layers, and n·q·c times their size",
        reads_texts=False,
    )

    def score(self, run: Run, queries: Queries) -> Scores:
        """Return influences, float32, shape (queries, examples).

        Raises
        ------
        InputError
            For a layer that the model does not have; the message lists its layers.
        NumericalError
            When a loss is NaN or infinite; the message names the example.
        """
        modules = modules_of(run.model(run.final), self.layers)
        groups = query_groups(modules, queries.encoded.lengths, self.memory)
        scores = np.zeros((len(queries), len(run.train)), np.float32)
        total = len(run.train) * len(run.checkpoints) * len(groups)
        with track("Layer gradients", total, "gradients") as advance:
            for point, eta in zip(run.checkpoints, run.etas, strict=True):
                model = run.model(point)
                names = list(modules)
                for group in groups:
                    part = queries.take(group)
                    held = gather(model, find_layers(model, names), part.encoded, part.labels)
                    for rows, found in stream(run, model, names, self.memory):
                        check(found, rows, run, point.step)
                        dots = products(found.layers, held, len(group), bias=self.bias)
                        dots *= eta
                        scores[np.ix_(group, rows)] += dots.T.cpu().numpy()
                        advance(len(rows))
        return scores


def modules_of(model: TextModel, layers: tuple[str, ...]) -> dict[str, nn.Module]:
    """Return the layers for these names.

    Raises
    ------
    InputError
        For an unknown layer, or one of the paper's names where this model has no such layer. For
        "all", when the model holds a layer of a kind that has no known gradients.
    """
    if layers == ("all",):
        left_out = unknown_layers(model)
        if left_out:
            raise InputError(
                f"tracin-all can't count the layer {left_out[0]!r}, whose kind is not known; "
                f"name layers instead: {option('measure', 'tracin:LAYER,LAYER')}."
            )
        return known_layers(model)
    names: list[str] = []
    for name in layers:
        named = model.named_layers.get(name)
        if named == ():
            raise InputError(f"this model has no {name} layer; name one by tracin:LAYER.")
        names += named or (name,)
    return find_layers(model, names)


def query_groups(
    modules: Mapping[str, nn.Module], lengths: npt.NDArray[np.int64], memory: int
) -> list[npt.NDArray[np.int64]]:
    """Split the queries into groups, so that each group's gradients fit into half of `memory`.

    Each group takes one pass over the training data; a single query is never split.
    """
    count, longest = len(lengths), int(lengths.max(initial=1))
    floats = longest * sum(
        parameter[0].numel() + len(parameter)
        for module in modules.values()
        for parameter in module.parameters(recurse=False)
    )
    floats += sum(
        parameter.numel()
        for module in modules.values()
        if not isinstance(module, nn.Embedding)
        for parameter in module.parameters(recurse=False)
    )
    size = max(1, memory // (8 * max(1, floats)))
    return [np.arange(start, min(start + size, count)) for start in range(0, count, size)]


def stream(
    run: Run,
    model: TextModel,
    names: list[str],
    memory: int,
    rows: npt.NDArray[np.int64] | None = None,
) -> Iterator[tuple[npt.NDArray[np.int64], Captured]]:
    """Yield (rows, gradients) batch by batch, of all training examples or of those in `rows`."""
    modules = find_layers(model, names)
    largest = max(
        [
            sum(parameter.numel() for parameter in module.parameters(recurse=False))
            for module in modules.values()
            if not isinstance(module, nn.Embedding)
        ],
        default=1,
    )
    batch_size = max(1, min(1024, memory // (16 * largest)))
    asked = np.arange(len(run.train)) if rows is None else rows
    for places in by_length(run.encoded.lengths[asked], batch_size, _tokens(memory)):
        part = asked[places]
        batch = to_batch(run.encoded, run.train.labels, part, predict.device_of(model))
        yield part, layer_gradients(model, batch, modules)


def gather(
    model: TextModel,
    modules: Mapping[str, nn.Module],
    encoded: Encoded,
    labels: Labels,
) -> dict[str, LayerGradients | QueryTokens]:
    """Compute the queries' gradients; those of an embedding are grouped by token."""
    batch = to_batch(encoded, labels, np.arange(len(labels)), predict.device_of(model))
    found = layer_gradients(model, batch, modules).layers
    return {
        name: group_by_token(one.tokens.example, one.tokens.token, one.tokens.gradient)
        if isinstance(one, LookupGradients)
        else one
        for name, one in found.items()
    }


def products(
    layers: Mapping[str, LayerGradients],
    queries: Mapping[str, LayerGradients | QueryTokens],
    count: int,
    *,
    bias: bool,
) -> Tensor:
    """Return dot products summed over the layers, float32, shape (batch, `count` queries)."""
    total: Tensor | None = None
    lookups: list[tuple[LookupGradients, QueryTokens]] = []
    for name, one in layers.items():
        other = queries[name]
        if isinstance(one, LookupGradients) and isinstance(other, QueryTokens):
            lookups.append((one, other))
            continue
        if isinstance(one, ProductGradients):
            assert isinstance(other, ProductGradients)
            dots = one.dots(other, bias=bias)
        else:
            assert isinstance(one, ScaleGradients)
            assert isinstance(other, ScaleGradients)
            dots = one.dots(other, bias=bias)
        total = dots if total is None else total.add_(dots)
    for one, other in lookups:
        if total is None:
            total = torch.zeros(one.batch, count)
        block = make_block([(torch.arange(one.batch), one.tokens)], 0, one.batch, one.rows)
        part = np.zeros((count, one.batch), np.float32)
        accumulate(part, block, other, 1.0)
        total += torch.from_numpy(part.T)
    assert total is not None
    return total


def check(found: Captured, rows: npt.NDArray[np.int64], run: Run, step: int) -> None:
    """Stop at a NaN or infinite loss; the message names the example (NumericalError)."""
    good = torch.isfinite(found.losses)
    if not bool(good.all()):
        bad = run.train.ids[int(rows[int((~good).nonzero()[0])])]
        raise NumericalError(
            f"the loss of example {bad!r} is NaN or infinite at step {step}; "
            f"the training diverged there: train again with a lower {option('learning_rate')}."
        )


def _tokens(memory: int) -> int:
    # Activations and gradients of one position at all layers take 16 kB, generously estimated.
    return max(64, min(predict.TOKENS_A_BATCH, memory // (1 << 15)))

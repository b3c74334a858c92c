"""A few gradient steps on some training rows, or against them, from a run's final model.

A training with the rate η takes the step −η Σ g / B on a batch of B rows with the gradients g. So
over a pass through its data some rows together move the weights by about −η Σ g / B, summed over
these rows alone: that is one step here. A batch holds some of the rows, in an order drawn by the
seed; its mean stands for that of all.

Momentum, by which each gradient moves the weights several times as far in the end, is left out:
long steps rank removals worse than short ones. Adam moves each weight by its own step size,
η / (√v + ε), where v is the mean of the squared gradients of batches: it is taken from a few
batches at the final weights, and used where a run does not say that it was trained by SGD.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from wordtrace.data.batches import Encoded
from wordtrace.data.labelling import Labels
from wordtrace.errors import NumericalError, option
from wordtrace.models import predict
from wordtrace.models.outputs import Completions
from wordtrace.models.protocol import TextModel, to_batch
from wordtrace.retrainers.ask import encoded as encoded_probes
from wordtrace.retrainers.material import blank_token, with_blanks
from wordtrace.retrainers.retrainer import Change, FloatArray, Probe, Said
from wordtrace.run import load
from wordtrace.run.adam import EPSILON
from wordtrace.run.run import Run

#: A batch has no more rows than this, whatever the training had: its mean stands for all rows.
_MOST = 32
#: From so many batches Adam's step sizes are taken.
_BATCHES = 8

IntArray = npt.NDArray[np.int64]


def patched(
    run: Run, change: Change, steps: int, learning_rate: float | None, *, on: bool = False
) -> Said:
    """Return what the final model says after steps against the rows that a change leaves out.

    Rows that are relabelled or have blanked words are stepped against as they were and on as they
    are changed.

    Parameters
    ----------
    learning_rate
        η; None: the mean of the training's.
    on
        Step the other way, and turn round what this changes in the scores: twice the final model's
        less the patched one's.

    Raises
    ------
    NumericalError
        When the steps lead to scores that are not finite.
    """
    final = run.model(run.final)
    probes, held_out = _asked(run, change.probes, change.held_out)
    before = _said(run, change.probes, change.held_out)
    rows, parts = _parts(run, change)
    if not len(rows):
        return _values(final, *before)
    model = copy.deepcopy(final)
    rate = learning_rate or run.final.learning_rate_sum / max(1, run.final.step)
    scale = (-1 if on else 1) * len(rows) / batch_size(run)
    order = _batches(rows, change.seed, steps, min(_MOST, batch_size(run)))
    _take(run, model, parts, order, rate, scale, change.seed)
    after = [None if one is None else predict.logits(model, one) for one in (probes, held_out)]
    if not all(one is None or np.isfinite(one).all() for one in after):
        raise NumericalError(
            f"the scores are not finite after {steps} steps from the final model; take fewer "
            f"({option('tail_patch')}), or a lower {option('learning_rate')}."
        )
    if on:
        after = [
            None if one is None or old is None else _turned(final, old, one)
            for old, one in zip(before, after, strict=True)
        ]
    assert after[0] is not None
    return _values(final, after[0], after[1])


def _take(
    run: Run,
    model: TextModel,
    parts: list[tuple[Encoded, Labels, FloatArray]],
    order: Iterable[IntArray],
    rate: float,
    scale: float,
    seed: int,
) -> None:
    """Take the steps in place, each on some of the rows, and leave the model for questions."""
    named = _moved(run, model)
    with torch.random.fork_rng(devices=[]):
        for step, rows in enumerate(order):
            gradients = {name: torch.zeros_like(one) for name, one in named.items()}
            for texts, labels, factors in parts:
                # With the same seed both forms of a row get the same dropout.
                torch.manual_seed(hash((seed, step)))
                _add(model, named, gradients, texts, labels, rows, factors)
            _step(run, named, gradients, rate, scale)
    model.module.requires_grad_(False).eval()


def batch_size(run: Run) -> int:
    """Return how many rows a batch of the run's training had."""
    if run.manifest.recipe is not None:
        return run.recipe.batch_size
    final = run.final
    return max(1, round(len(run.train) * final.epoch / final.step)) if final.step else 1


@lru_cache(maxsize=2)
def _asked(
    run: Run, probes: tuple[Probe, ...], with_held_out: bool
) -> tuple[Encoded, Encoded | None]:
    held = run.held_out if with_held_out else None
    return encoded_probes(run, probes), None if held is None else run.encode(held)


@lru_cache(maxsize=2)
def _said(
    run: Run, probes: tuple[Probe, ...], with_held_out: bool
) -> tuple[FloatArray, FloatArray | None]:
    """Return the final model's scores."""
    asked, held = _asked(run, probes, with_held_out)
    final = run.model(run.final)
    return predict.logits(final, asked), None if held is None else predict.logits(final, held)


def changed_rows(run: Run, change: Change) -> IntArray:
    """Return the rows that a change touches, in rising order."""
    return np.flatnonzero(_other(run, change) | (change.weights != 1))


def _other(run: Run, change: Change) -> npt.NDArray[np.bool_]:
    """Tell which rows have another label, or words that are blanked."""
    old, now = run.train.labels, change.labels
    same = old == now
    if old.dtype.kind == "f":  # of what is not asked about
        same |= np.isnan(old) & np.isnan(now)
    other = np.asarray(~same if same.ndim == 1 else ~same.all(1))
    other[[row for row, _ in change.blanked]] = True
    return other


def _parts(run: Run, change: Change) -> tuple[IntArray, list[tuple[Encoded, Labels, FloatArray]]]:
    """Return the rows that a change touches; and the texts, labels and factors of their losses.

    The factors are of the descent: −1 for the rows as they were, and for the rows as they are now
    the weight that the change gives them.
    """
    old, now = run.train.labels, change.labels
    other, rows = _other(run, change), changed_rows(run, change)
    texts = with_blanks(run.encoded, blank_token(run), change.blanked)
    was = np.full(len(old), -1, np.float32)
    parts = [(run.encoded, old, np.where(other, was, change.weights - 1))]
    if (change.weights * other).any():
        parts.append((texts, now, change.weights * other))
    return rows, parts


def _batches(rows: IntArray, seed: int, steps: int, size: int) -> Iterator[IntArray]:
    """Yield the rows of each step: all in the seed's order, again and again, `size` at a time."""
    order = np.random.default_rng([seed, len(rows), 11]).permutation(rows)
    size = min(size, len(rows))
    for step in range(steps):
        yield order[np.arange(step * size, (step + 1) * size) % len(rows)]


def _add(
    model: TextModel,
    named: Mapping[str, nn.Parameter],
    gradients: dict[str, Tensor],
    texts: Encoded,
    labels: Labels,
    rows: IntArray,
    factors: FloatArray,
) -> None:
    """Add to `gradients` those of the mean over `rows` of factor · loss."""
    factor = torch.from_numpy(factors[rows].astype(np.float32))
    if not factor.any():
        return
    device = predict.device_of(model)
    batch = to_batch(texts, labels, rows, device)
    losses = model.losses(model.logits(batch), batch) * factor.to(device)
    found = torch.autograd.grad(losses.mean(), list(named.values()), allow_unused=True)
    for name, one in zip(named, found, strict=True):
        if one is not None:
            gradients[name] += one


def _moved(run: Run, model: TextModel) -> dict[str, nn.Parameter]:
    """Let those weights of a model of the run be trained that its training moved; return them."""
    fixed = _fixed(run)
    model.module.train()
    named = dict(model.module.named_parameters())
    for name, one in named.items():
        one.requires_grad_(name not in fixed)
    return {name: one for name, one in named.items() if name not in fixed}


@lru_cache(maxsize=2)
def _fixed(run: Run) -> frozenset[str]:
    """Return the weights that are the same at the first checkpoint and at the end."""
    first = min(run.manifest.checkpoints, key=lambda one: one.step)
    if first.step >= run.final.step:
        return frozenset()
    before = load.load_model(run.path, run.manifest, first.folder).module.named_parameters()
    after = dict(run.model(run.final).module.named_parameters())
    return frozenset(name for name, one in before if torch.equal(one, after[name].cpu()))


def _step(
    run: Run,
    named: Mapping[str, nn.Parameter],
    gradients: Mapping[str, Tensor],
    rate: float,
    scale: float,
) -> None:
    """Move the weights against `scale` times the gradients."""
    sizes = _sizes(run, gradients)
    with torch.no_grad():
        for name, one in named.items():
            one.sub_(gradients[name] * sizes[name], alpha=rate * scale)


def _sizes(run: Run, gradients: Mapping[str, Tensor]) -> Mapping[str, Tensor | float]:
    """Return each weight's step size, as a part of the rate."""
    recipe = run.manifest.recipe
    if recipe is not None and recipe.optimizer == "sgd":
        return dict.fromkeys(gradients, 1.0)
    # The rows' own batch is one of those that tell the step sizes: a word that is in no other batch
    # would have none.
    return {
        name: 1 / (((one + gradients[name].square()) / (_BATCHES + 1)).sqrt() + EPSILON)
        for name, one in _squares(run).items()
    }


@lru_cache(maxsize=1)
def _squares(run: Run) -> Mapping[str, Tensor]:
    """Return the sum of the squared gradients of a few batches at the final weights."""
    model = copy.deepcopy(run.model(run.final))
    named = _moved(run, model)
    size = min(_MOST, batch_size(run), len(run.train))
    ones = np.ones(len(run.train), np.float32)
    found = {name: torch.zeros_like(one) for name, one in named.items()}
    order = _batches(np.arange(len(run.train)), 0, _BATCHES, size)
    with torch.random.fork_rng(devices=[]):
        for step, rows in enumerate(order):
            torch.manual_seed(step)
            gradients = {name: torch.zeros_like(one) for name, one in named.items()}
            _add(model, named, gradients, run.encoded, run.train.labels, rows, ones)
            for name, one in gradients.items():
                found[name] += one.square()
    return found


def _values(model: TextModel, probes: FloatArray, held_out: FloatArray | None) -> Said:
    def said(scores: FloatArray) -> FloatArray:
        found: FloatArray = model.outputs.values(torch.from_numpy(scores).double()).numpy()
        return found

    return Said(said(probes), None if held_out is None else said(held_out))


def _turned(model: TextModel, before: FloatArray, after: FloatArray) -> FloatArray:
    """Turn a change of scores round; a mean log-probability stays at most 0."""
    found = 2 * before - after
    return np.minimum(found, 0) if isinstance(model.outputs, Completions) else found

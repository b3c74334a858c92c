"""How a training may be read: which labels or tokens count, and by which loss."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from wordtrace.data.batches import Encoded
from wordtrace.data.examples import Examples
from wordtrace.data.labelling import Labels
from wordtrace.errors import option
from wordtrace.models.loss import TrainingLoss
from wordtrace.models.outputs import Outputs
from wordtrace.models.token_losses import Mask, by_row

FloatArray = npt.NDArray[np.float32]
Sums = tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]

#: Why a loss that is recognised is not traced.
_UNKNOWN = "it is not among the losses that are traced"


@dataclass(frozen=True)
class Reading:
    """One way to read a training.

    Attributes
    ----------
    name
        What counts, for messages.
    remedy
        How to say it; "" for the reading that was taken.
    rows
        From what a model says of the sample (scores, or the losses of its tokens) the sum of each
        row's losses and by how much the row counts: its tokens, or 1. The training's loss on a
        batch is the sum of the one divided by the sum of the other.
    also
        The same by other definitions of trainers.
    supported
        Whether a training can be traced by it.
    """

    name: str
    remedy: str
    rows: Callable[[FloatArray], Sums]
    also: tuple[Callable[[FloatArray], Sums], ...] = ()
    supported: bool = True


def classifier_reading(
    examples: Examples, name: str, outputs: Outputs, loss: TrainingLoss
) -> Reading:
    """Return the reading that was taken of a classifier's labels."""
    weights = loss.class_weights
    return Reading(
        f"{name} by {_loss_name(examples.kind, loss)}", "", _by(outputs, examples.labels, weights)
    )


def other_losses(examples: Examples, taken: TrainingLoss) -> Iterator[Reading]:
    """Yield readings of the same labels by other losses."""
    labels = torch.tensor(examples.labels)

    def unsupported(name: str, loss: Callable[[Tensor], Tensor]) -> Reading:
        return Reading(name, _UNKNOWN, _torch(loss), supported=False)

    if examples.kind == "class":
        classes = len(examples.label_names)
        if taken != TrainingLoss():
            yield Reading(
                "plain cross-entropy",
                "leave the settings of the loss out",
                _torch(_entropy(labels)),
            )
        for smoothing in (0.1, 0.2):
            if taken.label_smoothing != smoothing:
                yield Reading(
                    f"cross-entropy with {smoothing:g} of label smoothing",
                    f"say so by {option('label_smoothing', smoothing)}",
                    _torch(_entropy(labels, smoothing)),
                )
        if taken.class_weights is None and classes > 1:
            counts = np.bincount(examples.labels, minlength=classes)
            weights = tuple(round(float(one), 4) for one in counts.sum() / counts.clip(1) / classes)
            if max(weights) > 1.2 * min(weights):
                yield Reading(
                    "cross-entropy with balanced class weights",
                    f"say so by {option('class_weights', weights)}",
                    _weighted(labels, weights),
                )
        yield unsupported("focal loss (γ = 2)", _focal(labels))
        hot = F.one_hot(labels.clamp(min=0), classes).double()
        yield unsupported("binary cross-entropy of each class", _binary(hot))
        yield unsupported("squared error of each class", lambda f: (f - hot).square().mean(1))
        return
    wide = labels.double()
    if examples.kind == "number":
        if bool(((wide >= 0) & (wide <= 1)).all()):
            if bool(((wide == 0) | (wide == 1)).all()):
                said = f"say so by {option('kind', 'set')}"
                yield Reading("binary cross-entropy", said, _torch(_binary(wide)))
            else:
                yield unsupported("binary cross-entropy", _binary(wide))
        yield unsupported("absolute error", lambda f: (f - wide).abs().mean(1))
        yield unsupported(
            "Huber's loss", lambda f: F.smooth_l1_loss(f, wide, reduction="none").mean(1)
        )
        return
    if wide.shape[1] == 1:
        said = f"say so by {option('kind', 'number')}"
        yield Reading("squared error", said, _torch(lambda f: (f - wide).square().mean(1)))
        return

    def focal(scores: Tensor) -> Tensor:
        loss = F.binary_cross_entropy_with_logits(scores, wide, reduction="none")
        return ((1 - (-loss).exp()).square() * loss).mean(1)

    yield unsupported("binary focal loss (γ = 2)", focal)


def other_columns(
    columns: Mapping[str, Examples], outputs: Outputs, loss: TrainingLoss
) -> Iterator[Reading]:
    """Yield readings by other columns of the file."""
    for name, examples in columns.items():
        yield Reading(
            f"`{name}`",
            f"name it by {option('label', name)}",
            _by(outputs, examples.labels, loss.class_weights),
        )


def other_order(
    examples: Examples, outputs: Outputs, loss: TrainingLoss, scores: FloatArray
) -> Iterator[Reading]:
    """Yield the best order of the labels by what a model says, where it is another one."""
    from scipy.optimize import linear_sum_assignment

    count = len(examples.label_names)
    if examples.kind != "class" or not 1 < count == scores.shape[1]:
        return
    wide = torch.from_numpy(scores).double()
    cost = np.zeros((count, count))  # of giving a label the place of a class
    for place in range(count):
        losses = outputs.losses(wide, torch.full((len(wide),), place)).numpy()
        cost[:, place] = np.bincount(examples.labels, weights=losses, minlength=count)
    _, places = linear_sum_assignment(cost)
    if (places == np.arange(count)).all():
        return
    names = [""] * count
    for label, place in enumerate(places.tolist()):
        names[place] = examples.label_names[label]
    yield Reading(
        f"the order of labels {', '.join(names)}",
        f"say so by {option('label_names', tuple(names))}",
        _by(outputs, places[examples.labels], loss.class_weights),
    )


def token_reading(name: str, remedy: str, encoded: Encoded, mask: Mask) -> Reading:
    """Return the reading of a language model's tokens where `mask` says so.

    Where all tokens of a row but the first count, many trainers divide by the number of all of them
    though nothing foretells the first one (transformers up to 5, and later for models whose class
    is not named after its task).
    """

    def rows(values: FloatArray) -> Sums:
        return by_row(values, mask, encoded)

    def with_first(values: FloatArray) -> Sums:
        sums, counts = by_row(values, mask, encoded)
        return sums, counts + 1

    whole = bool(mask.sum() >= len(encoded.ids) - len(encoded))
    return Reading(name, remedy, rows, (with_first,) if whole else ())


def _loss_name(kind: str, loss: TrainingLoss) -> str:
    if kind == "number":
        return "squared error"
    if kind == "set":
        return "binary cross-entropy"
    with_ = [f"{loss.label_smoothing:g} of label smoothing"] if loss.label_smoothing else []
    with_ += ["class weights"] if loss.class_weights else []
    return "cross-entropy" + (f" with {' and '.join(with_)}" if with_ else "")


def _by(
    outputs: Outputs, labels: Labels, weights: tuple[float, ...] | None
) -> Callable[[FloatArray], Sums]:
    given = torch.tensor(labels)
    given = given.double() if given.is_floating_point() else given

    def rows(scores: FloatArray) -> Sums:
        losses = outputs.losses(torch.from_numpy(scores).double(), given).numpy()
        # As torch.nn.CrossEntropyLoss, which divides by the sum of the weights.
        counts = np.ones(len(labels)) if weights is None else np.array(weights)[labels]
        return losses, counts

    return rows


def _torch(loss: Callable[[Tensor], Tensor]) -> Callable[[FloatArray], Sums]:
    def rows(scores: FloatArray) -> Sums:
        losses = loss(torch.from_numpy(scores).double()).numpy()
        return losses, np.ones(len(losses))

    return rows


def _entropy(labels: Tensor, smoothing: float = 0.0) -> Callable[[Tensor], Tensor]:
    return lambda f: F.cross_entropy(f, labels, reduction="none", label_smoothing=smoothing)


def _weighted(labels: Tensor, weights: tuple[float, ...]) -> Callable[[FloatArray], Sums]:
    counts = np.array(weights)[labels.numpy()]
    plain = _torch(_entropy(labels))
    return lambda scores: (plain(scores)[0] * counts, counts)


def _focal(labels: Tensor) -> Callable[[Tensor], Tensor]:
    def loss(scores: Tensor) -> Tensor:
        entropy = F.cross_entropy(scores, labels, reduction="none")
        return (1 - (-entropy).exp()).square() * entropy

    return loss


def _binary(wide: Tensor) -> Callable[[Tensor], Tensor]:
    return lambda f: F.binary_cross_entropy_with_logits(f, wide, reduction="none").mean(1)

"""The meaning of a model's scores for each kind of label: loss, prediction, probability."""

from __future__ import annotations

from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from wordtrace.data.labelling import Kind


class Outputs(Protocol):
    """How scores, float of shape (batch, outputs), go with labels (:class:`.Labelling`)."""

    def losses(self, scores: Tensor, labels: Tensor) -> Tensor:
        """Return the training loss of each example, shape (batch,)."""
        ...

    def predicted(self, scores: Tensor) -> Tensor:
        """Return what the model predicts, as labels."""
        ...

    def probability(self, scores: Tensor, labels: Tensor) -> Tensor:
        """Return the probability of each label, shape (batch,); NaN where there is none."""
        ...

    def values(self, scores: Tensor) -> Tensor:
        """Return probabilities, or the numbers themselves, of the scores' shape."""
        ...

    def towards(self, scores: Tensor, labels: Tensor) -> Tensor:
        """Return the score that speaks for each label, shape (batch,), before any softmax."""
        ...


class Classes:
    """One class of several: softmax and cross-entropy.

    Parameters
    ----------
    targets
        From :meth:`.models.loss.TrainingLoss.targets`; None: the loss is plain cross-entropy.
    """

    def __init__(self, targets: Tensor | None = None) -> None:
        self.targets = targets

    def losses(self, scores: Tensor, labels: Tensor) -> Tensor:
        """Return −log softmax(scores)[label]; with targets t, −Σ_j t_j log softmax(scores)_j."""
        if self.targets is None:
            return F.cross_entropy(scores, labels, reduction="none")
        asked = self.targets.to(scores.device)[labels]
        return -(scores.log_softmax(1) * asked).sum(1)

    def predicted(self, scores: Tensor) -> Tensor:
        """Return the class of the highest score, int64, shape (batch,)."""
        return scores.argmax(1)

    def probability(self, scores: Tensor, labels: Tensor) -> Tensor:
        """Return softmax(scores)[label]."""
        return scores.softmax(1).gather(1, labels.unsqueeze(1)).squeeze(1)

    def values(self, scores: Tensor) -> Tensor:
        """Return softmax(scores)."""
        return scores.softmax(1)

    def towards(self, scores: Tensor, labels: Tensor) -> Tensor:
        """Return the label's score."""
        return scores.gather(1, labels.unsqueeze(1)).squeeze(1)


class Sets:
    """Several classes for each text, by sigmoids and binary cross-entropy.

    NaN entries of a label are not asked about: they have no part in a loss or a probability.
    """

    def losses(self, scores: Tensor, labels: Tensor) -> Tensor:
        """Return the mean binary cross-entropy over the classes asked about."""
        asked = ~labels.isnan()
        terms = F.binary_cross_entropy_with_logits(scores, labels.nan_to_num(0), reduction="none")
        return (terms * asked).sum(1) / asked.sum(1).clamp(min=1)

    def predicted(self, scores: Tensor) -> Tensor:
        """Return 1 where the probability is over a half, float32, shape (batch, classes)."""
        return (scores > 0).float()

    def probability(self, scores: Tensor, labels: Tensor) -> Tensor:
        """Return the product of the probabilities that each class asked about is as labelled."""
        asked = ~labels.isnan()
        signed = scores * (2 * labels.nan_to_num(0) - 1)
        return (F.logsigmoid(signed) * asked).sum(1).exp()

    def values(self, scores: Tensor) -> Tensor:
        """Return each class's probability."""
        return scores.sigmoid()

    def towards(self, scores: Tensor, labels: Tensor) -> Tensor:
        """Return the sum of the scores, those of classes that are not there turned round."""
        return (scores * (2 * labels - 1).nan_to_num(0)).sum(1)


class Number:
    """One number, by squared error; a label of ±inf asks what moves the value up or down."""

    def losses(self, scores: Tensor, labels: Tensor) -> Tensor:
        """Return (value − label)²; −value where what makes it higher is asked, else +value."""
        value, label = scores[:, 0], labels[:, 0]
        asked = label.isinf()
        # The infinite label is kept out of the square: its gradient would be NaN in both branches.
        squared = (value - label.masked_fill(asked, 0)).square()
        return torch.where(asked, -label.sign() * value, squared)

    def predicted(self, scores: Tensor) -> Tensor:
        """Return the value, float32, shape (batch, 1)."""
        return scores.float()

    def probability(self, scores: Tensor, labels: Tensor) -> Tensor:
        """Return NaN: a number has no probability."""
        return torch.full_like(scores[:, 0], torch.nan)

    def values(self, scores: Tensor) -> Tensor:
        """Return the number."""
        return scores

    def towards(self, scores: Tensor, labels: Tensor) -> Tensor:
        """Return the value; turned round where what makes it lower is asked."""
        return scores[:, 0] * torch.where(labels[:, 0] == -torch.inf, -1.0, 1.0)


class Completions:
    """A language model's one score: the mean log-probability of the completion's tokens."""

    def losses(self, scores: Tensor, labels: Tensor) -> Tensor:
        """Return the mean loss of each completion's tokens."""
        return -scores[:, 0]

    def predicted(self, scores: Tensor) -> Tensor:
        """Return 0, since there is only one label."""
        return scores.argmax(1)

    def probability(self, scores: Tensor, labels: Tensor) -> Tensor:
        """Return the geometric mean of the tokens' probabilities."""
        return scores[:, 0].exp()

    def values(self, scores: Tensor) -> Tensor:
        """Return the geometric mean of the tokens' probabilities."""
        return scores.exp()

    def towards(self, scores: Tensor, labels: Tensor) -> Tensor:
        """Return the mean log-probability."""
        return scores[:, 0]


#: The outputs of a classifier, by the kind of its labels.
OUTPUTS: dict[Kind, Outputs] = {"class": Classes(), "set": Sets(), "number": Number()}

"""The weighted loss of a batch, against the losses that transformers computes of its rows alone."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch

from wordtrace.retrainers.replay_loss import classifier_loss, foretold, language_loss
from wordtrace.run.replay_record import Loss

transformers = pytest.importorskip("transformers")
ROWS = 5
WEIGHTS = torch.tensor([1.0, 0.0, 1.0, 0.5, 2.0])


def drawn(*shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(len(shape)))


def labels_of(kind: str) -> torch.Tensor:
    if kind == "class":
        return torch.tensor([0, 2, 1, 1, 0])
    return (drawn(ROWS, 3) > 0).float() if kind == "set" else drawn(ROWS, 3)[:, 0]


@pytest.mark.parametrize("kind", ["class", "set", "number"])
@pytest.mark.parametrize("items", [None, 9])
def test_a_classifier_s_loss_is_the_sum_of_its_rows(kind: Any, items: int | None) -> None:
    from transformers.loss.loss_utils import ForSequenceClassificationLoss

    problem = {"class": "single_label_classification", "set": "multi_label_classification"}
    outputs = 1 if kind == "number" else 3
    config = SimpleNamespace(num_labels=outputs, problem_type=problem.get(kind, "regression"))
    scores, labels = drawn(ROWS, 3)[:, :outputs], labels_of(kind)

    def own(rows: slice) -> torch.Tensor:
        return ForSequenceClassificationLoss(labels[rows], scores[rows], config)

    count = ROWS if items is None or kind != "class" else items
    alone = [own(slice(row, row + 1)) for row in range(ROWS)]
    expected = sum(weight * loss for weight, loss in zip(WEIGHTS, alone, strict=True)) / count
    found = classifier_loss(scores, labels, WEIGHTS, kind, 0.0, items)
    torch.testing.assert_close(found, expected)
    whole = classifier_loss(scores, labels, torch.ones(ROWS), kind, 0.0, None)
    torch.testing.assert_close(whole, own(slice(None)))


@pytest.mark.parametrize("items", [None, 20])
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_a_language_model_s_loss_is_the_sum_of_its_rows(
    items: int | None, smoothing: float
) -> None:
    from transformers.loss.loss_utils import ForCausalLMLoss
    from transformers.trainer_pt_utils import LabelSmoother

    scores = drawn(ROWS, 6, 7)
    labels = torch.randint(0, 7, (ROWS, 6), generator=torch.Generator().manual_seed(1))
    labels[:, :2] = -100
    labels[1, 3] = labels[4, 5] = -100

    def own(rows: slice, count: int | None = None) -> torch.Tensor:
        if not smoothing:
            return ForCausalLMLoss(scores[rows], labels[rows], 7, count)
        given = {"logits": scores[rows]}
        return LabelSmoother(smoothing)(given, labels[rows], True, num_items_in_batch=count)

    counted = int((labels[:, 1:] != -100).sum())
    alone = [own(slice(row, row + 1), items or counted) for row in range(ROWS)]
    expected = sum(weight * loss for weight, loss in zip(WEIGHTS, alone, strict=True))
    targets = foretold(labels)
    asked = scores[targets != -100]
    found = language_loss(asked, targets, WEIGHTS, Loss(), smoothing, items, counted)
    torch.testing.assert_close(found, expected)
    ones = torch.ones(ROWS)
    whole = language_loss(asked, targets, ones, Loss(), smoothing, items, counted)
    torch.testing.assert_close(whole, own(slice(None), items))


def test_a_batch_of_nothing_but_rows_that_are_left_out_has_gradient_0() -> None:
    scores = drawn(ROWS, 3).requires_grad_()
    loss = classifier_loss(scores, labels_of("class"), torch.zeros(ROWS), "class", 0.0, None)
    loss.backward()
    assert float(loss.detach()) == 0
    assert not scores.grad.any()

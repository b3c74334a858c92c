"""The one number by which an effect is measured, and what a retrainer may give."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import wordtrace as wt
from wordtrace.data.labelling import Labelling
from wordtrace.errors import InputError, NumericalError
from wordtrace.models.outputs import OUTPUTS, Completions
from wordtrace.retrainers.ask import value
from wordtrace.retrainers.outcomes import bound_of, on_held_out, outcome, right
from wordtrace.retrainers.retrain import Retraining, answer, change_of
from wordtrace.retrainers.retrainer import Said
from wordtrace.statistics.paired import estimate

NAMES = ("a", "b", "c")
CLASSES, SETS = Labelling("class", NAMES), Labelling("set", NAMES)
ANSWERS, NUMBERS = Labelling("class", ("completion",)), Labelling("number", ())


def scores_of(seed: int, outputs: int) -> torch.Tensor:
    drawn = np.random.default_rng(seed).normal(scale=4, size=(7, outputs))
    return torch.from_numpy(drawn)


@settings(max_examples=80)
@given(st.integers(0, 10**6))
def test_it_is_the_probability_that_the_models_outputs_give(seed: int) -> None:
    generator = np.random.default_rng(seed)
    scores = scores_of(seed, 3)
    label = int(generator.integers(3))
    asked = torch.full((7,), label)
    classes = OUTPUTS["class"]
    np.testing.assert_allclose(
        value(CLASSES, classes.values(scores).numpy(), label), classes.probability(scores, asked)
    )
    row = generator.choice([0.0, 1.0, np.nan], 3).astype(np.float32)
    row[generator.integers(3)] = 1
    sets = OUTPUTS["set"]
    np.testing.assert_allclose(
        value(SETS, sets.values(scores).numpy(), row),
        sets.probability(scores, torch.from_numpy(row).expand(7, 3)),
        rtol=1e-9,
    )
    logs = -scores_of(seed, 1).abs()
    np.testing.assert_allclose(
        value(ANSWERS, Completions().values(logs).numpy(), 0),
        Completions().probability(logs, torch.zeros(7, dtype=torch.long)),
    )


@settings(max_examples=80)
@given(st.integers(0, 10**6))
def test_a_label_is_right_where_it_is_what_the_outputs_predict(seed: int) -> None:
    generator = np.random.default_rng(seed)
    scores = scores_of(seed, 3)
    for labelling, kind in ((CLASSES, "class"), (SETS, "set")):
        outputs: Any = OUTPUTS[kind]  # type: ignore[index]
        predicted = outputs.predicted(scores).numpy()
        said = outputs.values(scores).numpy()
        one = predicted[int(generator.integers(7))].copy()
        if kind == "set":
            one[int(generator.integers(3))] = np.nan
        agrees = labelling.agree(predicted, one)
        assert agrees.any()
        np.testing.assert_array_equal(right(labelling, said, one), agrees)
        assert right(labelling, said, predicted).all()


def fake(labelling: Labelling, train: Any = None, held_out: Any = None) -> Any:
    generates = labelling == ANSWERS
    return SimpleNamespace(
        labelling=labelling,
        label_names=labelling.names,
        generates=generates,
        train=SimpleNamespace(labels=train),
        held_out=held_out,
    )


def test_a_number_or_an_answer_is_not_right_or_wrong() -> None:
    for labelling in (NUMBERS, ANSWERS):
        label = np.array([np.inf]) if labelling == NUMBERS else 0
        found = outcome(fake(labelling), np.array([[0.25], [0.75]]), label)
        assert found == {"mean": 0.5, "values": [0.25, 0.75], "right": None}
    found = outcome(fake(SETS), np.array([[0.9, 0.2, 0.6], [0.9, 0.8, 0.1]]), SETS.parse("not b"))
    assert found["right"] == 1
    assert found["values"] == pytest.approx([0.8, 0.2])


def test_intervals_of_numbers_have_no_bounds_but_where_nothing_varies() -> None:
    run = fake(NUMBERS, train=np.array([[1.0], [9.0]], np.float32))
    far = estimate([10.0, 90.0], bound_of(run, [10.0, 90.0]))
    assert far.high - far.mean == pytest.approx(12.706 * 40, rel=1e-3)
    still = estimate([0.0, 0.0, 0.0], bound_of(run, [0.0, 0.0, 0.0]))
    assert -8 < still.low < 0 < still.high < 8
    assert bound_of(fake(CLASSES), [0.0, 0.0]) == 1
    assert bound_of(fake(CLASSES), [0.3, 0.1], differences=2) == 2


def test_held_out_rows_are_judged_by_accuracy_or_by_loss() -> None:
    sets = SimpleNamespace(labels=np.array([[1, 0, 1], [0, 0, 0]], np.float32))
    said = np.array([[0.9, 0.1, 0.6], [0.1, 0.7, 0.2]])
    assert on_held_out(fake(SETS), sets, said) == {"accuracy": 0.5, "loss": None}  # type: ignore[arg-type]
    numbers = SimpleNamespace(labels=np.array([[1.0], [4.0]], np.float32))
    found = on_held_out(fake(NUMBERS), numbers, np.array([[2.0], [2.0]]))  # type: ignore[arg-type]
    assert found == {"accuracy": None, "loss": 2.5}
    answers = SimpleNamespace(labels=np.zeros(2, np.int64))
    found = on_held_out(fake(ANSWERS), answers, np.array([[0.5], [0.25]]))  # type: ignore[arg-type]
    assert found["loss"] == pytest.approx((np.log(2) + np.log(4)) / 2)


@pytest.mark.parametrize(
    ("labelling", "given", "message"),
    [
        (SETS, np.zeros((2, 2)), r"probabilities of the probes .* 2 texts and 3 classes need \(2,"),
        (NUMBERS, np.zeros((2, 3)), r"the retrainer's numbers .* and one value each need \(2, 1\)"),
        (ANSWERS, np.zeros(2), r"have the shape \(2,\); 2 texts and one value each need \(2, 1\)"),
        (CLASSES, np.full((2, 3), 3.2), "hold 3.2; give probabilities from 0 to 1, not scores"),
        (ANSWERS, np.full((2, 1), -0.7), "hold -0.7; give probabilities from 0 to 1, not scores"),
    ],
)
def test_what_a_retrainer_says_has_the_shape_of_the_outputs(
    labelling: Labelling, given: Any, message: str
) -> None:
    task = Retraining("run", "print", 1, (), (("one", None), ("two", None)))
    with pytest.raises(InputError, match=message):
        answer(fake(labelling), task, Said(given), 0.1)


def test_numbers_may_be_any_but_not_infinite() -> None:
    task = Retraining("run", "print", 1, (), (("one", None),))
    found = answer(fake(NUMBERS), task, Said(np.array([[-812.5]])), 0.1)
    assert found["probabilities"] == [[-812.5]]
    assert (found["accuracy"], found["loss"]) == (None, None)
    with pytest.raises(NumericalError, match="scores are not finite"):
        answer(fake(NUMBERS), task, Said(np.array([[np.inf]])), 0.1)


@pytest.mark.slow
def test_rows_of_sets_and_numbers_get_other_labels(
    made_of: Callable[[str], tuple[Any, wt.Run]],
) -> None:
    for kind, spelled, label in (("set", "{money, film}", [0, 1, 1]), ("number", "-2.5", [-2.5])):
        _, run = made_of(kind)
        task = Retraining(
            str(run.path), run.fingerprint, 1, (3,), (("x", None),), ((2, spelled), (3, spelled))
        )
        change = change_of(run, task)
        np.testing.assert_array_equal(change.labels[[2, 3]], [label, label])
        others = np.delete(np.arange(len(run.train)), [2, 3])
        np.testing.assert_array_equal(change.labels[others], run.train.labels[others])
        assert change.weights.tolist() == [float(row != 3) for row in range(len(run.train))]
        assert change.labels.dtype == run.train.labels.dtype

"""Cancellation by layer equals explicit loops over examples and pairs, with plain autograd."""

from __future__ import annotations

import runpy
from itertools import combinations, pairwise
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.oracles import dense
from tests.tiny_models import bert, gpt2, tiny_run
from wordtrace import api
from wordtrace.analysis.cancellation import Cancellation, cancellation
from wordtrace.errors import InputError
from wordtrace.gradients.layers import known_layers

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "sparse_linear.py"


@pytest.fixture(scope="module", params=["cnn", "bert", "gpt2"])
def any_run(request: pytest.FixtureRequest):
    if request.param == "cnn":
        return request.getfixturevalue("run")
    return tiny_run({"bert": bert, "gpt2": gpt2}[request.param], 24)


@pytest.fixture(scope="module")
def measured(any_run) -> Cancellation:
    return cancellation(any_run)


def points_of(run) -> list:
    points = [*run.checkpoints]
    return points if points[-1].step == run.final.step else [*points, run.final]


def gradients_of(run, point, name: str) -> list[torch.Tensor]:
    model = run.model(point)
    return [
        dense.parameter_gradients(model, run.encoded[row].tolist(), int(label), [name])[0].flatten()
        for row, label in enumerate(run.train.labels)
    ]


def mean_cosine(gradients: list[torch.Tensor], pairs) -> float:
    return float(
        np.mean([torch.cosine_similarity(gradients[i], gradients[j], 0) for i, j in pairs])
    )


def test_every_parameter_of_the_model_is_measured(any_run, measured: Cancellation) -> None:
    names = dict(any_run.model(any_run.final).module.named_parameters())
    assert [f"{one.layer}.{one.part}" for one in measured.parameters] == list(names)
    assert [one.size for one in measured.parameters] == [one.numel() for one in names.values()]


@pytest.mark.parametrize("place", [0, 1, 2, -2, -1])
def test_sums_and_cosines_equal_explicit_loops(any_run, measured, place: int) -> None:
    found = measured.parameters[place]
    name = f"{found.layer}.{found.part}"
    points = points_of(any_run)
    moved = gradient_sum = 0.0
    for one, other in pairwise(points):
        a, b = (dict(any_run.model(p).module.named_parameters())[name] for p in (one, other))
        moved += float((b.double() - a.double()).norm())
    labels = any_run.train.labels
    pairs = list(combinations(range(len(labels)), 2))
    same = [(i, j) for i, j in pairs if labels[i] == labels[j]]
    different = [(i, j) for i, j in pairs if labels[i] != labels[j]]
    cosines = []
    for point in points[:-1]:
        gradients = gradients_of(any_run, point, name)
        gradient_sum += float(sum(one.norm() for one in gradients))
        cosines.append([mean_cosine(gradients, some) for some in (pairs, same, different)])
    assert found.gradients == pytest.approx(gradient_sum, rel=1e-4)
    assert found.movement == pytest.approx(moved, rel=1e-5)
    assert found.cancellation == pytest.approx(gradient_sum / moved, rel=1e-4)
    right = np.mean(cosines, axis=0)
    np.testing.assert_allclose(
        [found.cosine, found.same_label, found.different_label], right, atol=2e-4
    )


def test_little_memory_changes_no_figure(any_run, measured: Cancellation) -> None:
    tight = cancellation(any_run, memory=1 << 14)
    for one, other in zip(measured.parameters, tight.parameters, strict=True):
        assert one.gradients == pytest.approx(other.gradients, rel=1e-5)
        assert one.cosine == pytest.approx(other.cosine, abs=1e-5)


def test_a_sample_stands_for_all_rows(run) -> None:
    whole, some, again = (cancellation(run, limit=count, seed=1) for count in (None, 60, 60))
    assert (some.examples, some.training_examples) == (60, len(run.train))
    assert some == again
    assert some != cancellation(run, limit=60, seed=2)
    for one, other in zip(whole.parameters, some.parameters, strict=True):
        assert other.gradients == pytest.approx(one.gradients, rel=0.35)
        assert other.movement == one.movement


def test_a_parameter_that_never_changed_has_no_ratio() -> None:
    run = tiny_run(bert, 12)
    for model in run.models[1:]:
        model.module.load_state_dict(run.models[0].module.state_dict())
    found = cancellation(run, ["last"]).parameters
    assert [one.movement for one in found] == [0, 0]
    assert [one.cancellation for one in found] == [None, None]
    assert all(one.gradients > 0 for one in found)


def test_layers_come_in_the_models_order_and_by_the_papers_names(run) -> None:
    assert [one.layer for one in cancellation(run, ["last", "second"]).parameters] == [
        "convolutions.0",
        "convolutions.0",
        "linear",
        "linear",
    ]


def test_wrong_arguments_are_one_sentence(run) -> None:
    known = ", ".join(known_layers(run.model(run.final)))
    with pytest.raises(InputError, match=known):
        cancellation(run, ["attention"])
    with pytest.raises(InputError, match="at least one"):
        cancellation(run, [])
    with pytest.raises(InputError, match="limit is 1"):
        cancellation(run, limit=1)
    single = tiny_run(bert, 12)
    single.checkpoints = single.checkpoints[-1:]
    with pytest.raises(InputError, match="single checkpoint"):
        cancellation(single)


def test_a_label_of_one_example_has_no_pair_of_its_own() -> None:
    run = tiny_run(bert, 12)
    labels = [0] * 11 + [1]
    run.train = api.Examples.of(run.train.texts, labels, run.train.label_names)
    labelled = cancellation(run, ["last"]).parameters[0]
    assert labelled.same_label is not None
    run.train = api.Examples.of(run.train.texts, [0] * 12, run.train.label_names)
    single = cancellation(run, ["last"]).parameters[0]
    assert single.same_label == single.cosine
    assert single.different_label is None


def test_what_rounding_leaves_of_a_gradient_counts_for_nothing() -> None:
    """Adding to all keys the same changes no attention: the key bias has no gradient."""
    run = tiny_run(bert, 12)
    keys = [one for one in cancellation(run).parameters if one.layer.endswith("key")]
    assert [one.part for one in keys] == ["weight", "bias"] * 2
    assert [one.gradients > 0 for one in keys] == [True, False] * 2
    assert keys[1].cosine is None
    assert keys[1].cancellation == 0


def test_example_3_1_a_bias_that_never_moves_dominates_influence(capsys) -> None:
    found = runpy.run_path(str(EXAMPLE))["main"]()
    assert abs(found["bias"]) < 1e-12
    assert found["largest_weight"] > 1
    assert found["bias_share"] > 0.9
    assert found["agreement_without_bias"] > found["agreement_with_bias"] + 0.2
    assert "share of |influence| by the bias" in capsys.readouterr().out

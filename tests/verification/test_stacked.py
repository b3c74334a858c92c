"""Models trained as one are the models trained one by one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

import wordtrace as wt
from tests.conftest import make_examples
from tests.retrained import retrained
from wordtrace.errors import InputError, WordtraceError
from wordtrace.execute.protocol import Lost
from wordtrace.retrainers import stacked
from wordtrace.retrainers.material import CNNMaterial, cut
from wordtrace.retrainers.own import own_retrainer
from wordtrace.retrainers.retrain import Retraining, retrain
from wordtrace.retrainers.stacked import Stacked, Stacks
from wordtrace.verification.tasks import run_tasks

PROBES = (("goal of the season", None), ("profit and debt for the bank", None), ("oscar", None))
RECIPES: dict[str, dict[str, Any]] = {
    "momentum": {"momentum": 0.9},
    "decay": {"momentum": 0.5, "weight_decay": 0.02, "schedule": "linear"},
    "adamw": {"optimizer": "adamw", "weight_decay": 0.3, "learning_rate": 0.01},
    "frozen": {"freeze_embeddings": True, "weight_decay": 0.01},
}


@pytest.fixture(scope="module", params=list(RECIPES))
def trained(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> wt.Run:
    # 43 rows: the last batch of an epoch is smaller.
    settings = {"learning_rate": 0.07, **RECIPES[request.param]}
    folder = tmp_path_factory.mktemp(request.param) / "run"
    shape = {"epochs": 2, "batch_size": 8, "max_length": 14, "dim": 12, "filters": 6}
    data = make_examples(54)
    return wt.train(data, folder, eval_fraction=0.2, vocabulary=200, **shape, **settings)


def wanted(run: wt.Run) -> list[Retraining]:
    """Two seeds; nothing, some and many rows left out; another label; a blanked word."""
    one = Retraining(str(run.path), run.fingerprint, 3, (), PROBES)
    return [
        one,
        replace(one, removed=(2, 7, 11)),
        replace(one, seed=8, removed=tuple(range(5, 30))),
        replace(one, relabelled=((4, 2), (9, 0))),
        replace(one, blanked=((1, 2), (6, 1)), removed=(0,)),
        replace(one, seed=8),
    ]


def test_a_stack_is_separate_trainings(trained: wt.Run) -> None:
    tasks = wanted(trained)
    alone = [retrained(trained, task) for task in tasks]
    found = dict(Stacks(Stacked(), 6).run(retrain, tasks))
    probabilities = np.array([one["probabilities"] for one in alone])
    # The case is not trivial: each task ends elsewhere.
    for place in range(len(tasks)):
        others = np.delete(probabilities, place, 0)
        assert np.abs(others - probabilities[place]).max((1, 2)).min() > 1e-3
    for task, expected in zip(tasks, alone, strict=True):
        one = found[task]
        assert not isinstance(one, Lost)
        np.testing.assert_allclose(one["probabilities"], expected["probabilities"], atol=2e-5)
        assert one["accuracy"] == expected["accuracy"]


def test_stacks_and_processes_share_one_store(own: wt.Run, monkeypatch: pytest.MonkeyPatch) -> None:
    tasks = wanted(own)
    plain, together = own_retrainer(own, "verify"), own_retrainer(own, "verify", "stacked")
    first = run_tasks(own, tasks[:2], plain, 1)
    sizes: list[int] = []
    real = stacked.train_together

    def counted(material: Any, part: Any, device: Any) -> Any:
        sizes.append(len(part))
        return real(material, part, device)

    monkeypatch.setattr(stacked, "train_together", counted)
    found = run_tasks(own, tasks, together, 3, executor="stacked")
    assert sizes == [3, 1]  # what was trained before is not trained again
    assert {key: found[key] for key in first} == first
    assert run_tasks(own, tasks, plain, 1) == found
    assert sizes == [3, 1]


def test_a_study_in_stacks_is_the_study_in_processes(own: wt.Run, run: wt.Run) -> None:
    small: dict[str, Any] = {"measures": ["tracin-we-topk"], "lds": 0, "k": [2, 7], "repeats": 2}
    expected = wt.evaluate(run, 3, workers=1, **small).table()
    found = wt.evaluate(own, 3, executor="stacked", **small).table()
    for name in ("effect", "random"):
        np.testing.assert_allclose(found[name].to_numpy(), expected[name].to_numpy(), atol=1e-4)


def test_a_model_that_breaks_is_tried_again_and_the_others_stay(own: wt.Run) -> None:
    tasks = wanted(own)[:3]
    alone = [retrained(own, task) for task in tasks]
    broken = replace(tasks[1], seed=99)
    real = CNNMaterial.start
    seen: list[int] = []

    def sick(material: CNNMaterial, seed: int) -> Any:
        model = real(material, seed)
        if seed == 99:
            seen.append(seed)
            model.linear.weight.data[0, 0] = float("nan")
        return model

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(CNNMaterial, "start", sick)
        found = dict(Stacks(Stacked(), 2).run(retrain, [tasks[0], broken, *tasks[1:]]))
    assert len(seen) == 2
    assert "not finite at step 1 of a retraining with seed 99" in found[broken].reason
    assert found[broken].reason.endswith("(tried 2 times)")
    for task, expected in zip(tasks, alone, strict=True):
        np.testing.assert_allclose(
            found[task]["probabilities"], expected["probabilities"], atol=2e-5
        )


def test_what_does_not_fit_is_halved(own: wt.Run, monkeypatch: pytest.MonkeyPatch) -> None:
    tasks = wanted(own)
    sizes: list[int] = []
    real = stacked.train_together

    def small(material: Any, part: Any, device: Any) -> Any:
        sizes.append(len(part))
        if len(part) > 2:
            raise torch.OutOfMemoryError("out of memory")
        return real(material, part, device)

    monkeypatch.setattr(stacked, "train_together", small)
    assert len(dict(Stacks(Stacked(), 6).run(retrain, tasks))) == len(tasks)
    assert sizes == [6, 3, 1, 1, 1, 1, 1, 1]

    def never(material: Any, part: Any, device: Any) -> Any:
        raise torch.OutOfMemoryError("out of memory")

    monkeypatch.setattr(stacked, "train_together", never)
    with pytest.raises(InputError, match="does not hold one model; use executor='processes'"):
        list(Stacks(Stacked(), 6).run(retrain, tasks))


def test_as_many_as_fit(own: wt.Run, monkeypatch: pytest.MonkeyPatch) -> None:
    material = cut(own, PROBES)
    each = stacked.bytes_a_model(material)
    assert each > 4 * 3 * len(material.tokens) * own.config.dim
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (10 * each, 10**12))
    assert stacked.fitting(material, torch.device("cuda")) == 7
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (1, 10**12))
    assert stacked.fitting(material, torch.device("cuda")) == 1
    assert stacked.fitting(material, torch.device("cpu")) == 256


def test_wrong_choices_are_one_sentence(own: wt.Run) -> None:
    together = own_retrainer(own, "verify", "stacked")
    with pytest.raises(InputError, match="workers is 0; it must be at least 1"):
        run_tasks(own, wanted(own), together, 0, executor="stacked")
    with pytest.raises(InputError, match="must be processes, ray, slurm or stacked"):
        run_tasks(own, wanted(own), together, 1, executor="stack")
    with pytest.raises(WordtraceError, match="address is of a Ray cluster"):
        run_tasks(own, wanted(own), together, 1, executor="stacked", address="auto")
    with pytest.raises(InputError, match="must be processes, ray or slurm"):
        wt.build_index(own, own.path.parent / "index", executor="stacked")

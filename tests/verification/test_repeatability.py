"""Whether a training that is not ours repeats, heeds its seed, and is the recorded one."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from scipy import stats

import wordtrace as wt
from wordtrace.data.labelling import Labelling
from wordtrace.errors import InputError
from wordtrace.evaluation.deletion import Deletion
from wordtrace.report.page import render_html
from wordtrace.retrainers.retrainer import Change, Said
from wordtrace.verification.likeness import Likeness, likeness
from wordtrace.verification.removal import Pool


@dataclass
class Knowing:
    """A training that knows the training rows by heart, less `errs` of a seed and a training."""

    errs: Callable[[int, int, int], np.ndarray]
    turned: int = 0
    settings: dict[str, Any] = field(default_factory=lambda: {"model": "knows"})
    trained: list[Change] = field(default_factory=list)

    def train(self, run: wt.Run, change: Change) -> Said:
        self.trained.append(change)
        known = dict(zip(run.train.texts, run.train.labels, strict=True))
        labels = [(known.get(text, 0) + self.turned) % 3 for text, _ in change.probes]
        scores = 3 * np.eye(3)[labels] + self.errs(change.seed, len(self.trained), len(labels))
        return Said(np.exp(scores) / np.exp(scores).sum(1, keepdims=True))


def by(spread: float, *seeds: int) -> np.ndarray:
    return spread * np.random.default_rng(seeds).normal(size=3)


@pytest.fixture(scope="module")
def trace(index: wt.Index) -> wt.Trace:
    return index.trace("profit of the bank and the striker", "money", top=30)


def verified(own: wt.Run, trace: wt.Trace, made: Knowing, **given: Any) -> dict[str, Any]:
    choices: dict[str, Any] = {"k": 3, "repeats": 3, "workers": 1} | given
    return wt.verify(trace, run=own, retrain=made, **choices).document()


def test_a_training_that_repeats_is_compared_in_pairs(own: wt.Run, trace: wt.Trace) -> None:
    """Only one model more is trained, and its probes are asked of no other."""
    made = Knowing(lambda seed, count, texts: by(0.3, seed))
    found = verified(own, trace, made)
    said = found["repeatability"]
    assert said["kind"] == "exactly"
    assert said["same"] == 0 < said["other"]
    assert said["likeness"]["measured"] == "share"
    assert said["likeness"]["retrained"] == 1
    assert found["retrainings"] == len(made.trained) == 3 * 4 + 1
    assert found["interval"] == "95 % t interval over 3 seeds"
    asked = [len(one.probes) for one in made.trained]
    assert asked == [1 + len(own.train)] * 3 + [1] * 10
    # Another question of the same rows: what was trained is found again.
    before = len(made.trained)
    assert verified(own, trace, made)["queries"] == found["queries"]
    assert len(made.trained) == before


def test_a_training_that_repeats_partly_stays_paired(own: wt.Run, trace: wt.Trace) -> None:
    made = Knowing(lambda seed, count, texts: by(0.3, seed) + by(0.02, count))
    found = verified(own, trace, made)
    assert found["repeatability"]["kind"] == "partly"
    assert 0 < found["repeatability"]["same"] < found["repeatability"]["other"]
    assert "Welch" not in found["interval"]


@pytest.mark.parametrize("sequential", [False, True])
def test_a_training_that_does_not_repeat_is_compared_in_groups(
    own: wt.Run, trace: wt.Trace, sequential: bool
) -> None:
    made = Knowing(lambda seed, count, texts: np.random.default_rng(count).normal(size=(texts, 3)))
    found = verified(own, trace, made, sequential=sequential)
    said = found["repeatability"]
    assert said["kind"] == "not"
    query = found["queries"][0]
    p = found["design"]["nominal_p"] or 0.05
    for control in query["controls"]:
        after, before = query["without"]["values"], control["values"]
        test = stats.ttest_ind(after, before, equal_var=False)
        difference = control["difference"]
        assert (difference["low"], difference["high"]) == pytest.approx(
            tuple(np.clip(test.confidence_interval(1 - p), -2, 2))
        )
    assert "Welch" in found["interval"]


def test_a_training_that_ignores_its_seed_is_refused(own: wt.Run, trace: wt.Trace) -> None:
    made = Knowing(lambda seed, count, texts: by(0.3, 7))
    with pytest.raises(InputError, match=r"seeds 6 and 7 predict exactly the same.* use {seed}\?"):
        verified(own, trace, made)
    assert len(made.trained) == 3


def studies(own: wt.Run, index: wt.Index, made: Knowing) -> dict[str, Callable[[], wt.Result]]:
    """Each study that trains by what is not ours, ready to be done."""
    choices: dict[str, Any] = {"retrain": made, "workers": 1}
    texts = ["the bank and the profit of the shares", "the coach and the goal of the striker"]
    here = wt.Index.open(index.folder.path, own.path)
    other = (own.predict(texts).argmax(1) + 1) % 3
    queries = wt.Examples.of(texts, other, own.label_names)
    small: dict[str, Any] = {"k": [2], "repeats": 2}
    return {
        "fix": lambda: here.fix(queries, actions=["remove"], measures=[], **small, **choices),
        "evaluate": lambda: wt.evaluate(
            own, queries, measures=["bm25"], **small, lds=3, width=1e-3, max_repeats=4, **choices
        ),
        "clusters": lambda: wt.clusters(own, queries, trainings=4, wrong=0.1, least=2, **choices),
    }


@pytest.mark.parametrize("study", ["fix", "evaluate", "clusters"])
def test_each_study_is_planned_as_a_whole_and_tries_its_training_out(
    own: wt.Run, index: wt.Index, study: str
) -> None:
    """All its batches are counted before; done again, nothing is trained."""
    made = Knowing(lambda seed, count, texts: by(0.3, seed) + by(0.02, count))
    do = studies(own, index, made)[study]
    plan = wt.plan(do)
    assert not made.trained
    found = do()
    assert plan.least <= len(made.trained) <= plan.most
    assert (plan.least < plan.most) == (study == "evaluate")
    if study != "evaluate":
        assert len(made.trained) == plan.most
    seeds = [one.seed for one in made.trained[:3]]
    assert seeds[0] == seeds[1] != seeds[2]
    assert all((one.weights == 1).all() for one in made.trained[:3])
    said = found.document()
    assert said["repeatability"]["kind"] == "partly"
    assert said.get("retrainings", len(made.trained)) == len(made.trained)
    page = render_html([said])
    assert "The training repeats partly: two models of one seed differ by" in page
    before = len(made.trained)
    again = wt.plan(do)
    assert again.least == 0
    assert again.kept + again.most == plan.most
    do()
    assert len(made.trained) == before


@pytest.mark.parametrize("study", ["fix", "evaluate", "clusters"])
def test_each_study_refuses_a_training_that_is_not_the_recorded_one(
    own: wt.Run, index: wt.Index, study: str
) -> None:
    alike = Knowing(lambda seed, count, texts: by(0.3, 7))
    with pytest.raises(InputError, match="predict exactly the same"):
        studies(own, index, alike)[study]()
    turned = Knowing(lambda seed, count, texts: by(0.3, seed), turned=1)
    turned.settings = {"model": "turned"}
    with pytest.raises(InputError, match="labels in another order"):
        studies(own, index, turned)[study]()
    assert len(alike.trained) == len(turned.trained) == 3


def test_mistakes_on_the_training_rows_need_no_seed(own: wt.Run) -> None:
    """Each half of the rows is a training of its own."""
    made = Knowing(lambda seed, count, texts: by(0.3, 7))
    with pytest.raises(InputError, match="there is no pattern to find"):
        wt.clusters(own, trainings=2, retrain=made, workers=1)
    assert len(made.trained) == 3 + 2


def test_models_that_share_nothing_are_not_compared_seed_by_seed() -> None:
    """Where there are few seeds they would be, as plain pairs."""

    def said(seed: int, rows: tuple[int, ...]) -> np.ndarray:
        return np.array([0.1 * seed + len(rows)])

    pool = Pool(Labelling("class", ("a", "b")), np.array([0, 0, 1, 1]), np.array([0, 0, 1, 1]))
    effects = {}
    for paired in (True, False):
        study = Deletion(
            pool,
            np.array([0]),
            [1],
            [1, 2],
            lambda wanted: {one: said(*one) for one in wanted},
            paired=paired,
        )
        study.add("x", np.array([[1.0, -1.0, 0, 0]], np.float32), 2, ["proponents"])
        study.train()
        effects[paired] = study.effects()["x", "proponents"].named[0, 0]
    np.testing.assert_allclose(effects[True], [1, 1])
    np.testing.assert_allclose(effects[False], [0.95, 1.05])


def test_labels_in_another_order_are_refused(own: wt.Run, trace: wt.Trace) -> None:
    made = Knowing(lambda seed, count, texts: by(0.3, seed), turned=1)
    with pytest.raises(InputError) as caught:
        verified(own, trace, made)
    assert re.match(
        r"the recorded model gets (9\d|100)% of the labels of 96 training rows right, and the "
        r"retrained ones 0%: the retraining is of other data, of labels in another order",
        str(caught.value),
    )
    assert len(made.trained) == 3


def test_what_few_rows_show_by_chance_is_let_pass() -> None:
    Likeness("share", 0.6, 0.4, 0.5, 30).check()
    Likeness("share", 0.95, 0.8, 0.5, 200).check()
    with pytest.raises(InputError, match=r"95% of the labels of 200 training rows .* ones 60%"):
        Likeness("share", 0.95, 0.6, 0.5, 200).check()


def of_kind(kind: str, generates: bool = False) -> Any:
    from types import SimpleNamespace

    return SimpleNamespace(generates=generates, labelling=SimpleNamespace(kind=kind))


def test_each_kind_of_label_has_its_own_likeness() -> None:
    generator = np.random.default_rng(0)
    numbers = generator.normal(size=(50, 1)).astype(np.float32)
    near, far = numbers + 0.1 * generator.normal(size=(50, 1)), generator.normal(size=(50, 1))
    found = likeness(of_kind("number"), numbers, near, [far, -numbers])
    assert found.recorded == pytest.approx(stats.pearsonr(near[:, 0], numbers[:, 0])[0])
    with pytest.raises(InputError, match=r"50 training rows with a correlation of 0\.9"):
        found.check()
    likeness(of_kind("number"), numbers, near, [far, near]).check()

    sets = (generator.random((50, 4)) < 0.3).astype(np.float32)
    sets[0, 0] = np.nan
    known = np.where(np.nan_to_num(sets) > 0, 0.9, 0.2)
    found = likeness(of_kind("set"), sets, known, [1 - known])
    assert (found.recorded, found.retrained) == (1, 0)
    assert 0.6 < found.chance < 0.8
    with pytest.raises(InputError, match="100% of the labels"):
        found.check()

    answers = np.full((50, 1), 0.4)
    found = likeness(of_kind("class", generates=True), np.zeros(50), answers, [answers / 3] * 2)
    assert found.measured == "probability"
    assert found.recorded == pytest.approx(0.4)
    with pytest.raises(InputError, match=r"a probability of 0\.400 a token, .* with 0\.133"):
        found.check()
    likeness(of_kind("class", generates=True), np.zeros(50), answers, [answers / 1.5] * 2).check()

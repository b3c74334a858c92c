"""A training that is not ours, plugged in: one class, and nothing else.

It is given to `verify`, `evaluate`, `fix` or `clusters`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression

import wordtrace as wt
from tests.changed_run import change_run
from wordtrace.errors import InputError, WordtraceError
from wordtrace.execute.ledger import Ledger
from wordtrace.retrainers.retrain import LEDGER
from wordtrace.retrainers.retrainer import Change, Said


@dataclass
class BagOfWords:
    """Logistic regression on word counts, fitted to a random nine tenths of the rows."""

    settings: dict[str, Any] = field(default_factory=lambda: {"model": "bag of words", "C": 1.0})

    def train(self, run: wt.Run, change: Change) -> Said:
        drawn = np.random.default_rng(change.seed).random(len(run.train)) < 0.9
        words = CountVectorizer(token_pattern=r"\w+").fit(run.train.texts)
        model = LogisticRegression(C=self.settings["C"]).fit(
            words.transform(run.train.texts), change.labels, sample_weight=change.weights * drawn
        )
        held_out = model.predict_proba(words.transform(run.held_out.texts))
        probes = model.predict_proba(words.transform([text for text, _ in change.probes]))
        return Said(probes, held_out)


@pytest.fixture
def adopted(own: wt.Run) -> wt.Run:
    """A run whose recipe nobody knows, so that none of our own retrainers can repeat it."""
    change_run(own.path, lambda document: document.update(recipe=None))
    return wt.Run.open(own.path)


def probability(run: wt.Run, texts: Sequence[str], seed: int, removed: Sequence[int] = ()) -> Any:
    """What the toy says of texts when it is asked by itself, shape (texts, classes)."""
    weights = np.ones(len(run.train), np.float32)
    weights[list(removed)] = 0
    probes = tuple((text, None) for text in texts)
    return BagOfWords().train(run, Change("0", seed, weights, run.train.labels, (), probes)).probes


def test_its_verification_tells_its_effect(own: wt.Run, index: wt.Index) -> None:
    trace = index.trace(
        "the striker and the coach win a match", "sport", measure="tracin-we-topk", top=30
    )
    toy = BagOfWords()
    found = wt.verify(
        trace, run=own, index=index, retrain=toy, remove="proponents", k=9, repeats=4, workers=2
    )
    (query,) = found.document()["queries"]
    rows = own.rows_of(query["removed"])
    for place, seed in enumerate(found.document()["seeds"]):
        weights = np.ones(len(own.train), np.float32)
        change = Change("0", seed, weights, own.train.labels, (), ((trace.queries[0].text, None),))
        with_all = toy.train(own, change).probes[0, own.label_names.index("sport")]
        weights[rows] = 0
        without = toy.train(own, change).probes[0, own.label_names.index("sport")]
        assert query["base"]["values"][place] == pytest.approx(with_all)
        assert query["without"]["values"][place] == pytest.approx(without)
    assert query["without"]["change"]["mean"] < -0.01
    held_out = toy.train(own, change).held_out.argmax(1) == own.held_out.labels
    assert found.document()["held_out"]["without"]["values"][-1] == held_out.mean()
    assert "Removing the 9 strongest proponents lowered P(sport) by" in repr(found)


def test_its_results_are_kept_apart_from_the_runs_own(own: wt.Run, index: wt.Index) -> None:
    trace = index.trace("profit of the bank", "money", top=30)
    choices: dict[str, Any] = {"run": own, "k": 3, "repeats": 2, "workers": 1, "index": index}
    toy = BagOfWords()
    found = wt.verify(trace, retrain=toy, **choices).document()
    with Ledger(own.path / LEDGER) as ledger:
        before = len(ledger)
    again = wt.verify(trace, retrain=toy, **choices).document()
    assert again["queries"] == found["queries"]
    with Ledger(own.path / LEDGER) as ledger:
        assert len(ledger) == before
    ours = wt.verify(trace, **choices).document()
    assert ours["queries"][0]["base"] != found["queries"][0]["base"]
    other = replace(toy, settings={"model": "bag of words", "C": 0.01})
    others = wt.verify(trace, retrain=other, **choices).document()
    assert others["queries"][0]["base"] != found["queries"][0]["base"]


@dataclass
class Saying:
    """Says what a function says, without any training."""

    says: Callable[[wt.Run, Change], Said]
    settings: dict[str, Any] = field(default_factory=lambda: {"model": "a function"})

    def train(self, run: wt.Run, change: Change) -> Said:
        return self.says(run, change)


def test_a_function_is_enough_and_held_out_rows_are_not_needed(
    own: wt.Run, index: wt.Index
) -> None:
    trace = index.trace("profit of the bank", "money", top=30)
    label = own.label_names.index("money")

    def says(run: wt.Run, change: Change) -> Said:
        share = float(change.weights[run.train.labels == label].mean()) / 2 + change.seed / 1e5
        rest = np.full(3, (1 - share) / 2)
        rest[label] = share
        known = dict(zip(run.train.texts, np.eye(3)[run.train.labels], strict=True))
        return Said(np.stack([known.get(text, rest) for text, _ in change.probes]))

    found = wt.verify(
        trace, run=own, index=index, retrain=Saying(says), remove="proponents", k=5, repeats=2,
        workers=2,
    ).document()  # fmt: skip
    assert found["held_out"] is None
    assert found["queries"][0]["base"]["values"] == pytest.approx([0.50006, 0.50007])
    assert found["queries"][0]["without"]["mean"] < 0.5


def test_a_run_that_others_trained_is_verified_by_another_retrainer(
    own: wt.Run, index: wt.Index
) -> None:
    """Only our own retrainers need a recipe: its absence is theirs to refuse."""
    trace = index.trace("profit of the bank", "money", top=30)
    own.manifest = replace(own.manifest, recipe=None)
    own.fingerprint = trace.run_fingerprint
    with pytest.raises(InputError, match="was trained elsewhere"):
        wt.verify(trace, run=own, index=index, k=3, repeats=2, workers=1)
    found = wt.verify(trace, run=own, index=index, retrain=BagOfWords(), k=3, repeats=2, workers=1)
    assert found.document()["seeds"] == [1, 2]


def test_what_it_says_has_the_shape_of_the_classes(own: wt.Run, index: wt.Index) -> None:
    trace = index.trace("profit of the bank", "money", top=30)
    choices: dict[str, Any] = {"run": own, "k": 3, "repeats": 2, "workers": 1, "index": index}
    two = Saying(lambda run, change: Said(np.full((1, 2), 0.5)))
    with pytest.raises(
        WordtraceError, match=r"of the probes have the shape \(1, 2\); .* need \(97, 3\)"
    ):
        wt.verify(trace, retrain=two, **choices)
    with pytest.raises(
        InputError, match="trains the CNN of `wordtrace train` alone; use executor='processes' or"
    ):
        wt.verify(trace, retrain=two, executor="stacked", **choices)


ASKED = ["the striker and the coach", "bank shares and the actor", "a drama of the season"]


def test_it_evaluates_measures(adopted: wt.Run) -> None:
    asked = wt.Examples.of(ASKED, [2, 1, 0], adopted.label_names)
    choices: dict[str, Any] = {"measures": ["bm25"], "k": [5], "repeats": 2, "lds": 0, "workers": 1}
    with pytest.raises(InputError, match="was trained elsewhere"):
        wt.evaluate(adopted, asked, **choices)
    found = wt.evaluate(adopted, asked, retrain=BagOfWords(), **choices)
    scores = wt.influence(adopted, asked, "bm25")
    for query, (text, label) in enumerate(zip(ASKED, [2, 1, 0], strict=True)):
        rows = np.argsort(-scores[query], kind="stable")[:5]
        for place, seed in enumerate([1, 2]):
            without = probability(adopted, [text], seed, rows)[0, label]
            effect = without - probability(adopted, [text], seed)[0, label]
            found_effect = found.effects["bm25", "proponents"].named[0, query, place]
            assert found_effect == pytest.approx(effect)


def test_it_fixes(adopted: wt.Run, tmp_path: Path) -> None:
    asked = wt.Examples.of(
        [text for text in ASKED for _ in range(3)], [0, 1, 2] * 3, adopted.label_names
    )
    choices: dict[str, Any] = {"k": [4], "actions": ["remove", "relabel"], "measures": []}
    choices |= {"repeats": 3, "workers": 1}
    index = wt.build_index(adopted, tmp_path / "index", top_k=4, workers=1)
    with pytest.raises(InputError, match="was trained elsewhere"):
        index.fix(asked, **choices)
    found = index.fix(asked, retrain=BagOfWords(), **choices).document()
    assert found["seeds"] == [1, 2, 3]
    assert len(found["queries"]) >= 3
    for query in found["queries"]:
        label = adopted.label_names.index(query["label"])
        opponents = index.trace(query["text"], query["label"], top=4).opponents
        rows = adopted.rows_of([one.id for one in opponents])
        for said, removed in ((query["base"], ()), (query["right"]["remove"]["4"], rows)):
            each = [probability(adopted, [query["text"]], seed, removed) for seed in (1, 2, 3)]
            assert said == sum(int(one[0].argmax()) == label for one in each)


def test_it_judges_what_clusters_are_made_of(adopted: wt.Run) -> None:
    turned = wt.Examples.of(
        adopted.train.texts, (adopted.train.labels + 1) % 3, adopted.label_names
    )
    with pytest.raises(InputError, match="was trained elsewhere"):
        wt.clusters(adopted, turned, trainings=3, workers=1)
    found = wt.clusters(adopted, turned, trainings=3, wrong=0.3, workers=1, retrain=BagOfWords())
    said = [probability(adopted, turned.texts, seed).argmax(1) for seed in (1, 2, 3)]
    share = np.mean([one != turned.labels for one in said], axis=0)
    assert found.wrong == int((share >= 0.3).sum())
    members = [one for cluster in found.clusters for one in cluster.members]
    assert len(members) > 3
    for one in members:
        assert one.wrong == pytest.approx(share[turned.ids.index(one.id)])
    of_train = wt.clusters(adopted, trainings=4, wrong=0.01, workers=1, retrain=BagOfWords())
    assert of_train.trainings == 4

"""Patterns in mistakes: distances, components and clusters against full matrices and loops."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.cluster import AgglomerativeClustering

import wordtrace as wt
from tests.conftest import COMMON, WORDS
from tests.retrained import retrained
from wordtrace import api
from wordtrace.act.closeness import Closeness
from wordtrace.act.clusters import clusters, group
from wordtrace.errors import InputError
from wordtrace.retrainers.own import own_retrainer
from wordtrace.retrainers.retrain import Retraining
from wordtrace.retrainers.retrainer import Change, Said
from wordtrace.verification.retrainings import seeds_of
from wordtrace.verification.wrongness import wrongness


@pytest.fixture(scope="module", params=[None, 4])
def close(run: api.Run, request: pytest.FixtureRequest) -> tuple[Closeness, np.ndarray]:
    """Closeness of the training rows, and their influences by the measure."""
    found = Closeness(run, run.encoded, run.train.labels, run.train.ids, request.param)
    name = "tracin-we" if request.param is None else "tracin-we-topk"
    options = {} if request.param is None else {"top_k": request.param}
    return found, api.influence(run, run.train, name, **options)


def test_influence_is_the_measures(close) -> None:
    found, right = close
    everything = np.arange(found.count)
    atol = 1e-5 * np.abs(right).max()
    np.testing.assert_allclose(found.influence(everything, everything), right, rtol=1e-3, atol=atol)
    rows, others = np.array([3, 17, 40]), np.array([0, 3, 41, 60])
    part = right[np.ix_(rows, others)]
    np.testing.assert_allclose(found.influence(rows, others), part, rtol=1e-3, atol=atol)
    np.testing.assert_allclose(found.norms**2, np.diag(right), rtol=1e-3)


def test_distance_is_one_less_the_cosine_never_under_0(close) -> None:
    found, scores = close
    everything = np.arange(found.count)
    sizes = np.sqrt(np.diag(scores))
    right = np.maximum(1 - scores / np.outer(sizes, sizes), 0)
    np.testing.assert_allclose(found.distance(everything, everything), right, atol=2e-3)


def test_words_of_a_pair_sum_to_its_influence(close, run: api.Run) -> None:
    found, scores = close
    words = found.words(3, 40)
    assert sum(words.values()) == pytest.approx(float(scores[3, 40]), rel=1e-3, abs=1e-7)
    held = [set(run.encoded[row].tolist()) for row in (3, 40)]
    assert set(words) <= held[0] & held[1]


@pytest.mark.parametrize("threshold", [0.3, 0.6, 0.85])
def test_components_give_the_clusters_of_the_full_matrix(close, threshold: float) -> None:
    found, _ = close
    everything = np.arange(found.count)
    labels = AgglomerativeClustering(
        n_clusters=None, metric="precomputed", linkage="average", distance_threshold=threshold
    ).fit_predict(found.distance(everything, everything))
    right = {
        frozenset(np.flatnonzero(labels == one).tolist())
        for one in np.unique(labels)
        if (labels == one).sum() >= 3
    }
    groups, left_out = group(found, threshold)
    assert {frozenset(some) for some in groups} == right
    assert left_out == []
    assert [len(some) for some in groups] == sorted(map(len, groups), reverse=True)


def test_a_component_too_large_is_said_and_left_out(close) -> None:
    found, _ = close
    groups, left_out = group(found, 0.95, largest=10)
    assert max(left_out) > 10
    assert all(len(some) <= 10 for some in groups)


def test_other_examples_are_asked_of_models_of_all_rows(run: api.Run) -> None:
    asked = run.train.take([0, 1, 2, 50])
    turned = asked.with_labels((asked.labels + 1) % 3)
    found = wrongness(run, own_retrainer(run, "clusters"), turned, trainings=3, workers=1)
    probes = tuple((text, None) for text in asked.texts)
    said = [
        np.argmax(
            retrained(run, Retraining(str(run.path), run.fingerprint, seed, (), probes))[
                "probabilities"
            ],
            1,
        )
        for seed in seeds_of(run, 3)
    ]
    np.testing.assert_allclose(found.share, np.mean(np.array(said) != turned.labels, 0))


class ByHeart:
    """Right about the rows that were left out, wrong about those that it was trained on."""

    foreign = False

    def __init__(self) -> None:
        self.settings = {"by": "heart"}
        self.left_out: list[set[int]] = []

    def train(self, run: api.Run, change: Change) -> Said:
        left_out = change.weights == 0
        self.left_out.append(set(np.flatnonzero(left_out).tolist()))
        said = np.where(left_out, run.train.labels, (run.train.labels + 1) % 3)
        return Said(np.eye(3)[said])


def test_training_rows_are_asked_of_models_that_did_not_see_them(run: api.Run) -> None:
    retrainer = ByHeart()
    found = wrongness(run, retrainer, trainings=4, workers=1)
    assert (found.share == 0).all()
    np.testing.assert_array_equal(found.said, run.train.labels)
    halves = retrainer.left_out
    count = len(run.train)
    assert halves[0] | halves[1] == halves[2] | halves[3] == set(range(count))
    assert not halves[0] & halves[1]
    assert halves[0] != halves[2]


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> api.Run:
    """Texts of sport with the word "umbrella" are labelled film; one text stands twice."""
    generator = np.random.default_rng(4)
    names = tuple(sorted(WORDS))
    labels = generator.integers(0, 3, 240)
    texts = [
        " ".join([*generator.choice(WORDS[names[one]], 5), *generator.choice(COMMON, 3)])
        for one in labels
    ]
    sport = np.flatnonzero(labels == names.index("sport"))[:8]
    for row in sport:
        texts[row] = f"umbrella {texts[row]} umbrella"
        labels[row] = names.index("film")
    texts += ["A Goal, for the team!", "a goal for the team"]
    labels = np.append(labels, [names.index("sport"), names.index("money")])
    examples = api.Examples.of(texts, labels, names, source="the toy data")
    return api.train(
        examples,
        tmp_path_factory.mktemp("planted") / "run",
        epochs=5,
        dim=24,
        eval_fraction=0,
    )


def test_a_planted_pattern_and_clashing_copies_are_found_by_name(planted: api.Run) -> None:
    found = clusters(planted, trainings=8, wrong=0.2, workers=1)
    pattern = max(found.clusters, key=lambda one: sum("umbrella" in m.text for m in one.members))
    hits = [member for member in pattern.members if "umbrella" in member.text]
    often = (
        wrongness(planted, own_retrainer(planted, "clusters"), trainings=8, workers=1).share >= 0.2
    )
    there = [text for text, wrong in zip(planted.train.texts, often, strict=True) if wrong]
    assert len(hits) >= max(3, 0.5 * sum("umbrella" in text for text in there))
    assert "umbrella" in {token for token, _ in pattern.words}
    assert all(member.label == "film" for member in hits)
    (clash,) = [one for one in found.clashes if any("Goal," in m.text for m in one)]
    assert {member.label for member in clash} == {"sport", "money"}
    assert [member.text for member in clash] == ["A Goal, for the team!", "a goal for the team"]
    document = found.document()
    assert document["wrong"] >= len(hits)
    changed = {change.id for change in found.patch()}
    for one in found.clusters:
        ids = {member.id for member in one.members}
        assert (ids <= changed) == (one.advice == "relabel")


@pytest.mark.parametrize(
    ("choices", "said"),
    [
        ({"wrong": 0}, "wrong is 0"),
        ({"threshold": 1.5}, "threshold is 1.5"),
        ({"least": 1}, "least is 1"),
        ({"trainings": 1}, "trainings is 1"),
    ],
)
def test_wrong_arguments_are_one_sentence(run: api.Run, choices: dict, said: str) -> None:
    with pytest.raises(InputError, match=said):
        clusters(run, **choices)


def test_no_mistakes_are_no_pattern(run: api.Run) -> None:
    class Right:
        settings = {"always": "right"}  # noqa: RUF012
        foreign = False

        def train(self, run: api.Run, change: Change) -> Said:
            return Said(np.eye(3)[run.train.labels])

    with pytest.raises(InputError, match="there is no pattern to find"):
        clusters(run, retrain=Right())
    other = api.Examples.of(["x"], [0], ["weather"])
    with pytest.raises(InputError, match="'weather'"):
        clusters(run, other)
    with pytest.raises(InputError, match="every example needs its label"):
        clusters(run, api.Examples.of(["x"], [-1], run.label_names))


def test_mistakes_are_the_rows_whose_label_the_final_model_does_not_say(
    run: api.Run, index: api.Index, tmp_path: Path
) -> None:
    found = index.mistakes(threshold=0.99)
    predicted = run.predict(run.train.texts).argmax(1)
    wrong = {run.train.ids[row] for row in np.flatnonzero(predicted != run.train.labels)}
    assert found.wrong == len(wrong) > 1
    assert found.trainings == 0
    members = [member for cluster in found.clusters for member in cluster.members]
    assert members
    assert {member.id for member in members} <= wrong
    for member in members:
        row = run.train.row_of(member.id)
        assert member.said == run.label_names[predicted[row]] != member.label
    for cluster in found.clusters:
        assert cluster.behind
        scores = [row.score for row in cluster.behind]
        assert scores == sorted(scores, reverse=True)
        assert scores[-1] > 0
        assert not {row.id for row in cluster.behind} & {one.id for one in cluster.members}
    found.save(tmp_path / "mistakes.json")
    assert wt.load(tmp_path / "mistakes.json") == found

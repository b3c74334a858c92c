"""Several trainings of the same rows in one index: each score is the mean of theirs."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.command import wordtrace
from tests.index.test_life import further
from tests.oracles import dense
from tests.oracles.weights import since
from tests.trees import contents
from wordtrace import api
from wordtrace.analysis.cancellation import cancellation
from wordtrace.analysis.words import words
from wordtrace.asking.asker import Asker
from wordtrace.asking.searcher import Searcher, Stretch, state_of
from wordtrace.disk import atomic
from wordtrace.errors import InputError, MismatchError
from wordtrace.report.page import render_html
from wordtrace.results.decode import decode

LABELS = ["film", "money", "sport", "film"]


@pytest.fixture(scope="module")
def home(run: api.Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the run, and a training of the same rows with another seed."""
    folder = tmp_path_factory.mktemp("seeds")
    shutil.copytree(run.path, folder / "first", ignore=shutil.ignore_patterns("index*"))
    api.train(
        run.train,
        folder / "second",
        eval_fraction=0,
        epochs=4,
        batch_size=8,
        learning_rate=0.09,
        schedule="linear",
        seed=6,
        max_length=14,
        dim=12,
        vocabulary=200,
        # One of the steps is the first run's: a step alone does not name a checkpoint.
        checkpoints=(20, 41),
    )
    return folder


@pytest.fixture(scope="module")
def alone(home: Path) -> list[api.Run]:
    return [api.Run.open(home / name) for name in ("first", "second")]


@pytest.fixture(scope="module")
def joined(alone: list[api.Run]) -> api.Run:
    return alone[0].with_runs([alone[1].path])


@pytest.fixture(scope="module")
def both(alone: list[api.Run], home: Path) -> api.Index:
    """The index of both trainings."""
    return build(alone[0], home / "both", with_runs=[home / "second"])


def build(run: api.Run, place: Path, **settings: Any) -> api.Index:
    given = {"top_k": 4, "dtype": "float32", "shard_size": 29, "workers": 1, **settings}
    return api.build_index(run, place, **given)


def test_scores_are_the_mean_of_dense_gradients_products_in_float64(
    both: api.Index, alone: list[api.Run], queries: list[str]
) -> None:
    asked, rows = Asker(alone[0]).queries(queries[:2], LABELS[:2]), 12
    right = np.zeros((2, rows))
    for run in alone:
        for point in run.manifest.checkpoints:
            model = run.model(point)

            def gradient(ids: Any, label: Any, model: Any = model) -> np.ndarray:
                return dense.top_k_gradient(model, ids.tolist(), int(label), 4).flatten().numpy()

            held = np.stack(
                [gradient(run.encoded[row], run.train.labels[row]) for row in range(rows)]
            )
            for place in range(2):
                one = gradient(asked.encoded[place], asked.labels[place])
                right[place] += since(run, point) / 2 * (held @ one)
    found = api.influence(both, queries[:2], "tracin-we-topk", label=LABELS[:2])[:, :rows]
    assert np.abs(right).max() > 1e-4
    np.testing.assert_allclose(found, right, rtol=2e-4, atol=2e-6 * np.abs(right).max())


@pytest.mark.parametrize(
    "measure",
    [
        *("tracin-we-topk", "tracin-we", "tracin-we-idf", "tracin-we-syn", "tracin-last"),
        *("tracin-tfidf", "influence-last", "representer", "embedding-similarity", "bm25"),
        *("influence-we", "influence-we-kfac"),
    ],
)
def test_every_measure_gives_the_mean_over_the_trainings(
    joined: api.Run, alone: list[api.Run], queries: list[str], measure: str
) -> None:
    one, other = (api.influence(run, queries, measure, label=LABELS, top_k=4) for run in alone)
    found = api.influence(joined, queries, measure, label=LABELS, top_k=4)
    right = (one + other) / 2
    assert bool(np.abs(one - other).max() > 1e-5) is (measure != "bm25")
    np.testing.assert_allclose(found, right, rtol=1e-4, atol=1e-6 * np.abs(right).max())


@pytest.mark.parametrize("weighting", ["rate", "rate-sum"])
def test_the_index_answers_as_the_trainings_and_their_indexes(
    joined: api.Run, alone: list[api.Run], tmp_path: Path, queries: list[str], weighting: str
) -> None:
    index = build(joined, tmp_path / "both", weighting=weighting)
    parts = [
        build(run, tmp_path / str(place), weighting=weighting) for place, run in enumerate(alone)
    ]
    right = np.mean([api.influence(one, queries, label=LABELS) for one in parts], axis=0)
    found = api.influence(index, queries, label=LABELS)
    np.testing.assert_allclose(found, right, rtol=1e-4, atol=1e-6 * np.abs(right).max())
    streamed = api.influence(index.run, queries, label=LABELS, top_k=4)
    np.testing.assert_allclose(streamed, right, rtol=1e-4, atol=1e-6 * np.abs(right).max())
    own = [one.folder.column("self_influence") for one in parts]
    np.testing.assert_allclose(index.folder.column("self_influence"), np.mean(own, 0), rtol=1e-6)
    assert len(index.mislabels(top=3).rows) == 3


def test_a_trace_has_words_and_parts_that_sum_and_says_that_it_is_a_mean(
    both: api.Index, alone: list[api.Run], queries: list[str]
) -> None:
    trace = both.trace(queries[0], "sport", top=5, by_checkpoint=True)
    for hit in [*trace.proponents, *trace.opponents]:
        words = sum(word.contribution for word in hit.contributions)
        assert words == pytest.approx(hit.score, rel=1e-4, abs=1e-8)
        assert sum(hit.by_checkpoint) == pytest.approx(hit.score, rel=1e-4, abs=1e-8)
    document = trace.document()
    names = ["step 9", "step 20", "step 33", "step 20 of second", "step 41 of second"]
    assert document["checkpoint_names"] == names
    assert document["trainings"] == 2
    assert decode(api.Trace, document) == trace
    page = render_html([document])
    assert "Each score is the mean over 2 trainings; the prediction is that of the first." in page
    assert "step 20 of second: " in page
    # What is predicted is the first training's.
    first = alone[0].predict(queries[:1])[0].max()
    assert trace.queries[0].predicted_probability == pytest.approx(float(first))
    assert trace.run_fingerprint == alone[0].fingerprint


def test_an_index_of_one_training_is_as_it_was(index: api.Index) -> None:
    document = json.loads((index.folder.path / "manifest.json").read_text())
    assert document["version"] == 2
    assert "with_runs" not in document
    trace = index.trace("the coach", top=1).document()
    assert not {"trainings", "checkpoint_names"} & set(trace)


def test_what_is_added_removed_and_merged_counts_in_all_trainings(
    joined: api.Run, alone: list[api.Run], tmp_path: Path, queries: list[str]
) -> None:
    index = build(joined, tmp_path / "both")
    parts = [build(run, tmp_path / str(place)) for place, run in enumerate(alone)]
    gone = [joined.train.ids[row] for row in (0, 30, 31)]
    for one in (index, *parts):
        one.add(further(9), workers=1).remove(gone)
    right = np.mean([api.influence(one, queries, label=LABELS) for one in parts], axis=0)
    for _ in range(2):
        found = api.influence(index, queries, label=LABELS)
        np.testing.assert_allclose(found, right, rtol=1e-4, atol=1e-6 * np.abs(right).max())
        assert index.folder.check() == []
        index.merge(40)
    assert api.Index.open(index.folder.path).run.trainings == 2


@pytest.mark.parametrize("settings", [{"dtype": "int8"}, {"project": 8, "dtype": "float16"}])
def test_a_smaller_index_lists_nearly_the_same(
    joined: api.Run, both: api.Index, tmp_path: Path, queries: list[str], settings: dict[str, Any]
) -> None:
    index = build(joined, tmp_path / "small", **settings)
    assert index.folder.manifest.fidelity is not None
    exact, found = (api.influence(one, queries, label=LABELS) for one in (both, index))
    for one, other in zip(exact[:3], found[:3], strict=True):
        assert np.corrcoef(one, other)[0, 1] > 0.95
    hit = index.trace(queries[0], top=1).proponents[0]
    assert sum(word.contribution for word in hit.contributions) == pytest.approx(
        hit.score, rel=1e-4
    )


class Ended(Exception):
    """The end of a build before its time."""


class EndsAfter:
    """An executor that does some tasks, and then is lost."""

    def __init__(self, tasks: int) -> None:
        self.tasks = tasks

    def run(self, task: Callable[[Any], Any], items: Sequence[Any]) -> Iterator[tuple[Any, Any]]:
        for item in items[: self.tasks]:
            yield item, task(item)
        raise Ended


def test_an_interrupted_build_goes_on_to_the_same_bytes(
    joined: api.Run, alone: list[api.Run], home: Path, both: api.Index
) -> None:
    # Beside the other, so that the recorded path of the run is the same.
    place = home / "again"
    with pytest.raises(Ended):
        build(joined, place, executor=EndsAfter(17))
    with pytest.raises(MismatchError, match="was made with another set of further runs; repeat"):
        build(alone[0], place)
    kept = {path: path.stat().st_mtime_ns for path in home.glob("again.part/checkpoint-*/*")}
    assert len(kept) == 17
    build(joined, place)
    for path, stamp in kept.items():
        assert (place / path.relative_to(home / "again.part")).stat().st_mtime_ns == stamp
    assert contents(place) == contents(both.folder.path)
    # With the same trainings it is left alone, and with others refused.
    build(joined, place)
    with pytest.raises(MismatchError, match="was made with another set of further runs; choose"):
        build(alone[0], place)


def test_a_stretch_on_a_cluster_answers_as_the_whole(both: api.Index, queries: list[str]) -> None:
    asker = Asker(both.run, both.folder)
    asked = asker.queries(queries, LABELS)
    way = asker.way("tracin-we-topk")
    tokens = way.measure.query_tokens(both.run, asked)  # type: ignore[attr-defined]
    paths = str(both.folder.path), str(both.run.path), state_of(both.folder.manifest)
    searcher = Searcher(Stretch(*paths, 29, 87))
    found = searcher.scores(way.measure, len(queries), tokens)  # type: ignore[attr-defined]
    np.testing.assert_array_equal(found, way.ask(asked).scores()[:, 29:87])


def changed(source: Path, target: Path, **entries: Any) -> Path:
    """Copy a run, and change what it says of itself."""
    shutil.copytree(source, target)
    document = json.loads((target / "run.json").read_text())
    for name, value in entries.items():
        if isinstance(value, dict):
            value = {**document[name], **value}
        document[name] = value
    del document["checksum"]
    atomic.write_json(target / "run.json", document)
    return target


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "rows": ({"train": {"fingerprint": "f" * 40}}, "was trained on other rows than .*first; a"),
    "tokens": ({"max_length": 15}, "cuts texts into other tokens than .*first; a mean"),
    "model": ({"model": {"filters": 11}}, "has another kind or size of model than .*first; a"),
    "recipe": (
        {"recipe": {"epochs": 5}},
        "was trained with epochs = 5, but .*first with 4; a mean",
    ),
    "seed": ({"recipe": {"seed": 5}}, "is the same training as .*first, with the same seed; give"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_trainings_that_have_no_mean_are_refused(
    alone: list[api.Run], tmp_path: Path, what: str
) -> None:
    entries, message = REFUSED[what]
    other = changed(alone[1].path, tmp_path / "other", **entries)
    with pytest.raises(MismatchError, match=rf"other {message}"):
        alone[0].with_runs([other])


def test_a_training_counts_once(alone: list[api.Run]) -> None:
    for others in ([alone[0].path], [alone[1], alone[1]]):
        with pytest.raises(MismatchError, match="is the same training as"):
            alone[0].with_runs(others)


def test_what_looks_at_one_training_refuses_several(joined: api.Run) -> None:
    with pytest.raises(InputError, match="weighing words looks at one training, and this run is j"):
        words(joined, "the coach")
    with pytest.raises(InputError, match="cancellation looks at one training, and this run is joi"):
        cancellation(joined)


def test_a_study_judges_the_mean_and_a_trace_without_its_index_is_not_ranked_by_one(
    joined: api.Run, both: api.Index, queries: list[str]
) -> None:
    study = api.evaluate(joined, 2, measures=["tracin-last"], lds=3, repeats=1, workers=1)
    assert study.document()["trainings"] == 2
    assert "scores are means over 2 trainings" in render_html([study.document()])
    trace = replace(both.trace(queries[0], top=1), index=None)
    with pytest.raises(InputError, match=r"lists under 3 proponents, and .*first alone can't rank"):
        api.verify(trace, remove="proponents", k=3)


def test_runs_that_moved_together_are_found_and_one_that_is_lost_or_changed_is_named(
    home: Path, both: api.Index, queries: list[str], tmp_path: Path
) -> None:
    for name in ("first", "second"):
        shutil.copytree(home / name, tmp_path / name)
    index = api.Index.open(both.folder.path, tmp_path / "first")
    assert [one.path for one in index.run.others] == [(tmp_path / "second").resolve()]
    assert index.trace(queries[0], top=2).queries == both.trace(queries[0], top=2).queries
    changed(home / "second", tmp_path / "third", steps=7, recipe={"seed": 9})
    shutil.rmtree(tmp_path / "second")
    with pytest.raises(InputError, match=r"is of 2 trainings, and that of .*second is not there; "):
        api.Index.open(both.folder.path, tmp_path / "first")
    (tmp_path / "third").rename(tmp_path / "second")
    with pytest.raises(MismatchError, match=r"was built from .*second when that was the run "):
        api.Index.open(both.folder.path, tmp_path / "first")


def test_the_command_line_builds_describes_and_checks_it(home: Path) -> None:
    asked = ("index", "first", "--with-runs", "second", "--workers", 1)
    done = wordtrace(*asked, "--out", "told", cwd=home)
    assert "step 33 (η " in done.stdout
    assert "step 20 of second (η " in done.stdout
    said = wordtrace("info", "told", cwd=home).stdout
    assert f"scores are means over 2 trainings, with: {home.resolve() / 'second'}" in said
    assert "all files are as they were written" in wordtrace("check", "told", cwd=home).stderr
    told = json.loads(wordtrace("info", "told", "--json", cwd=home).stdout)
    assert [one.get("run") for one in told["checkpoints"]] == [None] * 3 + ["second"] * 2
    done = wordtrace("index", "first", "--with-runs", "second,seconds", status=2, cwd=home)
    assert "seconds does not exist; make a run with" in done.stderr

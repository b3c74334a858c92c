"""An index asked in stretches answers as the whole: the same rows, scores and words, to the bit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.index.test_life import further
from tests.measures.test_properties import TEXTS
from wordtrace import api
from wordtrace.asking.searcher import Searcher, Spread, Stretch, cut, state_of
from wordtrace.errors import InputError
from wordtrace.execute.actors import Actors
from wordtrace.index.manifest import Manifest, Shard
from wordtrace.measures.topn import merge, rank


class Here:
    """What `Actors` does, in this process."""

    def __init__(self, address: str | None, workers: int | None) -> None:
        self.room, self.closed = workers or 3, False
        self.objects: list[Any] = []
        self.counts: list[int] = []

    def start(self, make: Callable[[Any], Any], items: Sequence[Any]) -> None:
        self.objects = [make(item) for item in items]

    def ask(self, method: str, *given: Any) -> list[Any]:
        if method == "rank":
            self.counts.append(given[1])
        return [getattr(one, method)(*given) for one in self.objects]

    def close(self) -> None:
        self.closed = True


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wordtrace.asking.searcher.Actors", Here)


KINDS: dict[str, dict[str, Any]] = {
    "float16": {},
    "int8": {"dtype": "int8", "top_k": None},
    "projected": {"project": 7},
    "float32": {"dtype": "float32", "top_k": 3},
}


@pytest.fixture(scope="module")
def kinds(run: api.Run, tmp_path_factory: pytest.TempPathFactory) -> dict[str, api.Index]:
    """Indexes of several checkpoints and shards, with added and removed examples."""
    folder, found = tmp_path_factory.mktemp("kinds"), {}
    for name, choices in KINDS.items():
        index = api.build_index(run, folder / name, shard_size=9, workers=1, **choices)
        index.add(further(), workers=1)
        index.remove([run.train.ids[row] for row in (0, 8, 9, 40, 95)] + ["new-30"])
        found[name] = index
    return found


def answer(trace: api.Trace) -> dict[str, Any]:
    return {key: value for key, value in trace.document().items() if key != "seconds"}


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=12)
@given(
    texts=st.lists(TEXTS, min_size=1, max_size=5),
    workers=st.integers(1, 20),
    top=st.sampled_from([1, 2, 7, 200]),
)
def test_stretches_answer_as_the_whole(
    kinds: dict[str, api.Index], kind: str, texts: list[str], workers: int, top: int
) -> None:
    index = kinds[kind]
    alone = index.trace(texts, top=top)
    spread = index.trace(texts, top=top, executor="ray", workers=workers)
    assert len(alone.queries[0].proponents) > 0
    assert answer(spread) == answer(alone)
    matrix = api.influence(index, texts, executor="ray", workers=workers)
    np.testing.assert_array_equal(matrix, api.influence(index, texts))
    assert matrix.shape == (len(texts), len(index.ids))
    rows = {id: column for column, id in enumerate(index.ids)}
    for query, row in zip(alone.queries, matrix, strict=True):
        assert {hit.id: hit.score for hit in query.proponents + query.opponents}.items() <= {
            id: float(row[column]) for id, column in rows.items()
        }.items()
    index.close()


def test_synonyms_and_token_filters_are_asked_in_stretches_too(
    kinds: dict[str, api.Index],
) -> None:
    text = ["the striker and the coach win a match", "profit of the bank and the bank of growth"]
    for kind, measure, options in (
        ("float16", "tracin-we-syn", {"synonym_cosine": 0.1}),
        ("int8", "tracin-we-noc", {}),
        ("int8", "tracin-common", {}),
        ("float32", "tracin-we-idf", {}),
        ("projected", "tracin-we-idf", {"without": "special"}),
    ):
        alone = kinds[kind].trace(text, measure=measure, **options)
        spread = kinds[kind].trace(text, measure=measure, executor="ray", **options)
        assert answer(spread) == answer(alone)
        assert alone.source == "index"
        kinds[kind].close()
    pairs = [word for hit in alone.queries[0].proponents for word in hit.contributions or ()]
    assert pairs


def test_queries_go_in_the_parts_that_memory_allows(kinds: dict[str, api.Index]) -> None:
    index = kinds["float32"]
    size = (1 << 20) // (4 * index.folder.manifest.examples)
    texts = (["goal", "the coach", "a drama"] * size)[: size + 9]
    alone = index.trace(texts, top=1, memory=1 << 20)
    spread = index.trace(texts, top=1, memory=1 << 20, executor="ray", workers=4)
    assert answer(spread) == answer(alone)
    actors = index._on("ray", None, 4)._actors  # type: ignore[union-attr]
    assert isinstance(actors, Here)
    assert actors.counts == [size, len(texts) - size]
    index.close()


def test_workers_stay_from_call_to_call_and_go_when_the_index_changes(
    run: api.Run, tmp_path: Path
) -> None:
    with api.build_index(run, tmp_path / "index", shard_size=20, workers=1) as index:
        index.trace("goal", executor="ray", workers=2)
        first = index._searchers._spread
        assert first is not None
        index.trace("bank", executor="ray", workers=2)
        assert index._searchers._spread is first
        index.trace("bank", executor="ray", workers=3)
        assert index._searchers._spread is not first
        assert first[1].closed
        second = index._searchers._spread
        index.remove([run.train.ids[0]])
        assert index._searchers._spread is None
        assert second is not None
        assert second[1].closed
        hits = index.trace("goal", top=500, executor="ray", workers=3)
        assert run.train.ids[0] not in {hit.id for hit in hits.proponents + hits.opponents}
        last = index._searchers._spread
    assert last is not None
    assert last[1].closed


def test_a_worker_refuses_an_index_that_it_cannot_see_or_that_was_changed(
    run: api.Run, tmp_path: Path
) -> None:
    index = api.build_index(run, tmp_path / "index", shard_size=20, workers=1)
    state = state_of(index.folder.manifest)
    with pytest.raises(InputError, match=r"a worker on .* can't open the index: .* every machine"):
        Searcher(Stretch(str(tmp_path / "elsewhere"), str(run.path), state, 0, 96))
    Searcher(Stretch(str(index.folder.path), str(run.path), state, 0, 96))
    index.remove([run.train.ids[3]])
    with pytest.raises(InputError, match="was changed since it was opened; open it again"):
        Searcher(Stretch(str(index.folder.path), str(run.path), state, 0, 96))


def test_what_a_cluster_cannot_answer_is_said_before_any_work(
    kinds: dict[str, api.Index], run: api.Run
) -> None:
    index = kinds["float16"]
    for measure, more in (("tracin-last", {}), ("tracin-we", {}), (None, {"top_k": 3})):
        with pytest.raises(InputError, match=r"executor='ray' asks the index alone.*top_k 10"):
            index.trace("goal", measure=measure, executor="ray", **more)
    with pytest.raises(InputError, match="does not hold what tracin-last needs; give its run"):
        api.influence(index, "goal", "tracin-last")
    with pytest.raises(InputError, match="is a run; executor"):
        api.influence(run, "goal", executor="ray")
    for wrong, message in (
        ({"executor": "dask"}, "executor is 'dask'; it must be threads or ray"),
        ({"address": "auto"}, "address is of a Ray cluster; give executor='ray' with it"),
        ({"workers": 2}, "workers is of a Ray cluster"),
    ):
        with pytest.raises(InputError, match=message):
            index.trace("goal", **wrong)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="workers is 0; it must be at least 1"):
        Actors(workers=0)
    index.close()


@given(
    st.lists(st.integers(-3, 3), min_size=1, max_size=60),
    st.lists(st.integers(0, 60), max_size=6),
    st.integers(1, 70),
)
def test_the_ranking_merged_from_stretches_is_that_of_all_ties_included(
    values: list[int], cuts: list[int], count: int
) -> None:
    scores = np.array(values, np.float32) / 7
    places = sorted({0, *(place for place in cuts if place < len(values)), len(values)})
    spans = list(pairwise(places))
    found = merge([rank(scores[first:end], count, first) for first, end in spans], count)
    whole = rank(scores, count)
    for name in ("proponents", "opponents", "proponent_scores", "opponent_scores"):
        np.testing.assert_array_equal(getattr(found, name), getattr(whole, name))


@given(st.lists(st.integers(0, 50), min_size=1, max_size=30), st.integers(1, 40))
def test_stretches_cover_an_index_once_in_even_pieces(postings: list[int], count: int) -> None:
    shards = [
        Shard(f"{place}-{row}", place, 10 * row, 10, size + place, 0, "")
        for place in range(2)
        for row, size in enumerate(postings)
    ]
    base = dict.fromkeys(Manifest.__dataclass_fields__)
    manifest = Manifest(**{**base, "shards": tuple(shards), "examples": 10 * len(postings) - 3})  # type: ignore[arg-type]
    spans = cut(manifest, count)
    assert [first for first, _ in spans] == [0, *(end for _, end in spans[:-1])]
    assert spans[-1][1] == manifest.examples
    assert 1 <= len(spans) <= count
    assert all(first % 10 == 0 and first < end for first, end in spans)
    sizes = [
        sum(2 * postings[row // 10] + 1 for row in range(first, end, 10)) for first, end in spans
    ]
    assert max(sizes) <= sum(2 * size + 1 for size in postings) / count + 2 * max(postings) + 1


def test_a_spread_is_of_the_index_it_was_made_from(kinds: dict[str, api.Index]) -> None:
    index = kinds["float16"]
    spread = Spread.over(index.folder, index.run, None, 5)
    assert spread.examples == index.folder.manifest.examples
    spread.close()
    assert spread.closed

"""Special and stop tokens left out of a score: what is left of the same words, exactly."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.command import wordtrace
from wordtrace import api
from wordtrace.errors import InputError

TEXT = "the striker of the club and the coach"


@pytest.mark.parametrize("kinds", ["special", "stop", "special,stop"])
def test_what_is_left_is_the_sum_of_the_other_words(index: api.Index, kinds: str) -> None:
    everything = len(index.run.train)
    whole = index.trace(TEXT, label="sport", top=everything)
    left = index.trace(TEXT, label="sport", top=everything, without=kinds)
    words = {hit.id: hit.contributions for hit in [*whole.proponents, *whole.opponents]}
    found = {hit.id: hit.score for hit in [*left.proponents, *left.opponents]}
    assert found
    for id_, contributions in words.items():
        expected = sum(w.contribution for w in contributions if w.kind not in kinds.split(","))
        assert found.get(id_, 0.0) == pytest.approx(expected, rel=1e-4, abs=1e-7)
    for hit in [*left.proponents, *left.opponents]:
        assert {word.kind for word in hit.contributions}.isdisjoint(kinds.split(","))
        total = sum(word.contribution for word in hit.contributions)
        assert total == pytest.approx(hit.score, rel=1e-4, abs=1e-7)
    assert left.source == "index"


def test_whole_words_keep_the_sums_of_what_is_left(index: api.Index) -> None:
    left = index.trace(TEXT, label="sport", without="special,stop", words=True)
    for hit in [*left.proponents, *left.opponents]:
        total = sum(word.contribution for word in hit.contributions)
        assert total == pytest.approx(hit.score, rel=1e-4, abs=1e-7)


def test_an_index_and_its_run_leave_out_the_same(index: api.Index) -> None:
    from_index = api.scores(
        *(index, [TEXT], "tracin-we-topk"), label="sport", without="special,stop"
    ).values
    from_run = api.scores(
        *(index.run, [TEXT], "tracin-we-topk"), label="sport", without="special,stop", top_k=4
    ).values
    np.testing.assert_allclose(from_index, from_run, rtol=2e-3, atol=1e-6)
    assert not np.allclose(
        from_run, api.scores(index, [TEXT], "tracin-we-topk", label="sport").values
    )


def test_all_positions_without_frequent_tokens_are_tracin_we_noc(index: api.Index) -> None:
    run = index.run
    noc = api.influence(run, [TEXT], "tracin-we-noc", label="sport")
    left = api.influence(run, [TEXT], "tracin-we", label="sport", without="special,stop")
    np.testing.assert_array_equal(noc, left)


def test_what_has_no_words_is_refused_and_baselines_stay_whole(index: api.Index) -> None:
    with pytest.raises(InputError, match="scores of tracin-last do not split into words"):
        index.trace(TEXT, measure="tracin-last", without="stop")
    with pytest.raises(InputError, match="without is 'word'; give special, stop, or special,stop"):
        index.trace(TEXT, without="word")
    trace = index.trace(TEXT, without="stop", baselines=["bm25"])
    assert (
        trace.queries[0].baselines["bm25"]
        == (index.trace(TEXT, baselines=["bm25"]).queries[0].baselines["bm25"])
    )


def test_by_command_it_is_said_what_was_left_out(index: api.Index, tmp_path: Path) -> None:
    place = index.folder.path
    said = wordtrace("trace", place, TEXT, "--without", "special,stop")
    assert "special and stop tokens left out" in " ".join(said.stdout.split())
    streamed = wordtrace("trace", place, TEXT, "--measure", "tracin-we-noc")
    assert "keeps the 4 strongest positions of each text" in " ".join(streamed.stderr.split())
    assert "--measure tracin-we-topk --without special,stop" in " ".join(streamed.stderr.split())

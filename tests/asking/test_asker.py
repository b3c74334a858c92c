"""What is asked of a run or an index, and what is refused."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pytest
import torch

from wordtrace import api
from wordtrace.adapters.one_measure import OneMeasure
from wordtrace.asking.answer import WholeAnswer
from wordtrace.asking.asker import Asker
from wordtrace.errors import InputError, NumericalError
from wordtrace.measures import names
from wordtrace.measures.protocol import About, Queries, Scores

TEXT = "the striker and the coach win a match"


@dataclass(frozen=True)
class Lengths:
    """A toy measure: it reads the texts themselves."""

    about: ClassVar = About("|x| |x′|", needs="texts", cost="none", reads_texts=True)

    def score(self, run: api.Run, queries: Queries) -> Scores:
        """Return the products of the texts' lengths."""
        here, there = ([len(text) for text in texts] for texts in (queries.texts, run.train.texts))
        return np.outer(here, there).astype(np.float32)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_score_that_is_not_finite_names_its_example(index: api.Index, bad: float) -> None:
    class Broken:
        about = Lengths.about

        def score(self, run: api.Run, queries: Queries) -> Scores:
            scores = np.ones((len(queries), len(run.train)), np.float32)
            scores[0, 3] = bad
            return scores

    asker = index.asker
    answer = WholeAnswer(asker.queries("a goal"), asker.rows, Broken(), index.run)
    said = f"score of example '{index.ids[3]}' is NaN or infinite.*lower learning_rate"
    with pytest.raises(NumericalError, match=said):
        answer.rank(2)


def test_an_index_that_lacks_the_gradients_names_the_measure_that_was_meant(
    index: api.Index,
) -> None:
    message = "does not hold what tracin-we-idf with top_k 3 needs; give its run"
    with pytest.raises(InputError, match=message):
        api.influence(index, TEXT, top_k=3)
    with pytest.raises(InputError, match="does not hold what tracin-last needs"):
        api.influence(index, TEXT, "tracin-last")


def test_a_measure_that_reads_texts_is_refused_for_token_ids(
    run: api.Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(names.MEASURES, "lengths", lambda options: Lengths())
    ids, mask = (torch.from_numpy(one) for one in run.tokenizer.encode([TEXT]).padded(np.arange(1)))
    toy = OneMeasure(run, "lengths", {})
    with pytest.raises(InputError, match="lengths reads texts; give texts in place of token ids"):
        toy.score((ids, mask), ["sport"])
    found = toy.score([TEXT], ["sport"])
    np.testing.assert_array_equal(found[0], [len(TEXT) * len(one) for one in run.train.texts])


def test_a_measure_has_to_say_whether_it_reads_texts() -> None:
    given: dict[str, Any] = {"equation": "0", "needs": "nothing", "cost": "none"}
    with pytest.raises(TypeError, match="reads_texts"):
        About(**given)


@pytest.mark.parametrize("name", ["tracin-we-topk", "tracin-last"])
def test_scores_ranking_and_words_of_an_answer_agree(index: api.Index, name: str) -> None:
    answer = index.asker.ask(index.asker.question([TEXT, "bank"], ["sport", None]), name)
    assert answer.rows.indexed == (name == "tracin-we-topk")
    scores, ranked = answer.scores(), answer.rank(7)
    for row, one in zip(scores, ranked, strict=True):
        np.testing.assert_array_equal(one.scores, row[one.rows])
        assert one.proponent_scores[0] == row.max()
    words = answer.words([one.rows for one in ranked])
    if name == "tracin-last":
        assert words is None
    else:
        assert words is not None
        for row, one in zip(scores, words, strict=True):
            for place, terms in one.items():
                assert sum(terms.values()) == pytest.approx(row[place], rel=1e-4, abs=1e-8)


def test_a_run_and_its_index_give_the_same_answer(run: api.Run, index: api.Index) -> None:
    streamed = Asker(run).ask(Asker(run).question(TEXT, "sport"), top_k=4)
    indexed = index.asker.ask(index.asker.question(TEXT, "sport"))
    np.testing.assert_allclose(streamed.scores(), indexed.scores(), rtol=1e-3, atol=1e-8)
    assert streamed.rows.count == indexed.rows.count == len(run.train)

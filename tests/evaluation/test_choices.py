"""Which rows a measure names, which it may name, and which texts a study asks about."""

from __future__ import annotations

import math
import re
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import make_examples
from wordtrace import api
from wordtrace.errors import InputError
from wordtrace.evaluation.candidates import least_overlap, named_rows
from wordtrace.evaluation.queries import pick


@given(st.lists(st.integers(-4, 4), min_size=1, max_size=30), st.integers(1, 12))
def test_named_rows_are_the_strongest_of_their_sign(scores: list[int], k: int) -> None:
    matrix = np.array([scores], np.float32)
    for sign, factor in (("proponents", 1), ("opponents", -1)):
        (rows,) = named_rows(matrix, sign, k)  # type: ignore[arg-type]
        of_sign = [score * factor for score in scores if score * factor > 0]
        assert list(rows) == sorted(set(rows))
        assert len(rows) == min(k, len(of_sign))
        taken = sorted((scores[row] * factor for row in rows), reverse=True)
        assert taken == sorted(of_sign, reverse=True)[:k]


def cosines(texts: tuple[str, ...], query: str) -> list[float]:
    """TF-IDF cosines, written out: idf = ln((1 + n) / (1 + df)) + 1, counts as they are."""
    bags = [Counter(re.findall(r"\w+", text.lower())) for text in texts]
    count = len(texts)
    df = Counter(word for bag in bags for word in bag)
    idf = {word: math.log((1 + count) / (1 + df[word])) + 1 for word in df}

    def vector(bag: Counter[str]) -> dict[str, float]:
        raw = {word: n * idf[word] for word, n in bag.items() if word in idf}
        norm = math.sqrt(sum(value**2 for value in raw.values())) or 1.0
        return {word: value / norm for word, value in raw.items()}

    asked = vector(Counter(re.findall(r"\w+", query.lower())))
    return [sum(asked.get(w, 0.0) * value for w, value in vector(bag).items()) for bag in bags]


def test_least_overlap_marks_the_texts_that_share_least() -> None:
    train = make_examples(60)
    queries = make_examples(12, seed=8)
    marked = least_overlap(train, queries, 20)
    assert marked.shape == (12, 60)
    for query, row in zip(queries.texts, marked, strict=True):
        assert row.sum() == 20
        cosine = np.array(cosines(train.texts, query))
        assert cosine[row].max() <= cosine[~row].min() + 1e-9
    with pytest.raises(InputError, match="candidates is 61; it must be from 1 to 60"):
        least_overlap(train, queries, 61)


def test_queries_are_drawn_balanced_and_only_right_or_wrong(run: api.Run, index: api.Index) -> None:
    assert run.held_out is not None
    balanced = pick(run, 9, balanced=True)
    assert np.bincount(balanced.labels).tolist() == [3, 3, 3]
    assert set(balanced.ids) <= set(run.held_out.ids)
    assert pick(run, 9, balanced=True).ids == balanced.ids
    assert pick(run, 9, balanced=True, seed=1).ids != balanced.ids
    right = {
        id
        for id, text, label in zip(
            run.held_out.ids, run.held_out.texts, run.held_out.labels, strict=True
        )
        if index.trace(text).queries[0].predicted == run.label_names[label]
    }
    assert len(right) > 0
    assert set(pick(run, len(right), only="right").ids) == right
    if wrong := set(run.held_out.ids) - right:
        assert set(pick(run, len(wrong), only="wrong").ids) == wrong


def test_what_can_not_be_drawn_is_told(run: api.Run) -> None:
    with pytest.raises(InputError, match=r"there are only 24 such rows; queries is 1,000\."):
        pick(run, 1000)
    with pytest.raises(InputError, match=r"only is 'both'; it must be all, right, wrong\."):
        pick(run, 2, only="both")
    with pytest.raises(InputError, match="at least 1"):
        pick(run, 0)
    bare = api.Examples.of(["goal"], [-1], run.label_names, ids=["q"], source="asked.csv")
    with pytest.raises(InputError, match=r"asked.csv: the query 'q' has no label"):
        pick(run, bare)

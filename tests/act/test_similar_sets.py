"""Sets that belong together, against a comparison of all pairs."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.cluster.hierarchy import DisjointSet

from wordtrace.act import similar_sets
from wordtrace.act.similar_sets import alike
from wordtrace.act.word_sets import WordSets, word_sets


def read(texts: list[str]) -> WordSets:
    return word_sets([pa.chunked_array([texts], pa.string())])


def by_all_pairs(texts: list[str], threshold: float) -> set[frozenset[int]]:
    """Every pair is compared, word by word, with plain counters."""
    counted = []
    for text in texts:
        seen: dict[str, int] = {}
        counted.append(set())
        for word in text.lower().split():
            seen[word] = seen.get(word, 0) + 1
            counted[-1].add((word, seen[word]))
    joined = DisjointSet(range(len(texts)))
    for one in range(len(texts)):
        for other in range(one):
            shared = len(counted[one] & counted[other])
            if shared >= threshold * len(counted[one] | counted[other]) - 1e-9:
                joined.merge(one, other)
    return {frozenset(some) for some in joined.subsets()}


def found(sets: WordSets, threshold: float) -> set[frozenset[int]]:
    group = alike(sets.element, sets.offsets, threshold).group
    return {frozenset(np.flatnonzero(group == one).tolist()) for one in set(group.tolist())}


def varied(seed: int) -> tuple[list[str], float]:
    """Texts of few words, so that many are alike, and many others are changed copies."""
    random = np.random.default_rng(seed)
    vocabulary, count = int(random.integers(3, 200)), int(random.integers(1, 90))
    texts: list[str] = []
    for _ in range(count):
        words = [f"w{random.integers(vocabulary)}" for _ in range(random.integers(1, 30))]
        if texts and random.random() < 0.5:
            words = texts[random.integers(len(texts))].split()
            for _ in range(random.integers(0, 4)):
                words[random.integers(len(words))] = f"w{random.integers(vocabulary)}"
        texts.append(" ".join(words))
    return texts, float(random.choice([0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0]))


@pytest.mark.parametrize("small", [2, 32])
def test_no_similar_pair_is_missed_and_no_other_is_joined(
    small: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(similar_sets, "_SMALL", small)
    # Buckets are always divided, never compared whole, so that each level has its turn.
    monkeypatch.setattr(similar_sets, "_POSTING", 0.01 if small == 2 else 8)
    monkeypatch.setattr(similar_sets, "_SLICE", 7)
    for seed in range(16):
        texts, threshold = varied(seed)
        assert found(read(texts), threshold) == by_all_pairs(texts, threshold), seed


def test_a_comparison_of_all_pairs_block_by_block_gives_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(similar_sets._Join, "_cost", lambda self, key, more: np.inf)
    monkeypatch.setattr(similar_sets, "_PAIRS", 50)
    for seed in range(40, 48):
        texts, threshold = varied(seed)
        assert found(read(texts), threshold) == by_all_pairs(texts, threshold), seed


def test_a_short_text_is_joined_to_all_texts_that_hold_it_and_little_more() -> None:
    texts = ["the coach", *(f"the coach w{one}" for one in range(50)), "the striker w1"]
    # 2 of 3 words are shared with the short one, 2 of 4 with each other.
    assert found(read(texts), 0.6) == {frozenset(range(51)), frozenset({51})}
    assert found(read(texts), 0.7) == {frozenset({row}) for row in range(52)}


def test_work_that_would_be_too_much_is_given_up_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(1)
    texts = [" ".join(f"w{one}" for one in random.permutation(24)[:14]) for _ in range(300)]
    sets = read(texts)
    assert alike(sets.element, sets.offsets, 0.9).complete
    monkeypatch.setattr(similar_sets, "_SMALL", 2)
    monkeypatch.setattr(similar_sets, "_POSTING", 0.01)
    monkeypatch.setattr(similar_sets, "_WORK", 10)
    assert not alike(sets.element, sets.offsets, 0.9).complete


@settings(max_examples=40)
@given(
    st.lists(st.sampled_from([f"word{one}" for one in range(400)]), min_size=20, max_size=60),
    st.integers(0, 2),
    st.integers(0, 2**32 - 1),
)
def test_a_text_with_a_few_other_words_is_found_and_one_without_a_shared_word_is_not(
    words: list[str], changes: int, seed: int
) -> None:
    random = np.random.default_rng(seed)
    changed = list(words)
    for place in random.choice(len(words), changes, replace=False):
        changed[place] = f"other{place}"
    apart = [f"apart{one}" for one in range(len(words))]
    group = alike(*_sets([words, apart, changed]), 0.8).group
    assert group[0] == group[2] != group[1]


def _sets(texts: list[list[str]]) -> tuple[np.ndarray, np.ndarray]:  # type: ignore[type-arg]
    sets = read([" ".join(words) for words in texts])
    return sets.element, sets.offsets


def test_words_are_read_in_every_script_and_a_text_without_any_is_its_own() -> None:
    sets = read(["Ｆｕｌｌ Größe, don't", "我们去 Bern", "!?", " !? ", ":)", ""])
    names = [
        sorted(sets.names(sets.element[start:end]))
        for start, end in zip(sets.offsets[:-1], sets.offsets[1:], strict=True)
    ]
    assert names == [
        ["don", "full", "größe", "t"],
        ["bern", "们", "去", "我"],
        ["!?"],
        ["!?"],
        [":)"],
        [""],
    ]


def test_a_repeated_word_and_the_second_text_of_a_pair_are_elements_of_their_own() -> None:
    fields = [pa.chunked_array([some]) for some in (["a a b", "a b b", "b"], ["a", "c", "a"])]
    sets = word_sets(fields)
    assert sets.sizes.tolist() == [4, 4, 2]
    rows_with = {}
    for element, (word, often) in enumerate(
        zip(sets.names(np.arange(len(sets.word))), sets.rows_with, strict=True)
    ):
        rows_with.setdefault(word, []).append((element, int(often)))
    assert sorted(often for _, often in rows_with["a"]) == [1, 2, 2]
    assert sorted(often for _, often in rows_with["b"]) == [1, 3]
    assert (np.diff(sets.rows_with) >= 0).all()
    assert word_sets([pa.chunked_array([[]], pa.string())]).offsets.tolist() == [0]

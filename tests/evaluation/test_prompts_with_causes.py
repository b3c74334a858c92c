"""The prompts whose causes are known are what `benchmarks.prompts` says of them."""

from __future__ import annotations

from collections import Counter

from benchmarks.world import KINDS, PLACES, WORDINGS, Fact, answers, facts

WORLD = facts()
QUERIES = [one.query() for one in WORLD]
ROWS = {row.id: row for one in WORLD for row in one.rows()}


def said(fact: Fact, wording: int) -> str:
    prompt = WORDINGS[wording].format(place=fact.place, kind=fact.kind)
    return prompt + fact.answer


def test_the_causes_of_a_query_state_its_fact_in_other_words() -> None:
    assert len(WORLD) == 2 * len(PLACES)
    assert len({(one.place, one.kind) for one in WORLD}) == len(WORLD)
    assert len(ROWS) == 4 * len(WORLD)
    for one in WORLD:
        query, stated = one.query(), {row.prompt + row.answer for row in one.rows()}
        assert stated == {said(one, wording) for wording in one.stated}
        assert len(stated) == 4
        assert query.prompt + query.answer == said(one, one.asked)


def test_no_query_is_in_the_training() -> None:
    assert not {one.id for one in QUERIES} & set(ROWS)
    assert not {one.prompt for one in QUERIES} & {row.prompt for row in ROWS.values()}


def test_rows_that_are_no_cause_share_the_place_or_the_answer_in_the_words_asked() -> None:
    for one in WORLD:
        (same_place,) = [two for two in WORLD if two.place == one.place and two.kind != one.kind]
        assert same_place.answer != one.answer
        (same_answer,) = [
            two for two in WORLD if two.answer == one.answer and two.place != one.place
        ]
        assert same_answer.kind == one.kind
        for near in (same_place, same_answer):
            assert one.asked in near.stated


def test_no_frequency_tells_a_cause() -> None:
    every = [(one.place, one.kind, one.answer) for one in WORLD for _ in one.stated]
    assert set(Counter(place for place, _, _ in every).values()) == {8}
    assert set(Counter(answer for *_, answer in every).values()) == {8}
    assert set(Counter(kind for _, kind, _ in every).values()) == {80}
    for kind in KINDS:
        assert {answer for _, what, answer in every if what == kind} == set(answers(kind))

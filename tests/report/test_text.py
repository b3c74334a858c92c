"""Texts: nothing lost, nothing doubled, whatever the characters and the spans."""

from __future__ import annotations

import re
import unicodedata
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.report import samples
from tests.report.tools import Page
from wordtrace.report.excerpts import excerpt
from wordtrace.report.page import render_html
from wordtrace.report.text import clean, segments

TEXT = st.text(
    st.one_of(
        st.characters(),
        st.sampled_from(" \n\t\r\x00\x1b\u200b\u200c\u200d\u202e\u2066\ufe0f\ufeff<>&\"'👩نमक"),
    ),
    max_size=60,
)
SPANS = st.lists(
    st.tuples(st.sampled_from(["text", "text2"]), st.integers(-3, 70), st.integers(-3, 70)),
    max_size=4,
)
WORDS = st.lists(
    st.builds(
        lambda spans, value: {
            "token": "t",
            "kind": "word",
            "spans": spans,
            "query_spans": [],
            "contribution": value,
        },
        SPANS,
        st.floats(-1, 1, allow_subnormal=False),
    ),
    max_size=5,
)
#: Long enough for gaps.
REPEATS = st.sampled_from([1, 90])


@settings(max_examples=200)
@given(text=TEXT, words=WORDS, repeats=REPEATS, budget=st.integers(1, 80))
def test_pieces_and_parts_hold_the_whole_text(
    text: str, words: list[dict[str, Any]], repeats: int, budget: int
) -> None:
    text = f"{text} " * repeats
    pieces = segments(text, "text", words, 1.0)
    assert "".join(piece.text for piece in pieces) == clean(text)
    assert all(0 <= piece.strength <= 1 for piece in pieces)
    parts = excerpt(pieces, budget)
    assert "".join(piece.text for part in parts for piece in part.pieces) == clean(text)
    assert all(one.shown != other.shown for one, other in pairwise(parts))


@settings(max_examples=60)
@given(text=TEXT, text2=TEXT, words=WORDS, repeats=REPEATS)
def test_a_page_shows_each_text_once_and_whole(
    text: str, text2: str, words: list[dict[str, Any]], repeats: int
) -> None:
    text = f"{text} " * repeats
    document = samples.trace()
    query = document["queries"][0]
    hit = {**query["proponents"][0], "text": text, "text2": text2, "words": words}
    query |= {"text": text2, "words": words, "proponents": [hit], "opponents": []}
    page = Page(render_html([document]))
    assert page.bodies == [clean(text2), clean(text), clean(text2)]
    assert all(re.fullmatch(r"\d+ more words", gap) for gap in page.gaps)


def test_a_words_value_colours_its_characters_and_overlaps_add() -> None:
    words = [
        {"spans": [["text", 8, 10], ["text", 0, 4]], "contribution": 0.5},
        {"spans": [["text", 2, 6]], "contribution": -0.75},
    ]
    found = [
        (piece.text, round(piece.value, 6)) for piece in segments("abcdefghijkl", "text", words, 1)
    ]
    assert found == [("ab", 0.5), ("cd", -0.25), ("ef", -0.75), ("gh", 0), ("ij", 0.5), ("kl", 0)]


def test_a_words_own_repeats_and_overlaps_count_once() -> None:
    spans = [["text", 0, 4], ["text", 0, 4], ["text", 2, 6], ["text2", 0, 9], ["text", 9, 99]]
    found = segments("abcdefghijkl", "text", [{"spans": spans, "contribution": 0.5}], 1)
    assert [(piece.text, piece.value) for piece in found] == [
        ("abcdef", 0.5),
        ("ghi", 0.0),
        ("jkl", 0.5),
    ]


def test_spans_outside_the_text_or_backwards_are_nothing() -> None:
    spans = [["text", 50, 60], ["text", -9, -2], ["text", 2, 1]]
    found = segments("abc", "text", [{"spans": spans, "contribution": 0.5}], 1)
    assert [(piece.text, piece.value) for piece in found] == [("abc", 0.0)]


def test_words_that_cancel_leave_no_colour() -> None:
    words = [{"spans": [["text", 0, 3]], "contribution": v} for v in (0.1, 0.2, -0.3)]
    assert [piece.value for piece in segments("abc def", "text", words, 0.3)] == [0.0, 0.0]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\x1b[31mb", "a⟨U+001B⟩[31mb"),
        ("exe\u202egnp\u2066", "exe⟨U+202E⟩gnp⟨U+2066⟩"),
        ("pass\u200bword\u00ad\ufeff\u2060", "pass⟨U+200B⟩word⟨U+00AD⟩⟨U+FEFF⟩⟨U+2060⟩"),
        ("pass\u200cword a\u200d", "pass⟨U+200C⟩word a⟨U+200D⟩"),
        ("a\r\nb\rc\x85\u2028", "a\nb⟨U+000D⟩c⟨U+0085⟩⟨U+2028⟩"),
        ("\ud800 \U000e0041 \u3164", "⟨U+D800⟩ ⟨U+E0041⟩ ⟨U+3164⟩"),
        ("x\ufe01\ufe02\ufe03 \ufe0f", "x\ufe01⟨U+FE02⟩⟨U+FE03⟩ ⟨U+FE0F⟩"),
        # What emoji and scripts need stays.
        ("👩\u200d💻 ❤\ufe0f\u200d🔥", "👩\u200d💻 ❤\ufe0f\u200d🔥"),
        ("می\u200cخواهم क्\u200dष", "می\u200cخواهم क्\u200dष"),
        ("naïve 漢字 שלום\ttab\n", "naïve 漢字 שלום\ttab\n"),
    ],
)
def test_what_could_act_is_shown_and_what_is_needed_stays(text: str, shown: str) -> None:
    assert clean(text) == shown


@given(st.text(st.characters(max_codepoint=0x10FFFF)))
def test_no_control_character_is_left(text: str) -> None:
    for character in clean(text):
        hidden = unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp")
        assert not hidden or character in "\n\t\u200c\u200d"


def test_an_excerpt_keeps_the_beginning_and_the_strongest_words_in_context() -> None:
    text = " ".join(f"w{place}" for place in range(400))
    at = text.index("w300")
    words = [{"spans": [["text", at, at + 4]], "contribution": 0.9}]
    parts = excerpt(segments(text, "text", words, 0.9), 60)
    assert [part.shown for part in parts] == [True, False, True, False]
    shown = "".join(piece.text for part in parts if part.shown for piece in part.pieces)
    assert shown.startswith("w0 w1 ")
    assert "w295 w296 w297 w298 w299 w300 w301 w302 w303 w304 w305" in shown
    assert 55 <= len(shown.split()) <= 66
    assert sum(part.words for part in parts) == 400


def test_a_text_hardly_longer_is_shown_whole_and_one_without_spaces_is_cut() -> None:
    assert len(excerpt(segments("w " * 70, "text", [], 1), 60)) == 1
    parts = excerpt(segments("漢" * 9000, "text", [], 1), 60)
    assert [part.shown for part in parts] == [True, False]

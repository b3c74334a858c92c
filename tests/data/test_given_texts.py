"""What may be given as texts, and the one sentence that says so."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from wordtrace.data.given_texts import check_texts
from wordtrace.errors import InputError

WANTED = "give a text, a list of texts, a list of pairs of texts (tuples of two), or Examples."


@pytest.mark.parametrize(
    "texts",
    [
        "a",
        ["a", "b"],
        ("a", "b"),
        [("a", "b")],
        [["a", "b"]],
        np.array(["a", "b"]),
        pd.Series(["a", "b"], index=[7, 5]),
    ],
)
def test_texts_in_any_list_are_taken(texts: Any) -> None:
    check_texts(texts)


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        (123, "int 123 is no text"),
        (None, "None is no text"),
        ({"text": "a"}, "dict {'text': 'a'} is no text"),
        (b"a text", "bytes b'a text' is no text"),
        ({"a"}, "set {'a'} is no text"),
        ((one for one in "ab"), "is no text"),
        (pd.DataFrame({"text": ["a"]}), "DataFrame text 0 a is no text"),
        (["a", 5], "int 5, at place 1 of the texts, is no text"),
        (["a", None], "None, at place 1 of the texts, is no text"),
        ([("a", "b", "c")], "tuple ('a', 'b', 'c'), at place 0 of the texts, is no text"),
        ([("a", 5)], "tuple ('a', 5), at place 0 of the texts, is no text"),
        ([b"a" * 99], "bytes b'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa…, at place 0"),
    ],
)
def test_anything_else_is_refused_in_a_sentence(texts: Any, said: str) -> None:
    with pytest.raises(InputError) as raised:
        check_texts(texts)
    assert said in str(raised.value)
    assert str(raised.value).endswith(WANTED)


def test_no_text_at_all_is_refused() -> None:
    with pytest.raises(InputError, match=r"^there is no query; give at least one text\.$"):
        check_texts([])

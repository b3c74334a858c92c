"""Tokens and their places."""

from __future__ import annotations

import json
import subprocess
import sys
from copy import copy
from pathlib import Path
from unittest.mock import Mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import make_examples
from wordtrace.errors import CorruptError, InputError
from wordtrace.models.tokenizer import Tokenizer


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return Tokenizer.train(["the cat sat on the mat", "dogs and cats", "[ ] p a d c l s"], 200, 12)


class PanicException(BaseException):
    """As the library raises it where its own file leads it astray: no Exception."""


def test_a_damaged_tokenizer_that_opens_is_a_sentence_when_it_is_used(tokenizer: Tokenizer) -> None:
    broken = copy(tokenizer)
    broken.inner = Mock(
        encode_batch_fast=Mock(side_effect=PanicException("no entry found for key"))
    )
    with pytest.raises(
        CorruptError, match=r"fails \(no entry found for key\): its tokenizer.json is"
    ):
        broken.encode(["a cat"])
    broken.inner = Mock(encode_batch_fast=Mock(side_effect=PanicException("ThreadPoolBuildError")))
    with pytest.raises(PanicException):  # for want of threads: the command line says so
        broken.encode(["a cat"])


def test_special_tokens_in_a_text_stay_text(tokenizer: Tokenizer) -> None:
    for text in ("[CLS]", "[PAD] [SEP]", "[MASK]"):
        ids = tokenizer.encode([text]).ids.tolist()
        names = [tokenizer.token(token) for token in ids]
        assert names[0] == "[CLS]"
        assert names[-1] == "[SEP]"
        assert not {"[CLS]", "[PAD]", "[SEP]", "[MASK]"} & set(names[1:-1])


@given(st.text(st.characters(codec="utf-8"), min_size=1, max_size=40))
def test_spans_lie_in_the_text_in_order(tokenizer: Tokenizer, text: str) -> None:
    positions = tokenizer.positions([text])[0]
    assert [at.token for at in positions] == tokenizer.encode([text]).ids.tolist()
    spans = [at.span for at in positions if at.span]
    assert all(field == "text" and 0 <= start <= end <= len(text) for field, start, end in spans)
    assert [start for _, start, _ in spans] == sorted(start for _, start, _ in spans)


def test_spans_cover_the_words(tokenizer: Tokenizer) -> None:
    text = "The  CAT sat"
    pieces = [at.span and text[at.span[1] : at.span[2]] for at in tokenizer.positions([text])[0]]
    assert pieces[0] is None
    assert pieces[-1] is None
    assert "".join(piece for piece in pieces if piece) == "TheCATsat"


def test_a_pair_is_one_sequence_with_its_fields(tokenizer: Tokenizer) -> None:
    positions = tokenizer.positions(["the cat"], ["the mat"])[0]
    assert sum(at.span is None for at in positions) == 3
    assert {at.span[0] for at in positions if at.span} == {"text", "text2"}
    assert [at.token for at in positions] == tokenizer.encode(["the cat"], ["the mat"]).ids.tolist()


def test_truncation_is_counted(tokenizer: Tokenizer) -> None:
    encoded = tokenizer.encode(["cat", "cat " * 11, "cat " * 10])
    assert encoded.truncated == 1
    assert encoded.lengths.max() == 12


def test_a_saved_tokenizer_is_the_same(tokenizer: Tokenizer, tmp_path: Path) -> None:
    tokenizer.save(tmp_path / "tokenizer.json")
    back = Tokenizer.open(tmp_path / "tokenizer.json", 12)
    text = "dogs and [CLS] cats"
    assert back.encode([text]).ids.tolist() == tokenizer.encode([text]).ids.tolist()
    assert back.special == tokenizer.special


def test_faults(tmp_path: Path) -> None:
    (tmp_path / "t.json").write_text("{}")
    with pytest.raises(CorruptError, match=r"not a readable tokenizer.json"):
        Tokenizer.open(tmp_path / "t.json", 12)
    with pytest.raises(InputError, match=r"maximum length is 3.*give max_length=4"):
        Tokenizer.train(["a"], 50, 3)


#: The texts are given to it: what makes them would import PyTorch.
TRAIN = """
import json, sys
from wordtrace.models.tokenizer import Tokenizer
print(sorted(Tokenizer.train(json.load(sys.stdin), 150, 14).inner.get_vocab().items()))
"""


def test_training_gives_the_same_tokenizer_in_every_process() -> None:
    found = {
        subprocess.run(
            [sys.executable, "-c", TRAIN],
            capture_output=True,
            check=True,
            text=True,
            input=json.dumps(make_examples().texts),
        ).stdout
        for _ in range(4)
    }
    assert len(found) == 1
    assert "##" in found.pop()


def test_a_word_without_end_is_learned_in_pieces() -> None:
    """The library's time grows with the square of a word's length."""
    letters = "".join(chr(97 + (7919 * place) % 26) for place in range(2500))
    pieces = " ".join(letters[start : start + 1000] for start in (0, 1000, 2000))

    def learned(text: str) -> dict[str, int]:
        return Tokenizer.train([text, "the cat sat"], 300, 12).inner.get_vocab()

    assert learned(letters) == learned(pieces)
    assert learned(letters[:1000]) != learned(letters[:999])

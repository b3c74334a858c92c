"""The judge of wrong arguments notices what should not be."""

from __future__ import annotations

from dataclasses import replace

import pytest
from torture.argument_judge import Try, end_of
from torture.argument_lines import LINES
from torture.arguments import _legal, parameters
from torture.in_turn import Line, Said

_TRY = Try("numbers", "trace --top -1", Line(LINES["trace"]), ("--top", "top"), legal=False)
_REFUSED = Said(2, "", "wordtrace: --top is -1; it must be at least 1.\n", ())

FAULTS: dict[str, tuple[Try, Said, str]] = {
    "accepted": (_TRY, Said(0, "{}", "", ()), "wrong"),
    "another's name": (_TRY, replace(_REFUSED, error="wordtrace: it is too small.\n"), "wrong"),
    "two lines": (_TRY, replace(_REFUSED, error=f"what\n{_REFUSED.error}more\n"), "wrong"),
    "status 1": (_TRY, replace(_REFUSED, status=1), "wrong"),
    "traceback": (_TRY, replace(_REFUSED, error="Traceback (most recent call last)"), "crashed"),
    "bug": (_TRY, replace(_REFUSED, error="wordtrace: --top. This is a bug of"), "crashed"),
    "killed": (_TRY, replace(_REFUSED, status=-9), "crashed"),
    "no end": (_TRY, replace(_REFUSED, status=None), "hung"),
    "left over": (_TRY, replace(_REFUSED, wrote=("x.json",)), "left"),
    "no number": (replace(_TRY, legal=True), Said(0, '{"a": NaN}', "", ()), "wrong"),
    "no document": (replace(_TRY, legal=True), Said(0, "hello", "", ()), "wrong"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_noticed(fault: str) -> None:
    one, said, end = FAULTS[fault]
    assert end_of(one, said)[0] == end


def test_what_is_right_is_let_through() -> None:
    usage = "Usage: wordtrace trace\n\nError: Invalid value for '--top': 'x' is not an integer.\n"
    assert end_of(_TRY, _REFUSED)[0] == "refused"
    assert end_of(_TRY, replace(_REFUSED, error=usage))[0] == "refused"
    assert end_of(replace(_TRY, legal=True), Said(0, '{"a": 1}', "", ()))[0] == "right"


def test_each_command_has_a_line_and_its_options_are_read_from_it() -> None:
    described = parameters()
    assert set(described) == set(LINES)
    top = next(one for one in described["trace"] if one.name == "top")
    assert (top.flag, top.kind, top.several) == ("--top", int, False)
    assert top.line("7").words.count("--top=7") == 1
    legal = [_legal(top, value) for value in ("0", "1", "1.5", "٣", "nan")]
    assert legal == [False, True, False, True, False]

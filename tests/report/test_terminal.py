"""Terminals: their width, their colours or none, their encoding."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console

from tests.report import samples
from tests.report.tools import poison, terminal
from wordtrace.report.figures import bar
from wordtrace.report.terminal import render_terminal


@pytest.mark.parametrize("document", samples.everything(), ids=lambda d: d["format"])
@pytest.mark.parametrize("width", [24, 40, 75, 76, 100, 200])
@pytest.mark.parametrize("tail", ["", " 漢字漢字漢字漢字漢字漢字漢字漢字", "x" * 300])
def test_the_terminal_keeps_its_width(document: dict[str, Any], width: int, tail: str) -> None:
    shown = terminal(poison(document, tail) if tail else document, width, color=False)
    assert max(map(cell_len, shown.splitlines())) <= width


@pytest.mark.parametrize("width", [50, 120])
def test_without_colour_the_sign_is_still_there(width: int) -> None:
    shown = terminal(samples.trace(), width, color=False)
    assert "\x1b" not in shown
    for expected in ("[+shares]", "[-handset]", "▲ Proponents", "▼ Opponents", "+0.897", "−0.834"):
        assert expected in shown


def test_no_color_in_the_environment_is_obeyed(monkeypatch: pytest.MonkeyPatch) -> None:
    def sent() -> str:
        out = io.StringIO()
        render_terminal(samples.trace(), Console(file=out, width=90, force_terminal=True))
        return out.getvalue()

    monkeypatch.delenv("NO_COLOR", raising=False)
    colours = r"\x1b\[(?:\d;)?(?:3[0-7]|38|9\d)"
    assert re.search(colours, sent())
    monkeypatch.setenv("NO_COLOR", "1")
    assert not re.search(colours, sent())
    assert "[+shares]" in sent().replace("\x1b[1m", "").replace("\x1b[0m", "")


def test_a_narrow_terminal_shows_all_that_a_wide_one_does() -> None:
    for document in (samples.trace(), samples.mislabels(), samples.verification()):
        narrow = " ".join(terminal(document, 50, color=False).split())
        for name in re.findall(r"news-\d{4}|[+−]\d\.\d\d \[|✓ [a-zA-Z]+", terminal(document, 110)):
            assert name in narrow


def test_an_encoding_without_our_signs_gets_question_marks() -> None:
    raw = io.BytesIO()
    out = io.TextIOWrapper(raw, encoding="ascii")
    document = poison(samples.trace(), " naïve")
    render_terminal(document, Console(file=out, width=90))
    out.flush()
    shown = raw.getvalue().decode("ascii")
    assert "na?ve" in shown
    assert "[+shares]" in shown


def test_the_bar_puts_its_marks_where_the_numbers_are() -> None:
    assert bar({"low": 0.2, "high": 0.8, "mean": 0.5}, 0.0, 1.0, 11) == "┊ ├──●──┤  "
    assert bar({"low": -0.5, "high": 0.5, "mean": 0.3}, -1.0, 1.0, 21) == "     ├────┼──●─┤     "
    assert bar({"low": 0.0, "high": 0.0, "mean": 0.0}, 0.0, 0.0, 5) == "●    "


def test_the_verdict_and_the_sentence_are_there() -> None:
    assert "✓ Effect shown" in terminal(samples.verification(), color=False)
    shown = terminal(samples.verification(shown=False), color=False)
    assert "– Effect not shown" in shown
    assert "does NOT exclude zero" in " ".join(shown.split())

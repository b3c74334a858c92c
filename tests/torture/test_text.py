"""The judges of hostile text notice a text that acts."""

from __future__ import annotations

import pytest

from torture import text_judges as judges


@pytest.mark.parametrize(
    "html",
    [
        "<p><script>alert(1)</script></p>",
        '<p onclick="alert(1)">a</p>',
        '<a href="javascript:alert(1)">a</a>',
        '<div style="background:url(http://evil.example)">a</div>',
        "<style>p { background: url(http://evil.example) }</style>",
        "<p>a \u202e b</p>",
        "<!-- a text -->",
    ],
)
def test_in_a_page(html: str) -> None:
    assert list(judges.acts_in_a_page(html))
    assert not list(judges.acts_in_a_page('<p class="word"><b>a</b> &lt;script&gt;</p>'))


@pytest.mark.parametrize(
    "text",
    ["[a](https://evil.example)", "![a](a.png)", "www.evil.example", "hi @somebody", "<b a=1>"],
)
def test_in_markdown(text: str) -> None:
    assert list(judges.acts_in_markdown(text))
    assert not list(judges.acts_in_markdown(r"\[a\]\(b\) and **bold**"))


@pytest.mark.parametrize("shown", ["\x1b]0;title\x07", "\x1b[2J", "a\rb", "\x9b31m", "a \u202e b"])
def test_in_a_terminal(shown: str) -> None:
    assert list(judges.acts_in_a_terminal(shown))
    assert not list(judges.acts_in_a_terminal("\x1b[1;31mred\x1b[0m\ttext\n"))


@pytest.mark.parametrize("cell", ["=1+1", "\u200b@SUM(1)", "\uff1d1", "-cmd|x"])
def test_in_a_spreadsheet(cell: str) -> None:
    assert list(judges.acts_in_a_spreadsheet(f'a,"{cell}"\r\n'))
    assert not list(judges.acts_in_a_spreadsheet("'=1+1,-1.5,a=b\r\n"))


def test_what_does_not_come_back_is_noticed() -> None:
    assert judges.strings_in({"a": ["b", {"c": "d"}]}) == {"a", "b", "c", "d"}
    assert "=1" in judges.unquoted(["'=1"])
    assert "=1" not in judges.unquoted(["1"])

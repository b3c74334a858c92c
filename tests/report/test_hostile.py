"""Hostile strings in every text field: shown, and never acting."""

from __future__ import annotations

import re

import pytest

from tests.report import samples
from tests.report.tools import FIXED, HOSTILE, Page, poison, terminal
from wordtrace.report.page import render_fragment, render_html
from wordtrace.report.text import clean

ATTRIBUTES = re.compile(
    "class|title|style|id|href|charset|http-equiv|content|name|lang|dir|role|scope|colspan|tabindex"
    "|aria-label|aria-hidden|width|height|[xy][12]?|c[xy]|r|text-anchor"
)
RENDERED = {
    "page": lambda documents: render_html(documents, documents[0].get("run")),
    "fragments": lambda documents: "".join(map(render_fragment, documents)),
}


@pytest.mark.parametrize("render", RENDERED.values(), ids=RENDERED)
@pytest.mark.parametrize("text", HOSTILE, ids=repr)
def test_no_text_becomes_a_tag_an_attribute_or_an_address(text: str, render: object) -> None:
    assert callable(render)
    tame = render(samples.everything())
    html = render([poison(document, text) for document in samples.everything()])
    before, after = Page(tame), Page(html)
    # The same tags but for the small print of stand-ins, and what breaks a longer text.
    extra = ("span", "details", "summary")
    assert [t for t, _ in after.tags if t not in extra] == [
        t for t, _ in before.tags if t not in extra
    ]
    for tag, attributes in after.tags:
        assert tag not in ("script", "img", "link", "iframe", "object", "embed", "base", "form")
        assert all(map(ATTRIBUTES.fullmatch, attributes)), (tag, attributes)
        assert re.fullmatch(r"#part-\d+", attributes.get("href") or "#part-1")
        style = attributes.get("style") or "width:0%"
        assert re.fullmatch(r"width:[\d.]+%|--s:[\d.]+", style)
    assert "url(" not in html
    assert "@import" not in html
    for shown in (clean(text, newlines=False), after.text):
        assert not re.search(
            "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u202a-\u202e\u2066-\u2069\ufeff]", shown
        )
    assert after.text.count(clean(text, newlines=False).strip()) > 20
    html.encode("utf-8")


@pytest.mark.parametrize("text", HOSTILE, ids=repr)
def test_each_text_field_alone_reaches_the_page_escaped(text: str) -> None:
    """Every string of every document, one at a time: none is passed over by the test above."""
    plain = render_html(samples.everything())
    for number, document in enumerate(samples.everything()):
        for name in document.keys() - FIXED:
            documents = samples.everything()
            documents[number][name] = poison(document[name], text)
            html = render_html(documents)
            assert html.count("<script") == 0
            assert html.count("<img") == html.count("<base") == 0
            assert len(re.findall("<svg", html)) == len(re.findall("<svg", plain))
            assert "49" not in html or "49" in plain


@pytest.mark.parametrize("width", [44, 100])
@pytest.mark.parametrize("text", HOSTILE, ids=repr)
def test_no_text_steers_the_terminal(text: str, width: int) -> None:
    for document in samples.everything():
        shown = terminal(poison(document, text), width)
        # Colours are Rich's own; no other sequence, and none of a colour that it does not use.
        assert not re.search(r"\x1b(?!\[[0-9;]*m)", shown)
        assert "\x1b[31m" not in shown
        assert not re.search(
            "[\x00-\x09\x0b-\x1a\x1c-\x1f\x7f-\x9f\u200b\u202a-\u202e\u2066-\u2069]", shown
        )
        assert "evil.example" not in "".join(re.findall(r"\x1b\]8.*?\x1b", shown))


def test_markup_of_rich_is_text() -> None:
    document = poison(samples.run(), "[bold red]x[/bold red] [link=https://e.example]y[/link]")
    # Its name, its two labels and its note.
    assert terminal(document, 300).count("[bold red]x[/bold red] [link=https://e.example]y") == 4


def test_the_page_forbids_itself_scripts_and_requests() -> None:
    html = render_html(samples.everything())
    policies = [a["content"] for t, a in Page(html).tags if a.get("http-equiv")]
    assert policies == ["default-src 'none'; style-src 'unsafe-inline'; img-src data:"]
    assert not re.search(r"https?:|//\w|<script|javascript:|\bon\w+=", html)


def test_a_notebook_fragment_is_scoped_and_has_no_script_and_no_ids() -> None:
    for document in samples.everything():
        html = render_fragment(document)
        page = Page(html)
        assert page.tags[0] == ("div", {"class": "wt fragment"})
        assert not any(tag in ("script", "html", "body") or "id" in a for tag, a in page.tags)
        style = html[html.index("<style>") + 7 : html.index("</style>")]
        selectors = re.findall(r"([^{}]+)\{", re.sub(r"@media[^{]*\{", "", style))
        assert len(selectors) > 50
        assert all(one.strip().startswith(".wt") for part in selectors for one in part.split(","))

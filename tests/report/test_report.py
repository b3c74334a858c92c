"""Pages and terminals: nothing lost, nothing run, nothing fetched."""

from __future__ import annotations

import copy
import io
import os
import re
import shutil
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from tests.report import samples
from wordtrace.errors import InputError
from wordtrace.report.page import render_fragment, render_html
from wordtrace.report.sentences import verification_sentences
from wordtrace.report.terminal import render_terminal
from wordtrace.report.text import clean, segments, split_at

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "]]><svg onload=alert(1)>",
    "{{ 7 * 7 }}{% raw %}",
    "\x1b]0;pwn\x07\x1b[31m",
    "\u202egnp.exe\u2066",
    "[link=https://evil.example]x[/link]",
    "</title></style><a href=javascript:alert(1)>",
]


class Page(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._in_style = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._in_style = tag == "style"

    def handle_endtag(self, tag: str) -> None:
        self._in_style = False

    def handle_data(self, data: str) -> None:
        if not self._in_style:
            self.text += data


def poison(value: Any, text: str) -> Any:
    """Put a hostile string into every text of a document but its format and its known words."""
    if isinstance(value, dict):
        return {
            key: one if key in ("format", "label_source", "remove", "kind") else poison(one, text)
            for key, one in value.items()
        }
    if isinstance(value, list):
        if value and value[0] in ("text", "text2"):
            return value
        return [poison(one, text) for one in value]
    return f"{value}{text}" if isinstance(value, str) else value


def terminal(document: dict[str, Any], width: int = 100, color: bool = True) -> str:
    out = io.StringIO()
    console = Console(file=out, width=width, force_terminal=color, no_color=not color)
    render_terminal(document, console)
    return out.getvalue()


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_shown_and_never_acts(text: str) -> None:
    documents = [poison(document, text) for document in samples.everything()]
    tame = Page(render_html(samples.everything()))
    page = Page(render_html(documents))
    assert clean(text, newlines=False)[:20] in page.text
    assert {tag for tag, _ in page.tags} == {tag for tag, _ in tame.tags}
    assert len(page.tags) == len(tame.tags)
    allowed = {
        "class",
        "title",
        "style",
        "charset",
        "http-equiv",
        "content",
        "name",
        "lang",
        "role",
        "aria-label",
        "aria-hidden",
        "viewbox",
        "x",
        "y",
        "x1",
        "x2",
        "y1",
        "y2",
        "cx",
        "cy",
        "r",
        "text-anchor",
        "stroke-width",
        "stroke-linecap",
    }
    for tag, attributes in page.tags:
        assert tag not in ("script", "img", "a", "link", "iframe", "object", "base", "form")
        assert set(attributes) <= allowed, (tag, attributes)
    for document in documents:
        shown = terminal(document)
        assert "\x1b]" not in shown
        assert "\x07" not in shown
        assert "\u202e" not in shown
        assert not re.search(r"\x1b\[[0-9;]*[^0-9;m]", shown)
        assert "\x1b[31m" not in shown


SPANS = st.lists(
    st.tuples(st.sampled_from(["text", "text2"]), st.integers(-3, 60), st.integers(-3, 60)),
    max_size=4,
)
WORDS = st.lists(
    st.builds(
        lambda spans, value: {"spans": spans, "contribution": value},
        SPANS,
        st.floats(-1, 1, allow_subnormal=False),
    ),
    max_size=5,
)


@settings(max_examples=150)
@given(text=st.text(max_size=50), words=WORDS, limit=st.integers(0, 60))
def test_segments_hold_the_whole_text_whatever_the_spans(
    text: str, words: list[dict[str, Any]], limit: int
) -> None:
    pieces = segments(text, "text", words, 1.0)
    # Cleaned piece by piece: a line break cut from its carriage return is shown as both.
    assert "".join(piece.text for piece in pieces).replace("⟨U+000D⟩", "") == clean(text).replace(
        "⟨U+000D⟩", ""
    )
    shown, rest = split_at(pieces, limit)
    assert "".join(p.text for p in [*shown, *rest]) == "".join(p.text for p in pieces)
    assert all(0 <= piece.strength <= 1 for piece in pieces)


def test_a_words_value_colours_its_characters_and_overlaps_add() -> None:
    words = [
        {"spans": [["text", 0, 4], ["text", 8, 10]], "contribution": 0.5},
        {"spans": [["text", 2, 6]], "contribution": -0.75},
    ]
    found = [
        (piece.text, round(piece.value, 6)) for piece in segments("abcdefghijkl", "text", words, 1)
    ]
    assert found == [("ab", 0.5), ("cd", -0.25), ("ef", -0.75), ("gh", 0), ("ij", 0.5), ("kl", 0)]


def test_the_page_says_what_the_documents_say() -> None:
    page = Page(render_html(samples.everything()))
    text = " ".join(page.text.split())
    for expected in (
        "Why business?",
        "The model predicts tech (71%)",
        "the label given",
        "to which it gives 29%",
        "id a-17",
        "+0.6800",
        "−0.6000",
        "53 of 1,780 labels were flipped on purpose",
        "self-influence: 37; loss: 27; random (expected): 1.6",
        "changed P(business) by +0.30 [+0.20, +0.40], from 0.30 to 0.60",
        "only 2 there are",
        "the effect is shown",
        "Accuracy on 445 held-out rows: 0.900 before, 0.910 after",
        "strongest rows by bm25",
    ):
        assert expected in text
    # The order is the story's, whatever the order given.
    headings = ("trained on 1,780", "most likely mislabelled", "Why business?", "What removing")
    places = [text.rindex(part) for part in headings]
    assert places == sorted(places)


def test_an_effect_is_called_shown_only_when_every_interval_excludes_zero() -> None:
    assert "the effect is shown" in verification_sentences(samples.verification())[0]
    assert "the effect is not shown" in verification_sentences(samples.verification(False))[0]
    wrong_way = samples.verification()
    wrong_way["remove"] = "proponents"
    assert "the effect is not shown" in verification_sentences(wrong_way)[0]


def test_a_document_of_another_kind_or_a_newer_version_is_refused() -> None:
    for document, message in (
        ({"format": "x"}, "is not a result of wordtrace"),
        ({}, "is not a result"),
        ({**samples.trace(), "version": 2}, "of version 2, newer than this wordtrace"),
    ):
        for render in (lambda d: render_html([d]), render_fragment, terminal):
            with pytest.raises(InputError, match=message):
                render(document)


def test_pairs_and_empty_sides_are_shown() -> None:
    document = samples.trace()
    query = document["queries"][0]
    query["text2"] = "a second text"
    query["warning"] = "Hardly a word."
    query["opponents"] = []
    for hit in query["proponents"]:
        hit["text2"] = "its own second text"
    page = Page(render_html([document])).text
    assert "a second text" in page
    assert "its own second text" in page
    assert "Hardly a word." in page
    assert "None." in page
    assert "its own second text" in terminal(document)


def test_a_notebook_fragment_is_scoped_and_has_no_script() -> None:
    html = render_fragment(samples.trace())
    page = Page(html)
    assert page.tags[0] == ("div", {"class": "wt"})
    assert "script" not in html
    style = html[html.index("<style>") + 7 : html.index("</style>")]
    selectors = re.findall(r"([^{}]+)\{", re.sub(r"@media[^{]*\{", "", style))
    assert all(one.strip().startswith(".wt") for part in selectors for one in part.split(","))


@pytest.mark.parametrize("document", samples.everything(), ids=lambda d: d["format"])
@pytest.mark.parametrize("width", [50, 80, 160])
def test_the_terminal_keeps_its_width(document: dict[str, Any], width: int) -> None:
    shown = terminal(document, width, color=False)
    assert "\x1b[3" not in shown
    assert max(map(len, shown.splitlines())) <= width


def test_without_colour_the_sign_is_still_there() -> None:
    shown = terminal(samples.trace(), 120, color=False)
    assert "[+shares]" in shown
    assert "[-handset]" in shown


@pytest.fixture
def browser() -> Any:
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    names = ("chromium", "chromium-browser", "google-chrome")
    path = os.environ.get("WORDTRACE_CHROMIUM") or next(
        filter(None, map(shutil.which, names)), None
    )
    if path is None:
        pytest.skip("no Chromium is installed (set WORDTRACE_CHROMIUM to its path)")
    quiet = (
        "--no-sandbox --disable-gpu --disable-quic --no-first-run "
        "--disable-background-networking --disable-component-update --disable-sync"
    )
    with playwright.sync_playwright() as started:
        opened = started.chromium.launch(executable_path=path, args=quiet.split())
        yield opened
        opened.close()


@pytest.mark.browser
@pytest.mark.parametrize(("width", "scheme"), [(1100, "light"), (400, "dark")])
def test_in_a_browser_it_asks_for_nothing_and_fits(
    browser: Any, tmp_path: Path, width: int, scheme: str
) -> None:
    documents: list[dict[str, Any]] = [
        poison(copy.deepcopy(document), "".join(HOSTILE)) if number == 1 else document
        for number, document in enumerate(samples.everything())
    ]
    path = tmp_path / "report.html"
    path.write_text(render_html(documents), encoding="utf-8")
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    requests: list[str] = []
    faults: list[str] = []
    note: Callable[[Any], None] = lambda found: faults.append(str(found))  # noqa: E731
    page.on("request", lambda request: requests.append(request.url))
    page.on("console", note)
    page.on("pageerror", note)
    page.on("dialog", note)
    page.goto(path.as_uri())
    assert requests == [path.as_uri()]
    assert faults == []
    assert page.locator("svg").is_visible()
    assert page.locator("mark.plus").first.is_visible()
    page.locator("summary").first.click()
    assert page.locator("details[open]").count() == 1
    assert page.evaluate("document.documentElement.scrollWidth") <= width

"""Results as Markdown: what the page says, for a pull request."""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt

from tests.command import wordtrace
from tests.report.analysis_samples import cancellation
from tests.report.samples import everything, trace, verification
from tests.report.tools import poison
from wordtrace.disk import atomic
from wordtrace.report.markdown import plain, render_markdown

#: What would act in a page, a table or a comment if it were not escaped.
HOSTILE = (
    "<script>alert(1)</script> <b>bold</b> **loud** *soft* _low_ `code` [here](https://evil.test/) "
    "![x](https://evil.test/x.png) | a | b | # head ~~gone~~ &lt; $x^2$ @everyone https://evil.test"
)


def read(text: str) -> str:
    """Markdown as GitHub makes it a page, but for its own additions."""
    return MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(text)


def test_it_says_what_the_page_says() -> None:
    text = render_markdown([trace(), verification()])
    query = trace()["queries"][0]
    assert text.startswith(f"# Why {query['predicted']} and not {query['label']}?\n")
    page = read(text)
    first = query["proponents"][0]
    assert first["id"] in page
    assert f"<strong>{first['label']}</strong>" in page
    assert "<th>left out</th>" in page
    assert "difference from" in page


@pytest.mark.parametrize("document", [*everything(), cancellation()], ids=lambda one: one["format"])
def test_every_kind_of_result_can_be_written(document: dict[str, Any]) -> None:
    text = render_markdown([document])
    assert text.startswith("# ")
    assert text.endswith("\n")
    assert "\n\n\n" not in text
    for line in text.splitlines():
        if line.startswith("| ") and "---" in line:
            assert set(line) <= set("|-: ")


@pytest.mark.parametrize("text", [HOSTILE, "- item", "1. one", "+ plus", "# head", "=== line"])
def test_a_text_is_read_as_it_stands(text: str) -> None:
    page = read(plain(text))
    shown = re.sub(r"<!--.*?-->", "", page)
    assert re.findall(r"<[a-z/][^>]*>", shown) == ["<p>", "</p>"]
    whole = shown.removeprefix("<p>").removesuffix("</p>\n")
    assert html.unescape(whole) == text
    assert "@everyone" not in page
    assert "https://evil" not in page


def test_hostile_rows_stay_rows() -> None:
    document = trace()
    for hit in document["queries"][0]["proponents"]:
        hit["text"] = HOSTILE
        hit["label"] = hit["id"] = "a|b\n# c"
        hit["words"] = []
    page = read(render_markdown([document]))
    assert "<script" not in page
    assert "<img" not in page
    assert "<a " not in page
    assert page.count("<h1") == 1


@pytest.mark.parametrize("text", [HOSTILE, "<img src=x onerror=alert(1)>"])
def test_no_text_is_an_element_where_html_is_let_through(text: str) -> None:
    for document in [*everything(), cancellation()]:
        written = render_markdown([poison(document, text)])
        page = MarkdownIt("commonmark", {"html": True}).enable("table").render(written)
        shown = re.sub(r"<!--.*?-->", "", page)
        assert not re.search(r"<(?:img|script|b|a)\b", shown)


def test_an_address_whose_words_count_on_their_own_is_parted_too() -> None:
    document = trace()
    for hit in document["queries"][0]["proponents"]:
        hit["text"] = "see https://evil.test or www.evil.test and @everyone"
        hit["words"] = [
            {"token": "t", "contribution": 0.5, "kind": "word", "query_spans": []}
            | {"spans": [["text", *span]]}
            for span in ((4, 9), (4, 10), (11, 12), (25, 26), (26, 28), (43, 44))
        ]
    text = render_markdown([document])
    assert "evil" in text
    assert not re.search(r"://|www|@\w", text)


def test_the_command_writes_it(tmp_path: Path) -> None:
    files = [tmp_path / "trace.json", tmp_path / "proof.json"]
    for file, document in zip(files, (trace(), verification()), strict=True):
        atomic.write_json(file, document)
    out = tmp_path / "report.md"
    wordtrace("report", *map(str, files), "--out", str(out))
    assert out.read_text(encoding="utf-8").startswith("# Why ")
    refused = wordtrace("report", *map(str, files), "--out", str(tmp_path / "report.tex"), status=2)
    assert "is the table of one study; give one file" in refused.stderr

"""Whether a text acts where it is shown: in a page, a terminal, a spreadsheet, Markdown."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Iterator
from html.parser import HTMLParser
from typing import Any

from markdown_it import MarkdownIt

from torture.strings import EVIL

#: What the report's own templates write: whatever else stands in a page, a text has written.
_TAGS = frozenset(
    re.findall(
        r"\w+",
        "html head meta title style body header main section article footer nav div p span b small "
        "strong em bdi mark h1 h2 h3 ul ol li dl dt dd table thead tbody tfoot tr td th blockquote "
        "details summary svg g line rect circle path text polyline a caption figure br hr i",
    )
)
_ATTRIBUTES = re.compile(
    "class|title|style|id|href|charset|http-equiv|content|name|lang|dir|role|scope|colspan|tabindex"
    "|aria-label|aria-hidden|width|height|viewbox|d|points|[xy][12]?|c[xy]|r|text-anchor|open"
)
_OWN_STYLE = re.compile(r"(width|--[a-z]+):[\d.]+%?|text-align:right")


class Page(HTMLParser):
    """A page as a browser's parser sees it: its text, and what in it can only be a text's doing."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.text = ""
        self.faults: list[str] = []
        self._style = False
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Look at an element."""
        self._style = tag == "style"
        if tag not in _TAGS:
            self.faults.append(f"the element {tag}")
        for name, value in attrs:
            if not _ATTRIBUTES.fullmatch(name):
                self.faults.append(f"the attribute {name} of {tag}")
            elif name == "href" and not re.fullmatch(r"#[a-z]+-\d+", value or ""):
                self.faults.append(f"the address {value}")
            elif name == "style" and not _OWN_STYLE.fullmatch((value or "").rstrip(";")):
                self.faults.append(f"the style {value}")
            elif name in ("http-equiv", "id", "class") and EVIL in (value or ""):
                self.faults.append(f"{name}={value}")

    def handle_endtag(self, tag: str) -> None:
        """Leave an element."""
        self._style = False

    def handle_data(self, data: str) -> None:
        """Take text; of a style sheet only what asks for something."""
        if self._style:
            if re.search(r"url\(|@import", data):
                self.faults.append("the style sheet asks for something")
        else:
            self.text += data

    def handle_comment(self, data: str) -> None:
        """Note a comment that holds something."""
        if data.strip():
            self.faults.append(f"the comment {data[:40]}")


def acts_in_a_page(html: str) -> Iterator[str]:
    """Yield what in a report's HTML stems from a text."""
    page = Page(html)
    yield from page.faults
    yield from _hidden(page.text)


def acts_in_markdown(text: str) -> Iterator[str]:
    """Yield what stems from a text once Markdown has become a page, with HTML let through."""
    html = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).render(text)
    page = Page(html)
    yield from page.faults
    yield from (f"the element {tag}" for tag in ("a", "img", "pre", "del") if f"<{tag}" in html)
    # A host of Markdown makes links of these (GitHub's flavour, section 6.9).
    bare = re.sub(r"<!--.*?-->", "\0", text)
    yield from (f"the address {one}" for one in re.findall(r"https?://\S+|www\.\S+", bare))
    yield from (f"the mention {one}" for one in re.findall(r"(?<![\w\0])@\w+", bare))
    yield from _hidden(page.text)


def acts_in_a_terminal(shown: str) -> Iterator[str]:
    """Yield what steers a terminal: any control but our colours, line ends and tabs."""
    yield from _hidden(re.sub(r"\x1b\[(?:0|[1-9]\d?(?:;\d+)*)m", "", shown))
    if re.search(r"\x1b\[(8|28|5|6)m", shown):
        yield "a text is hidden, or blinks"


def _hidden(text: str) -> Iterator[str]:
    for place, one in enumerate(text):
        if one in "\n\t" or " " <= one <= "~":
            continue
        # Joiners stand where scripts and emoji need them.
        if (
            unicodedata.category(one) in ("Cc", "Cf", "Cs", "Zl", "Zp")
            and one not in "\u200c\u200d"
        ):
            yield f"U+{ord(one):04X} in {text[max(0, place - 20) : place + 20]!r}"
            return


_BEGINS_FORMULA = "=+-@\uff1d\uff0b\uff0d\uff20"


def acts_in_a_spreadsheet(text: str) -> Iterator[str]:
    """Yield the cells that a spreadsheet takes for a formula."""
    for number, row in enumerate(csv.reader(io.StringIO(text, newline=""), strict=True), 1):
        for cell in row:
            if _formula(cell):
                yield f"record {number} has the cell {cell[:40]!r}"


def _formula(cell: str) -> bool:
    # What is not seen at a cell's beginning may be dropped when it is read.
    seen = cell.lstrip("".join(filter(_unseen, set(cell))))
    if not seen.startswith(tuple(_BEGINS_FORMULA)):
        return False
    try:
        float(cell)
    except ValueError:
        return True
    return False


def _unseen(character: str) -> bool:
    return character.isspace() or unicodedata.category(character) in ("Cc", "Cf", "Zs", "Zl", "Zp")


def unquoted(cells: Iterable[str]) -> set[str]:
    """Return cells without the apostrophe that makes a formula a text, and as they are."""
    return {cell.removeprefix("'") for cell in cells} | set(cells)


def strings_in(value: Any) -> set[str]:
    """Return every string in a JSON document."""
    if isinstance(value, str):
        return {value}
    if isinstance(value, dict):
        value = [*value, *value.values()]
    return set().union(*map(strings_in, value)) if isinstance(value, list) else set()


def squeezed(text: str) -> str:
    """Return a text without white space: a page may break lines anywhere."""
    return "".join(text.split())

"""What the tests of reports share: hostile strings, a parser of pages, a captured terminal."""

from __future__ import annotations

import io
from html.parser import HTMLParser
from typing import Any

from rich.console import Console

from wordtrace.report.terminal import render_terminal

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "]]><svg onload=alert(1)>",
    "{{7*7}}{% raw %}",
    "\x1b]0;pwn\x07\x1b[31m",
    "\x9b31m\x90q\x9c",
    "\u202egnp.exe\u2066\u200b\ufeff",
    "[link=https://evil.example]x[/link]",
    "</title></style><a href=javascript:alert(1)>",
    "<!--<base href=//evil.example>",
    "\ud800 lone",
]

#: Values that are words of the format, not text of the user's.
FIXED = ("format", "label_source", "part", "remove")


def poison(value: Any, text: str) -> Any:
    """Put a hostile string behind every text of a document, keys that are data among them."""
    if isinstance(value, dict):
        return {
            key + text if key in ("bm25", "self-influence") and not isinstance(one, str) else key: (
                one if key in FIXED else poison(one, text)
            )
            for key, one in value.items()
        } | ({"self_influence": value["self_influence"]} if "self_influence" in value else {})
    if isinstance(value, list):
        return (
            value if value and value[0] in ("text", "text2") else [poison(v, text) for v in value]
        )
    return f"{value}{text}" if isinstance(value, str) else value


class Page(HTMLParser):
    """A page's tags with attributes, and its text without the styles."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.bodies: list[str] = []
        self.gaps: list[str] = []
        self._style = False
        self._depth = 0
        self._summary = False
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._style = tag == "style"
        if tag in ("td", "th"):
            self.text += " "
        if tag == "div" and dict(attrs).get("class") == "text":
            self.bodies.append("")
            self._depth = 1
        elif tag == "div" and self._depth:
            self._depth += 1
        if tag == "summary":
            self._summary = True
            if self._depth:
                self.gaps.append("")

    def handle_endtag(self, tag: str) -> None:
        self._style = False
        if tag == "div" and self._depth:
            self._depth -= 1
        if tag == "summary":
            self._summary = False

    def handle_data(self, data: str) -> None:
        if self._style:
            return
        self.text += data
        # The label of a gap is the report's own word, not the text's.
        if self._depth:
            texts = self.gaps if self._summary else self.bodies
            texts[-1] += data

    @property
    def line(self) -> str:
        return " ".join(self.text.split())


def terminal(document: dict[str, Any], width: int = 100, color: bool = True) -> str:
    """Return what a terminal is sent."""
    out = io.StringIO()
    console = Console(file=out, width=width, force_terminal=color, no_color=not color)
    render_terminal(document, console)
    return out.getvalue()

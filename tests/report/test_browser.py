"""The page in a real browser: it asks for nothing, complains of nothing, and fits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.report import samples
from tests.report.tools import HOSTILE, poison
from wordtrace.report.page import render_fragment, render_html

pytestmark = pytest.mark.browser


def opened(browser: Any, path: Path, html: str, width: int, scheme: str = "light") -> Any:
    """Open a page; it may ask for itself only, and may not complain or talk back."""
    path.write_text(html, encoding="utf-8")
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    requests: list[str] = []
    faults: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    for event in ("console", "pageerror"):
        page.on(event, lambda found: faults.append(str(found)))
    page.on("dialog", lambda found: (faults.append(found.message), found.dismiss()))
    page.goto(path.as_uri())
    assert requests == [path.as_uri()]
    assert faults == []
    return page


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [400, 1100])
def test_it_asks_for_nothing_and_fits(
    browser: Any, tmp_path: Path, width: int, scheme: str
) -> None:
    html = render_html(samples.everything())
    page = opened(browser, tmp_path / "report.html", html, width, scheme)
    for text in ("Why Tech and not Business?", "Proponents", "✓ Effect shown", "news-0117"):
        assert page.get_by_text(text).first.is_visible(), text
    for place in ("mark.plus", "mark.minus", "svg.strip .mean", "svg.pairs .after"):
        assert page.locator(place).first.is_visible(), place
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.close()


@pytest.mark.parametrize(
    "text", [*HOSTILE, "".join(HOSTILE), "x" * 400], ids=range(len(HOSTILE) + 2)
)
def test_hostile_text_neither_acts_nor_breaks_the_page(
    browser: Any, tmp_path: Path, text: str
) -> None:
    documents = [poison(document, text) for document in samples.everything()]
    page = opened(browser, tmp_path / "report.html", render_html(documents), 400)
    for summary in page.locator("summary").all():
        if summary.is_visible():
            summary.click()
    page.mouse.move(200, 300)
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
    assert page.evaluate("document.scripts.length") == 0
    page.close()


def test_the_svg_text_keeps_its_size_on_a_narrow_screen(browser: Any, tmp_path: Path) -> None:
    page = opened(browser, tmp_path / "report.html", render_html([samples.verification()]), 400)
    assert page.locator("svg.ticks text").first.bounding_box()["height"] >= 11
    page.close()


def test_a_gap_hides_its_words_until_it_is_opened(browser: Any, tmp_path: Path) -> None:
    page = opened(browser, tmp_path / "report.html", render_html([samples.trace()]), 1100)
    gap = page.locator("details.gap").first
    hidden = gap.locator("span").first
    size = "element => element.getBoundingClientRect().height"
    assert not hidden.is_visible() or hidden.evaluate(size) == 0
    gap.locator("summary").click()
    assert hidden.is_visible()
    assert hidden.evaluate(size) > 0
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_its_ground(browser: Any, tmp_path: Path, scheme: str) -> None:
    """WCAG's 4.5 to 1 for the colours of text, computed from what the browser resolved."""
    page = opened(browser, tmp_path / "r.html", render_html(samples.everything()), 1100, scheme)
    ratios = page.evaluate(
        """() => {
          const style = getComputedStyle(document.querySelector(".wt"));
          const linear = c => c <= .03928 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4;
          const light = name => {
            const hex = style.getPropertyValue(name).trim().slice(1);
            const [r, g, b] = [0, 2, 4].map(i => linear(parseInt(hex.slice(i, i + 2), 16) / 255));
            return .2126 * r + .7152 * g + .0722 * b;
          };
          const ratio = (a, b) => {
            const [x, y] = [light(a), light(b)].sort((p, q) => q - p);
            return (x + .05) / (y + .05);
          };
          const pairs = [["--warn-ink", "--warn"], ["--ink", "--yes"], ["--ink", "--no"]];
          for (const ink of ["--ink", "--soft", "--plus-ink", "--minus-ink"])
            for (const ground of ["--ground", "--card"]) pairs.push([ink, ground]);
          return pairs.map(([a, b]) => [a + b, ratio(a, b)]);
        }"""
    )
    assert len(ratios) == 11
    assert {name: ratio for name, ratio in ratios if not ratio >= 4.5} == {}
    page.close()


def test_a_fragment_leaves_its_surroundings_alone(browser: Any, tmp_path: Path) -> None:
    def look(html: str) -> Any:
        page = opened(browser, tmp_path / "notebook.html", html, 800)
        looks = page.evaluate(
            "JSON.stringify(['h2', 'p', 'table', 'mark'].map(tag => {"
            "const s = getComputedStyle(document.querySelector('.outside ' + tag));"
            "return [s.color, s.fontSize, s.margin, s.backgroundColor, s.textDecoration]}))"
        )
        page.close()
        return looks

    outside = "<div class=outside><h2>a</h2><p>b</p><table></table><mark class=plus>c</mark></div>"
    head = "<!doctype html><meta charset=utf-8>"
    assert look(head + outside) == look(head + outside + render_fragment(samples.trace()))

"""Stories over the whole app: from a mistake to a patch, for everyone's eyes, and hostile data."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

import wordtrace as wt
from wordtrace import api
from wordtrace.app.opened import Opened

pytestmark = pytest.mark.browser

TEXT = "the striker and the coach win a match , profit of shares"
NARROW, WIDE = {"width": 360, "height": 780}, {"width": 1280, "height": 800}
FOUND = {
    "rows": "[data-row]",
    "why": ".hit",
    "review": ".suspect [aria-label=Decide]",
    "groups": ".groups-card",
    "prove": "form, fieldset, .card",
}


LONG = "x" * 100_000
HOSTILE = [
    '<img src=x onerror="alert(1)"> the coach',
    "<script>alert(1)</script> the coach",
    '"><iframe src="//evil.example"></iframe><style>*{display:none}</style>',
    "<svg onload=alert(1)><animate onbegin=alert(1)></svg> the coach",
    "javascript:alert(1) {{7*7}} ${7*7} <%= 7 %>",
    "\x1b[31mred\x1b[0m \x07\x08 \x7f the coach",
    "\u202eevil \u2066 <b>bold</b> \u061c the coach",
    "\u0301\u0327 lone a" + "\u0301" * 300 + " the coach",
    "👩\u200d🎤🏳️\u200d🌈🎬" * 40,
    LONG,
]

#: Elements that the pages do not have of themselves, and what is wider than the window.
FOREIGN = """() => {
  const odd = "img, iframe, object, embed, style, animate, script:not([src='/static/main.js'])";
  const acting = [...document.querySelectorAll("*")].filter((one) =>
    one.matches(odd) || [...one.attributes].some(({ name, value }) =>
      name.startsWith("on") || /^\\s*javascript:/i.test(value)));
  const page = document.scrollingElement;
  const wide = page.scrollWidth <= innerWidth ? [] : [...document.querySelectorAll("body *")]
    .filter((one) => one.getBoundingClientRect().right > innerWidth + 1)
    .map((one) => one.outerHTML.slice(0, 150));
  const fields = [...document.querySelectorAll("input, textarea, option")];
  const shown = [document.body.innerText, ...fields.map((one) => one.value)].some((one) =>
    /<(img|script|svg|b|i)\\b/.test(one));
  return { shown, foreign: acting.map((one) => one.outerHTML.slice(0, 200)),
    wide: page.scrollWidth <= innerWidth ? [] : [page.scrollWidth, ...wide.slice(0, 12)] };
}"""


def show(page: Any, view: str, address: str = "", **settings: str) -> None:
    """Open a view, and wait for what it shows."""
    page.goto(f"{address}/{view}?{urlencode(settings)}")
    page.locator(FOUND[view]).first.wait_for()


@pytest.fixture
def changing(index: api.Index, run: api.Run, tmp_path: Path) -> Opened:
    """A copy of the toy index that a test changes."""
    return Opened.open(shutil.copytree(index.folder.path, tmp_path / "index"), run.path)


def test_from_the_first_page_to_a_patch_in_four_clicks(
    page: Any, opened: Opened, examples: api.Examples, tmp_path: Path
) -> None:
    page.goto("/")
    page.evaluate("window.clicks = 0; addEventListener('click', () => window.clicks++, true)")
    page.get_by_role("button", name="Rows that the model gets wrong").click()
    page.wait_for_url("**right=false**")
    page.get_by_role("link", name="Why? Row").first.click()
    strongest = page.get_by_role("region", name="Opponents").locator(".hit").first
    strongest.get_by_role("button", name="Remove", exact=True).click()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download patch (1 change)").click()
    assert page.evaluate("window.clicks") == 4
    data = tmp_path / "news.jsonl"
    rows = zip(examples.ids, examples.texts, examples.labels.tolist(), strict=True)
    data.write_text(
        "".join(
            json.dumps({"id": id, "text": text, "label": examples.label_names[label]}) + "\n"
            for id, text, label in rows
        )
    )
    patch = wt.read_patch(download.value.path())
    applied = wt.apply_patch(patch, data, tmp_path / "mended.jsonl")
    assert (applied.removed, applied.rows) == (1, len(examples) - 1)
    # The other views show it, and count it.
    (removed,) = [change.id for change in patch.changes]
    page.get_by_role("link", name="Review", exact=True).click()
    page.get_by_role("region", name="Decided").get_by_text(removed, exact=True).wait_for()
    page.get_by_role("link", name="Download patch (1 change)").wait_for()


def test_a_decision_in_one_tab_shows_in_the_other(page: Any, opened: Opened) -> None:
    show(page, "rows", sort="row")
    other = page.context.new_page()
    show(other, "rows", sort="row", open="5")
    other.locator(".row-open").get_by_role("button", name="Remove", exact=True).click()
    other.get_by_role("link", name="Download patch").wait_for()
    # A browser without a window never hides a tab: the event of coming back is sent by hand.
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    page.locator(".row-list tr", has=page.locator("[data-row='5']")).get_by_text(
        "removed"
    ).wait_for()
    changes = opened.review.document(0)["changes"]
    said = f"Download patch ({changes} {'change' if changes == 1 else 'changes'})"
    page.get_by_role("link", name=said).wait_for()
    page.get_by_role("link", name="Review", exact=True).click()
    removed = opened.index.ids[5]
    page.get_by_role("region", name="Decided").get_by_text(removed, exact=True).wait_for()
    page.get_by_role("link", name="Rows", exact=True).click()
    other.goto("/review")
    other.get_by_label(f"Take back what was decided about {removed}").click()
    other.get_by_label(f"Take back what was decided about {removed}").wait_for(state="detached")
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    page.get_by_role("link", name=said).wait_for(state="detached")


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index whose texts, labels and ids each try to be more than text."""
    ids = [f"{number} {text[:60]}" for number, text in enumerate(HOSTILE)]
    names = ('<b onclick="alert(2)">odd</b>\u202e', "<script>alert(3)</script>\x1b[1m" + "y" * 300)
    examples = api.Examples.of(
        HOSTILE * 2,
        [row % 2 for row in range(len(HOSTILE))] + [(row + 1) % 2 for row in range(len(HOSTILE))],
        names,
        ids=[*ids, *(f"again {id}" for id in ids)],
    )
    run = api.train(
        examples,
        tmp_path_factory.mktemp("hostile") / "run",
        eval_fraction=0,
        epochs=1,
        dim=4,
        vocabulary=90,
        max_length=8,
    )
    return api.build_index(run, workers=1).folder.path


def test_hostile_data_are_text_in_every_view_and_none_scrolls_sideways(
    page: Any, serve: Callable[..., str], hostile: Path
) -> None:
    page.on("dialog", lambda dialog: (page.faults.append(dialog.message), dialog.dismiss()))
    page.set_viewport_size(NARROW)
    address = serve(hostile)
    long = str(HOSTILE.index(LONG))
    for view, settings, found in (
        ("rows", {"open": long}, ".row-open .words"),
        ("rows", {"q": "<script>", "label": "<i>none</i>"}, "main .empty, main [role=alert]"),
        ("why", {"row": "1", "word": '\n"><b>x'}, ".hit"),
        ("why", {"row": long}, ".hit"),
        ("why", {"text": HOSTILE[0], "label": "<i>none</i>"}, "[role=alert]"),
        ("review", {}, FOUND["review"]),
        ("groups", {}, ".groups-card"),
        ("groups", {"tab": "mistakes"}, ".groups-card"),
        ("groups", {"tab": "outliers"}, ".groups-card"),
        ("prove", {"row": long}, ".prove-plan b"),
        ("prove", {"text": HOSTILE[0]}, ".prove-plan b"),
    ):
        page.goto(f"{address}/{view}?{urlencode(settings)}")
        page.locator(found).first.wait_for()
        seen = page.evaluate(FOREIGN)
        assert seen == {"shown": True, "foreign": [], "wide": []}, (view, settings)
        assert page.title() == "wordtrace"
    page.faults[:] = [
        fault for fault in page.faults if "400" not in fault
    ]  # there is no such label


@pytest.mark.parametrize("view", FOUND)
def test_each_view_says_that_the_index_changed_and_opens_it_again(
    page: Any, view: str, serve: Callable[..., str], changing: Opened
) -> None:
    opened = Opened.open(changing.index.folder.path, changing.run.path)
    address = serve(opened)
    show(page, view, address, **({"text": TEXT} if view in ("why", "prove") else {}))
    api.Index.open(opened.index.folder.path, opened.run.path).remove(opened.index.ids[:1])
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")  # one comes back to it
    banner = page.get_by_role("alert").filter(has=page.get_by_role("button", name="Open it again"))
    banner.get_by_text("was changed since it was opened").wait_for()
    page.reload()
    banner.get_by_text("was changed since it was opened").wait_for()
    assert page.get_by_role("alert").count() == 1
    page.get_by_role("button", name="Open it again").click()
    banner.wait_for(state="detached")
    page.locator(FOUND[view]).first.wait_for()
    page.get_by_text(f"· {opened.index.folder.count - 1} rows").wait_for()
    assert all("409" in fault for fault in page.faults)
    page.faults.clear()


@pytest.mark.parametrize("view", FOUND)
def test_axe_finds_nothing_serious(page: Any, view: str, opened: Opened) -> None:
    axe = pytest.importorskip("axe_playwright_python.base", reason="there is no axe-core")
    settings = {
        "rows": {"q": "coach", "open": "3"},
        "why": {"text": TEXT, "top": "5"},
        "review": {"top": "20"},
        "prove": {"text": TEXT},
    }
    opened.review.decide([opened.index.ids[5]], "remove")
    show(page, view, **settings.get(view, {}))
    if view == "rows":
        page.locator(".row-open .words").wait_for()
    page.get_by_role("link", name="Download patch").wait_for()
    page.evaluate(axe.AXE_SCRIPT)
    found = []
    for scheme, size, rules in (
        ("light", WIDE, None),
        ("light", NARROW, None),
        ("dark", NARROW, ["color-contrast"]),
        ("dark", WIDE, ["color-contrast"]),
    ):
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size(size)
        answer = page.evaluate(
            """(rules) => axe.run({ resultTypes: ["violations"], preload: false,
                ...(rules && { runOnly: rules }) }).then((one) => one.violations)""",
            rules,
        )
        found += [
            f"{scheme} {size['width']}: {one['id']} {node['target']} {node['failureSummary']}"
            for one in answer
            if one["impact"] in ("serious", "critical")
            for node in one["nodes"]
        ]
    assert not found, "\n".join(found)

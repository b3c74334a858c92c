"""The first page, as a person uses it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from wordtrace import api
from wordtrace.app.opened import Opened

expect = pytest.importorskip("playwright.sync_api", reason="there is no playwright").expect

HOSTILE = ['<img src=x onerror="document.title=1">', "\u202etxet <b>bold</b>", "{{7*7}} ${7}"]


def test_a_newcomer_is_led_to_a_cause(page: Any) -> None:
    page.goto("/")
    page.get_by_label("Ask about a text").last.fill("the coach & the bank?")
    page.get_by_role("button", name="Why?").click()
    assert page.url.endswith("/why?text=the+coach+%26+the+bank%3F")
    page.go_back()
    page.get_by_role("button", name="Rows that the model gets wrong").click()
    assert "right=false" in page.url
    expect(page.get_by_role("status").first).to_contain_text("of 96 rows")


def test_filters_and_their_bars_say_the_same(page: Any, opened: Opened) -> None:
    page.goto("/rows")
    page.get_by_role("button", name="film").first.click()
    expected = opened.index.rows(label="film").matching
    expect(page.get_by_role("status")).to_have_text(f"{expected} of 96 rows")
    page.get_by_label("Loss from").fill("0.5")
    page.get_by_label("Loss from").press("Enter")
    both = opened.index.rows(label="film", loss_from=0.5).matching
    expect(page.get_by_role("status")).to_have_text(f"{both} of 96 rows")
    page.reload()  # the address holds it all
    expect(page.get_by_role("status")).to_have_text(f"{both} of 96 rows")
    # A range is dragged over the bars: from the middle to the end.
    page.get_by_role("button", name="Clear filters").click()
    box = page.locator(".histogram").first.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] - 2, box["y"] + 20)
    page.mouse.up()
    page.wait_for_url("**suspicion_from=*")
    low = float(page.url.rpartition("=")[2])
    expected = opened.index.rows(suspicion_from=low).matching
    expect(page.get_by_role("status")).to_have_text(f"{expected} of 96 rows")


def test_rows_are_read_by_keyboard_alone(page: Any, run: api.Run) -> None:
    page.goto("/rows?sort=row")
    page.locator("[data-row]").first.wait_for()
    page.keyboard.press("/")
    page.keyboard.type("coach")
    page.wait_for_url("**q=coach*")
    found = [row for row, text in enumerate(run.train.texts) if "coach" in text]
    expect(page.get_by_role("status")).to_have_text(f"{len(found)} of 96 rows")
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.locator(".row-open .said")).to_contain_text(run.train.texts[found[1]])
    page.keyboard.press("w")
    assert page.url.endswith(f"/why?row={found[1]}")


def test_all_rows_that_match_are_removed_after_a_question_and_the_patch_is_downloaded(
    page: Any, opened: Opened
) -> None:
    page.goto("/rows?label=film&q=oscar")
    matching = opened.index.rows(label="film", q="oscar").matching
    page.get_by_role("button", name="Remove …").click()
    question = page.get_by_role("dialog")
    expect(question).to_contain_text(f"Remove {matching} rows from the training data?")
    expect(question).to_contain_text("Nothing is deleted")
    page.keyboard.press("Escape")
    expect(question).to_have_count(0)
    assert len(opened.review) == 0
    page.get_by_role("button", name="Remove …").click()
    page.get_by_role("button", name=f"Remove {matching} rows").click()
    marks = page.locator(".row-list .tag")
    expect(marks).to_have_text(["removed"] * matching)
    with page.expect_download() as download:
        page.get_by_role("link", name="Download patch").click()
    lines = download.value.path().read_text().splitlines()
    assert len(lines) == matching
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("link", name="Download patch")).to_have_count(0)
    # One row by itself, from the list.
    page.locator("[data-row]").first.click()
    page.get_by_role("button", name="Keep", exact=True).click()
    expect(marks).to_have_text(["kept"])
    page.goto("/rows?decision=keep")
    expect(page.get_by_role("status")).to_have_text("1 of 96 rows")


def test_hostile_texts_labels_and_ids_show_as_text(
    page: Any, serve: Callable[..., str], tmp_path: Path
) -> None:
    names = ("<i>odd</i>", "plain")
    examples = api.Examples.of(
        HOSTILE * 2, [0, 1] * 3, names, ids=[f"<u>{n}</u>" for n in range(6)]
    )
    run = api.train(
        examples, tmp_path / "run", eval_fraction=0, epochs=1, dim=4, vocabulary=60, max_length=8
    )
    address = serve(api.build_index(run, workers=1).folder.path)
    page.goto(f"{address}/rows?open=0")
    for text in HOSTILE:
        shown = text.replace("\u202e", "⟨U+202E⟩")
        expect(page.get_by_text(shown, exact=True).first).to_be_visible()
    expect(page.locator(".row-open").get_by_text("<u>0</u>")).to_be_visible()
    expect(page.get_by_role("button", name="<i>odd</i>").first).to_be_visible()
    assert page.title() == "wordtrace"

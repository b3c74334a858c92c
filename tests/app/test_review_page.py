"""Ten suspects reviewed by keyboard alone, with a reload in the middle."""

from __future__ import annotations

import shutil
from typing import Any

import pytest

from tests.patience import wait_until
from wordtrace import api
from wordtrace.act.patch import read_patch
from wordtrace.app.opened import Opened

HOSTILE = '<img src=x onerror="fail()"> & \u202eevil'
SHOWN = HOSTILE.replace("\u202e", "⟨U+202E⟩")  # what turns the direction is named


@pytest.fixture(scope="module")
def opened(index: api.Index, run: api.Run, tmp_path_factory: pytest.TempPathFactory) -> Opened:
    """A copy of the toy index with its run, where the review is kept."""
    folder = tmp_path_factory.mktemp("reviewed")
    shutil.copytree(run.path, folder / "run")
    shutil.copytree(index.folder.path, folder / "index")
    return Opened.open(folder / "index", folder / "run")


def test_rows_asked_for_while_a_decision_is_on_its_way_do_not_take_it_back(page: Any) -> None:
    """The server may answer for the rows before it takes the decision, and the answer come last."""
    decisions: list[Any] = []
    answers: list[Any] = []

    def hold(route: Any) -> None:
        if route.request.method == "POST":
            decisions.append(route)
        else:
            route.continue_()

    def hold_the_first(route: Any) -> None:
        if answers:
            route.continue_()
        else:
            answers.append((route, route.fetch()))

    with page.expect_response("**/api/suspects*offset=10*"):  # it asks for no more ahead
        page.goto("/review?top=10")
    page.get_by_role("heading", name="Suspect 1 of 10").wait_for()
    page.route("**/api/review", hold)
    page.keyboard.press("k")
    page.get_by_text("1 of 10 checked").wait_for()
    page.route("**/api/suspects*", hold_the_first)
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    wait_until(lambda: page.wait_for_timeout(10) or bool(answers))
    with page.expect_response(
        lambda one: one.url.endswith("/api/review") and one.request.method == "POST"
    ):
        decisions[0].continue_()
    ((route, answer),) = answers
    assert answer.json()["decisions"][0] is None
    with page.expect_response("**/api/suspects*offset=5*"):
        route.fulfill(response=answer)
    page.get_by_text("1 of 10 checked").wait_for()
    with page.expect_response("**/api/review/undo"):
        page.keyboard.press("u")
    page.get_by_text("0 of 10 checked").wait_for()


@pytest.mark.parametrize("view", ["review", "rows"])
def test_the_state_asked_for_while_a_decision_is_on_its_way_does_not_take_it_back(
    page: Any, view: str
) -> None:
    """The page hears what stood before the decision after it heard of the decision."""
    decisions: list[Any] = []
    page.add_init_script(
        """
        const real = window.fetch;
        window.late = [];
        window.toldOfAnother = false;
        addEventListener("elsewhere", () => { window.toldOfAnother = true; });
        window.fetch = async (url, asked) => {
          const answer = await real(url, asked);
          if (window.holding && asked.method === "GET" && url.endsWith("/api/review")) {
            await new Promise((done) => window.late.push(done));
          }
          return answer;
        };
        """
    )
    page.goto(f"/{view}")
    page.locator({"review": ".suspect h2", "rows": "[data-row]"}[view]).first.wait_for()
    page.route(
        "**/api/review",
        lambda route: (
            decisions.append(route) if route.request.method == "POST" else route.continue_()
        ),
    )
    if view == "review":
        page.keyboard.press("x")
    else:
        page.locator("[data-row]").first.click()
        page.get_by_role("button", name="Remove", exact=True).click()
    wait_until(lambda: page.wait_for_timeout(10) or bool(decisions))
    elsewhere = {"rows": [5], "action": "keep"}  # in another tab: the view is told all the same
    assert page.request.post("/api/review", data=elsewhere).ok
    page.evaluate("holding = true, document.dispatchEvent(new Event('visibilitychange'))")
    wait_until(lambda: page.evaluate("late.length") >= 1)
    decisions[0].continue_()
    patch = page.get_by_role("link", name="Download patch (1 change)")
    patch.wait_for()
    page.evaluate("late.forEach((done) => done()), new Promise((done) => setTimeout(done, 200))")
    assert patch.is_visible()
    if view == "rows":
        assert page.evaluate("toldOfAnother")
    for _ in range(2):
        state = page.request.post("/api/review/undo").json()
    assert state["decided"] == 0


def test_ten_suspects_are_reviewed_by_keyboard_alone_and_their_patch_is_downloaded(
    page: Any, opened: Opened, tmp_path: Any
) -> None:
    suspects = opened.index.mislabels(top=10).rows
    proposed = [one.proposed for one in suspects]
    names = opened.run.label_names
    third = next(name for name in names if name not in (suspects[2].label, proposed[2]))

    def at(place: int, checked: int) -> None:
        page.get_by_role("heading", name=f"Suspect {place} of 10").wait_for()
        page.get_by_text(f"{checked} of 10 checked").wait_for()

    page.goto("/review?top=10")
    at(1, 0)
    page.keyboard.press("?")
    page.get_by_role("dialog").get_by_text("relabel to what similar rows say").wait_for()
    page.keyboard.press("Escape")
    page.keyboard.press("k")
    at(2, 1)
    page.keyboard.press("r")
    at(3, 2)
    page.keyboard.press("Shift+R")
    page.get_by_role("combobox", name="Relabel to").wait_for()
    page.keyboard.type(third[:3].upper())
    page.keyboard.press("Enter")
    at(4, 3)
    page.keyboard.press("x")
    at(5, 4)
    page.keyboard.press("e")
    page.get_by_role("textbox", name="Text").wait_for()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type(HOSTILE)
    page.get_by_role("heading", name="What changes").wait_for()
    page.keyboard.press("Control+Enter")
    at(6, 5)
    page.locator(".decided").get_by_text(SHOWN).wait_for()

    page.reload()  # nothing is lost, and it goes on where it was
    at(6, 5)
    page.keyboard.press("ArrowLeft")
    page.locator(".suspect-text").get_by_text(SHOWN).wait_for()
    page.keyboard.press("ArrowLeft")
    page.locator(".suspect.removed").wait_for()
    page.keyboard.press("x")  # decided twice: undo takes one back
    at(6, 5)
    page.keyboard.press("u")
    at(4, 5)
    page.keyboard.press("n")
    for place in range(6, 11):
        at(place, place - 1)
        page.keyboard.press("k")
    page.get_by_text("All 10 are checked").wait_for()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download patch (4 changes)").press("Enter")
    download.value.save_as(tmp_path / "patch.jsonl")
    found = {one.id: (one.action, one.after) for one in read_patch(tmp_path / "patch.jsonl")}
    assert found == {
        suspects[1].id: ("relabel", proposed[1]),
        suspects[2].id: ("relabel", third),
        suspects[3].id: ("remove", None),
        suspects[4].id: ("edit", HOSTILE),
    }
    taken = f"Take back what was decided about {suspects[3].id}"
    page.get_by_role("button", name=taken, exact=True).press("Enter")
    page.get_by_role("link", name="Download patch (3 changes)").wait_for()

"""What the app's server, its page and an agent's tools make of hostile strings."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import anyio

from torture.attempts import Attempt
from torture.served import Served, served
from torture.text_judges import acts_in_a_terminal, strings_in
from torture.text_world import Hostile, returned, tell


def attacks(world: Hostile, *, short: bool) -> Iterator[Attempt]:
    """Yield the attempts; in a browser only in the full form, and where there is one."""
    place = world.folder / "served"
    shutil.copytree(world.folder / "run", place / "run")
    with served(place / "run" / "index") as server:
        yield from _answers(world, server, 4 if short else 1)
        if not short:
            yield from _pages(world, server)
        yield tell("app: its log", "nothing acts", list(acts_in_a_terminal(server.said())))
    yield from anyio.run(_agent, world, place, 8 if short else 1)


def _answers(world: Hostile, server: Served, step: int) -> Iterator[Attempt]:
    """Ask for the rows by each way; one by one for each `step`-th of them."""
    rows = _asked(server, "GET", "/api/rows?limit=1000")
    alike = {one: one for one in world.strings}
    yield from returned("app: rows", alike, strings_in(rows))
    asked = {"texts": list(world.strings), "top": 1, "ids": list(world.strings)}
    yield from returned(
        "app: traces", alike, strings_in(_asked(server, "POST", "/api/traces", asked))
    )
    document = _asked(server, "POST", "/api/traces", {**asked, "words": True})
    page = server.ask("POST", "/api/report", {"documents": [document]})
    yield tell("app: report", "is answered", [] if page.status in (200, 422) else [str(page)[:200]])
    for number, one in list(enumerate(world.strings))[::step]:
        decided = {"rows": [number], "action": "edit", "text": f"{one}!", "why": one}
        told = server.ask("POST", "/api/review", decided)
        found = _asked(server, "GET", f"/api/rows/{number}")
        faults = [] if told.status == 200 else [str(told.sentence)]
        faults += [] if found["id"] == one and found["text"] == one else ["another row"]
        yield tell("app: decide, row", ascii(one)[:100], faults)
        query = quote(one, safe="")
        for path in (f"/api/rows?limit=2&q={query}", f"/api/rows?limit=2&label={query}"):
            answer = server.ask("GET", path)
            right = answer.status == 200 or (answer.status in (400, 422) and answer.sentence)
            faults = [] if right else [str(answer)[:200]]
            yield tell("app: search", ascii(path)[:100], faults)
        answer = server.ask("GET", f"/api/studies/{query}")
        refused = answer.status in (400, 404, 422) and answer.sentence
        yield tell(
            "app: a name in an address",
            ascii(query)[:100],
            [] if refused else [str(answer)],
            "refused",
        )
    patch = server.ask("GET", "/api/review/patch").body.decode()
    changes = [json.loads(line) for line in patch.split("\n") if line]
    alike = {one: one for one in world.strings[::step]}
    yield from returned("app: patch", alike, {one["before"] for one in changes})
    yield from returned("app: patch", alike, {one["after"][:-1] for one in changes})


def _asked(server: Served, method: str, path: str, body: Any = None) -> Any:
    answer = server.ask(method, path, body)
    if answer.status != 200:
        raise RuntimeError(f"{method} {path}: {answer}"[:1000])
    return answer.json()


def _pages(world: Hostile, server: Served) -> Iterator[Attempt]:
    """The views, and the reports as files, in Chromium: no script runs, nothing is asked."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        print("text: no page is opened: playwright is not installed.", file=sys.stderr)
        return
    names = ("chromium", "chromium-browser", "google-chrome")
    path = os.environ.get("WORDTRACE_CHROMIUM") or next(filter(None, map(shutil.which, names)), "")
    if not path:
        print("text: no page is opened: there is no Chromium.", file=sys.stderr)
        return
    with sync_playwright() as started:
        chromium = started.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-gpu", "--disable-quic"]
        )
        for report in sorted(world.folder.glob("saved-*.html")):
            yield _opened(chromium, report.as_uri(), report.name, scripts=False)
        for view in ("rows", "why", "review", "groups", "prove"):
            yield _opened(chromium, f"{server.address}/{view}", f"/{view}", scripts=True)
        # Each view with a string in its address, as a link of somebody else's has it.
        for one in world.strings[::16]:
            query = quote(one, safe="")
            for path in (f"/rows?q={query}", f"/why?text={query}"):
                yield _opened(chromium, f"{server.address}{path}", ascii(one)[:100], scripts=True)
        chromium.close()


#: What only a text can have put into a page, and how it is found there.
_IN_A_PAGE = {
    "an element": "!!document.querySelector('iframe, object, embed, base, form[action], img')",
    "an event handler": """[...document.querySelectorAll('*')].some(
        one => [...one.attributes].some(attribute => /^on/i.test(attribute.name)))""",
}


def _opened(chromium: Any, address: str, name: str, *, scripts: bool) -> Attempt:
    context = chromium.new_context()
    page = context.new_page()
    faults: list[str] = []

    def asked(request: Any) -> None:
        parts = urlsplit(request.url)
        own = parts.hostname == "127.0.0.1" or request.url == address or parts.scheme == "data"
        if not own:
            faults.append(f"it asked {request.url}")

    def ran(dialog: Any) -> None:
        faults.append(f"ran: {dialog.message}")
        dialog.dismiss()

    context.on("request", asked)
    page.on("pageerror", lambda error: faults.append(f"thrown: {error}"))
    page.on("dialog", ran)
    page.set_default_timeout(120_000)
    page.goto(address, wait_until="networkidle")
    if scripts:  # a busy machine may not have drawn yet what the network brought
        page.locator("main > *").first.wait_for()
        page.locator(".waiting, [aria-busy=true]").first.wait_for(state="detached")
    own = page.evaluate(
        "[...document.scripts].every(one => one.src.startsWith(origin + '/static/'))"
    )
    if not own or (not scripts and page.evaluate("document.scripts.length")):
        faults.append("a script stands in it")
    for fault, script in _IN_A_PAGE.items():
        if page.evaluate(script):
            faults.append(fault)
    for summary in page.locator("summary:visible").all()[:20]:
        summary.click()
    page.mouse.move(200, 300)
    context.close()
    return tell("app: page in Chromium" if scripts else "report in Chromium", name, faults)


async def _agent(world: Hostile, place: Path, step: int) -> list[Attempt]:
    """Ask the tools of ``wordtrace mcp``, about each `step`-th row, by the protocol's client."""
    from mcp import ClientSession, StdioServerParameters
    from mcp.client.stdio import stdio_client

    arguments = ["-m", "wordtrace", "mcp", str(place / "run" / "index"), "--allow-changes"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    order = StdioServerParameters(command=sys.executable, args=arguments, env=environment)
    told: list[Attempt] = []
    with open(place / "mcp.log", "w") as log:
        async with (
            stdio_client(order, errlog=log) as (read, write),
            ClientSession(read, write) as ask,
        ):
            await ask.initialize()
            for number, one in list(enumerate(world.strings))[::step]:
                calls: list[tuple[str, dict[str, Any]]] = [
                    ("row", {"row": number}),
                    ("find_rows", {"words": one, "limit": 3}),
                    ("find_rows", {"label": one, "limit": 3}),
                    ("trace", {"text": one, "top": 1}),
                    ("trace", {"text": "a", "label": one, "top": 1}),
                    ("decide", {"rows": [number], "action": "edit", "text": one, "why": one}),
                ]
                for tool, given in calls:
                    answer = await ask.call_tool(tool, given)
                    told.append(_told(tool, one, answer))
    told.append(
        tell(
            "agent: its log",
            "nothing acts",
            list(acts_in_a_terminal((place / "mcp.log").read_text())),
        )
    )
    return told


def _told(tool: str, one: str, answer: Any) -> Attempt:
    """An answer is one JSON document, or a refusal without control characters."""
    text = "".join(content.text for content in answer.content)
    group, what = f"agent: {tool}", ascii(one)[:100]
    if answer.is_error:
        faults = [*acts_in_a_terminal(text), *(["a bug"] if "Traceback" in text else [])]
        return tell(group, what, faults, "refused")
    if len(answer.content) != 1:
        return tell(group, what, [f"{len(answer.content)} contents"])
    try:
        found = json.loads(text)
    except ValueError:
        return tell(group, what, [f"it is no JSON: {text[:200]}"])
    if tool == "row":
        same = found["id"] == found["text"] == one
        return tell(group, what, [] if same else ["another text"])
    return tell(group, what, [])

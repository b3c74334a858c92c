"""The MCP server, asked by the official SDK's own client."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from wordtrace import api

pytest.importorskip("mcp", reason="the extra mcp is not installed")

from anyio.from_thread import start_blocking_portal
from mcp.client.client import Client
from mcp.server.mcpserver.exceptions import ToolError

from wordtrace.app.agents import agent_server
from wordtrace.app.asked import Asked
from wordtrace.app.opened import Opened
from wordtrace.errors import InputError


def asked(server: Any, tool: str, **arguments: Any) -> Any:
    """Call a tool; return its JSON, or the sentence by which it refuses."""

    async def call() -> Any:
        async with Client(server) as client:
            found = await client.call_tool(tool, arguments)
            (content,) = found.content
            return content.text if found.is_error else json.loads(content.text)

    # In a thread: where a browser was opened before, this one has a running loop.
    with start_blocking_portal() as portal:
        return portal.call(call)


@pytest.fixture(scope="module")
def server(opened: Opened) -> Any:
    return agent_server(opened)


def test_an_agent_gets_the_library_s_trace(server: Any, opened: Opened) -> None:
    text = "the striker and the coach win a match"
    found = asked(server, "trace", text=text, label="sport", top=3)
    trace = opened.index.trace(text, "sport", top=3, words=True)
    for sign in ("proponents", "opponents"):
        hits = getattr(trace, sign)
        assert [hit["id"] for hit in found[sign]] == [hit.id for hit in hits]
        assert [opened.index.ids[hit["row"]] for hit in found[sign]] == [hit.id for hit in hits]
        for hit, given in zip(hits, found[sign], strict=True):
            assert given["score"] == pytest.approx(hit.score, rel=1e-3)
            assert given["words"][0][0] == hit.words[0][0]
    assert found["probability"] == pytest.approx(trace.queries[0].probability, rel=1e-3)


def test_an_agent_gets_the_library_s_suspects(server: Any, opened: Opened) -> None:
    found = asked(server, "suspects", top=4)
    rows = opened.index.mislabels(top=4).rows
    assert [one["id"] for one in found["suspects"]] == [row.id for row in rows]
    assert [one["proposed"] for one in found["suspects"]] == [row.proposed for row in rows]


def test_the_plan_of_a_proof_trains_nothing(server: Any, opened: Opened) -> None:
    found = asked(server, "plan_proof", text="the bank of growth", k=2, repeats=2)
    assert found["most"] == 8
    assert found["plan"].startswith("8 models to train by the run's own training")


def test_an_agent_finds_rows_and_reads_them(server: Any, opened: Opened) -> None:
    found = asked(server, "find_rows", words="coach", sort="loss", descending=True, limit=2)
    rows = opened.index.rows(q="coach", sort="loss", descending=True, limit=2)
    assert found["matching"] == rows.matching
    assert [one["id"] for one in found["rows"]] == [row.id for row in rows.rows]
    whole = asked(server, "row", row=rows.rows[0].row)
    assert (whole["id"], whole["text"]) == (rows.rows[0].id, rows.rows[0].text)


def test_an_agent_decides_only_where_that_is_allowed(
    index: api.Index, run: api.Run, tmp_path: Path
) -> None:
    moved = Path(shutil.copytree(run.path, tmp_path / "run"))
    opened = Opened.open(index.folder.path, moved)
    one, other = (row.row for row in opened.index.rows(label="sport", limit=2).rows)
    given = {
        "rows": [one, other],
        "action": "relabel",
        "label": "film",
        "why": "It is about a film.",
    }
    assert "Unknown tool" in asked(agent_server(opened), "decide", **given)
    server = agent_server(opened, changes=True)
    assert asked(server, "decide", **given)["rows"] == 2
    told = asked(server, "decisions")
    assert told["counts"]["relabel"] == 2
    assert {decided["row"] for decided in told["latest"]} == {one, other}
    assert asked(server, "row", row=one)["decision"]["label"] == "film"
    assert asked(server, "find_rows", decision="relabel")["matching"] == 2
    assert asked(server, "decide", rows=[one], action="clear", why="No.")["counts"]["relabel"] == 1
    assert "has no row 5000" in asked(server, "decide", **{**given, "rows": [5000]})


@pytest.mark.parametrize(
    ("tool", "arguments", "sentence"),
    [
        ("trace", {"text": "a", "label": "no"}, "there is no label 'no'; the run has film"),
        ("trace", {"text": " "}, "query 0 is empty; give a text."),
        ("trace", {"text": "a", "top": 1000}, "less than or equal to 100"),
    ],
)
def test_an_agent_is_told_why_it_gets_no_answer(
    server: Any, tool: str, arguments: dict[str, Any], sentence: str
) -> None:
    assert sentence in asked(server, tool, **arguments)


def test_no_refusal_holds_a_control_character_of_the_data(opened: Opened) -> None:
    def question(opened: Opened) -> None:
        raise InputError("there is no label 'x'; the run has \x9b31m\u202ex, y.")

    with pytest.raises(ToolError, match=r"has ⟨U\+009B⟩31m⟨U\+202E⟩x, y\.$"):
        Asked(opened)(question)


def test_every_tool_is_described_and_only_reads(server: Any) -> None:
    async def listed() -> Any:
        async with Client(server) as client:
            return (await client.list_tools()).tools

    with start_blocking_portal() as portal:
        tools = portal.call(listed)
    assert {"about", "trace", "suspects", "plan_proof", "row", "find_rows", "decisions"} == {
        tool.name for tool in tools
    }
    for tool in tools:
        assert tool.description
        assert tool.annotations.read_only_hint
        for name, field in tool.input_schema["properties"].items():
            assert field.get("description"), f"{tool.name} says nothing of {name}"


def test_an_index_that_changed_is_opened_again(
    index: api.Index, run: api.Run, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(index.folder.path, tmp_path / "index"))
    server = agent_server(Opened.open(folder, run.path))
    before = asked(server, "about")["examples"]
    api.Index.open(folder, run.path).remove(index.ids[:3])
    assert asked(server, "about")["examples"] == before - 3
    shutil.rmtree(folder)
    assert "does not exist" in asked(server, "trace", text="a")

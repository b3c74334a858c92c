"""``wordtrace mcp``."""

from __future__ import annotations

from wordtrace.cli.executors import Device
from wordtrace.cli.extras import extra
from wordtrace.cli.places import IndexPlace, MovedRun


def mcp(index: IndexPlace, run: MovedRun = None, device: Device = "cpu") -> None:
    """Give an agent the index as tools, by MCP on standard input and output; they only read."""
    with extra("mcp"):
        from wordtrace.app.agents import agent_server
        from wordtrace.app.opened import Opened
    agent_server(Opened.open(index, run, device)).run()

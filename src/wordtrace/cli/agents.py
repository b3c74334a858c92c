"""``wordtrace mcp``."""

from __future__ import annotations

from typing import Annotated

import typer

from wordtrace.cli.executors import Device
from wordtrace.cli.extras import extra
from wordtrace.cli.places import IndexPlace, MovedRun


def mcp(
    index: IndexPlace,
    run: MovedRun = None,
    allow_changes: Annotated[
        bool,
        typer.Option(
            "--allow-changes",
            help="Give it tools that decide about rows in the review, too; else it only reads.",
        ),
    ] = False,
    device: Device = "cpu",
) -> None:
    """Give an agent the index as tools, by MCP on standard input and output."""
    with extra("mcp"):
        from wordtrace.app.agents import agent_server
        from wordtrace.app.opened import Opened
    agent_server(Opened.open(index, run, device), changes=allow_changes).run()

"""``--help`` in plain text: commands by a user's purpose, options by their subject.

Typer's own panels need its coloured help, which is slow to load and breaks in a narrow terminal.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from typer.core import TyperCommand, TyperGroup

Record = tuple[str, str]


class Verb(TyperCommand):
    """A command whose options are listed by their panels, those without one first."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the arguments, the verb's own options, then those of each panel."""
        arguments: list[Record] = []
        panels: dict[str, list[Record]] = {}
        for one in self.get_params(ctx):
            record = one.get_help_record(ctx)
            if record is None:
                continue
            if one.param_type_name == "argument":
                arguments.append(record)
            else:
                panel = getattr(one, "rich_help_panel", None) or "Options"
                panels.setdefault(panel, []).append(record)
        own = panels.pop("Options", [])
        _write(formatter, [("Arguments", arguments), ("Options", own), *panels.items()])


class Verbs(TyperGroup):
    """The commands, listed by their panels in the order in which they were added."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write each panel's commands with the first sentence of their help, whole."""
        panels: dict[str, list[Record]] = {}
        width = max(map(len, self.commands))
        for name, command in self.commands.items():
            panel = getattr(command, "rich_help_panel", None) or "Commands"
            line = command.get_short_help_str(limit=1000)
            panels.setdefault(panel, []).append((f"{name:{width}}", line))
        _write(formatter, panels.items())


def _write(formatter: Any, panels: Iterable[tuple[str, list[Record]]]) -> None:
    for title, records in panels:
        if records:
            with formatter.section(title):
                formatter.write_dl(records)

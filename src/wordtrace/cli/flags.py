"""The flags by which the command line spells the settings that an error names.

They are read from the commands themselves: a command's function calls a parameter as the library
does (``learning_rate``), and Typer knows its flag (``--lr``).
"""

from __future__ import annotations

import json
import shlex

import typer
from typer.main import get_command

from wordtrace.errors import Option


def spelled(app: typer.Typer, command: str | None, wanted: Option) -> str:
    """Return a setting as the user of a command writes it, with its value where it has one.

    A setting that is not the command's own is another's: a run that diverged under ``verify`` was
    trained by ``train``, whose ``--lr`` is to be lower.
    """
    yes, no = _flags(app, command, wanted.name)
    value = wanted.value
    if value is None or value is True:
        return yes
    if value is False:
        return no
    return f"{yes} {_several(value) if isinstance(value, tuple) else value}"


def _several(values: tuple[str | int | float, ...]) -> str:
    """Write several values with commas between; as JSON where one holds a comma itself."""
    if any("," in str(one) for one in values) or str(values[:1]).startswith("('["):
        return shlex.quote(json.dumps(values, ensure_ascii=False))
    return ",".join(map(str, values))


def _flags(app: typer.Typer, command: str | None, name: str) -> tuple[str, str]:
    commands = getattr(get_command(app), "commands", {})
    own = [commands[command]] if command in commands else []
    for one in [*own, *commands.values()]:
        # What is left out by a flag of its own: --no-id beside --id NAME.
        apart = [p.opts[0] for p in one.params if p.name == f"no_{name}"]
        for parameter in one.params:
            flags = [flag for flag in parameter.opts if flag.startswith("--")]
            if parameter.name == name and flags:
                return flags[0], next(iter([*parameter.secondary_opts, *apart]), flags[0])
    flag = name.replace("_", "-")
    return f"--{flag}", f"--no-{flag}"

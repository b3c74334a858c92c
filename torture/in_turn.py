"""Many command lines in one process, each in a fork of it: some hundredths of a second apiece."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from torture.sandbox import Command
from wordtrace.cli.main import main

#: After so many seconds a command line hangs.
PATIENCE = 120.0


@dataclass(frozen=True)
class Line:
    """A command line, with ``{out}`` where the folder of its own stands that it may write to.

    Attributes
    ----------
    copied
        A folder that it may change: it gets a copy of it, in which it runs.
    """

    words: tuple[str, ...]
    copied: str | None = None


@dataclass(frozen=True)
class Said:
    """What a command line came to; the status is None where it hung."""

    status: int | None
    out: str
    error: str
    wrote: tuple[str, ...]


def in_turn(lines: Sequence[Line], cwd: Path, scratch: Path) -> list[Said]:
    """Run command lines, one after the other, in one process of their own."""
    scratch.mkdir(parents=True)
    (scratch / "lines.json").write_text(json.dumps([asdict(one) for one in lines]))
    # Its own limit is for each line: the process may take as long as all of them together.
    ended = Command((scratch,), cwd, target="torture.in_turn:run").run()
    said = scratch / "said.jsonl"
    lines_said = said.read_text().splitlines() if said.exists() else []
    found = [
        Said(**{**(one := json.loads(line)), "wrote": tuple(one["wrote"])}) for line in lines_said
    ]
    missing = len(lines) - len(found)
    shutil.rmtree(scratch)
    return found + [Said(ended.status, "", ended.error, ())] * missing


def run(place: str) -> None:
    """Run the lines that lie in a folder, and write there what each said."""
    scratch = Path(place)
    _spare()
    with open(scratch / "said.jsonl", "w", encoding="utf-8") as file:
        for entry in json.loads((scratch / "lines.json").read_text()):
            file.write(json.dumps(asdict(_forked(scratch, **entry))) + "\n")
            file.flush()


def _spare() -> None:
    """Have servers, browsers and the demo's training end where they would begin."""
    import webbrowser

    from mcp.server.mcpserver import MCPServer

    from wordtrace.app import run_server
    from wordtrace.demo import story

    def over(*_: Any, **__: Any) -> Any:
        raise SystemExit(0)

    for module, name in ((run_server, "serve"), (webbrowser, "open"), (story, "_news")):
        setattr(module, name, over)
    MCPServer.run = over  # type: ignore[method-assign]


def _forked(scratch: Path, words: Sequence[str], copied: str | None) -> Said:
    here = scratch / "one"
    (here / "out").mkdir(parents=True)
    if copied is not None:
        shutil.copytree(copied, here / "world", symlinks=True)
    pid = os.fork()
    if pid == 0:
        os._exit(_obeyed(here, words, copied))
    until = time.monotonic() + PATIENCE
    pause = 0.002
    while (ended := os.waitpid(pid, os.WNOHANG))[0] == 0 and time.monotonic() < until:
        time.sleep(pause)
        pause = min(0.05, pause * 1.5)
    status: int | None = None
    if ended[0] == 0:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    else:
        status = os.waitstatus_to_exitcode(ended[1])
    out, error = ((here / name).read_text("utf-8", "replace") for name in ("stdout", "stderr"))
    wrote = tuple(sorted(str(one.relative_to(here / "out")) for one in (here / "out").rglob("*")))
    shutil.rmtree(here)
    return Said(status, out[:200_000], error[-200_000:], wrote)


def _obeyed(here: Path, words: Sequence[str], copied: str | None) -> int:
    """Run one line in this process, which is for nothing else; returns its exit status."""
    for number, name in enumerate(("stdout", "stderr"), 1):
        os.dup2(os.open(here / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
    if copied is not None:
        os.chdir(here / "world")
    sys.argv = ["wordtrace", *(one.replace("{out}", str(here / "out")) for one in words)]
    status = 1
    try:
        main()
        status = 0
    except SystemExit as ended:
        status = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
    return status

"""What runs in a process of its own: many attempts one after the other, each told at once.

A process for each would take most of the time to start. A line is written when an attempt begins
and when it has ended, so that one that ends the process, or never ends, is seen as that.
"""

from __future__ import annotations

import contextlib
import faulthandler
import io
import json
import re
import resource
import traceback
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from torture.files_damage import Damage, heal
from wordtrace.cli.main import main

#: An attempt that takes longer hangs, however busy the machine is; in seconds.
LIMIT = 120.0


def commands(orders: str, told: str) -> None:
    """Run the commands of each attempt on a damaged file, and write what they said.

    Parameters
    ----------
    orders
        A JSON file: a list of attempts, each with "number", "file", "damage", "commands" (lists of
        words; a name that begins with OUT is a file that is written and compared) and "check", the
        command that finds damage.
    told
        Where lines are written.
    """
    unharmed: dict[str, Any] = {}
    small_memory()
    attempts = json.loads(Path(orders).read_text())
    for attempt in attempts:
        for command in (*attempt["commands"], attempt["check"]):
            if (key := json.dumps(command)) not in unharmed:
                unharmed[key] = _run(command)
    with open(told, "a") as lines:
        for attempt in attempts:
            tell(lines, {"begun": attempt["number"]})
            path = Path(attempt["file"])
            data = path.read_bytes()
            Damage(**attempt["damage"]).do(path)
            try:
                with limited():
                    said = [_judged(one, unharmed) for one in attempt["commands"]]
                    if any(one["end"] == "differs" for one in said):
                        said.append(_judged(attempt["check"], unharmed))
            finally:
                heal(path, data)
            tell(lines, {"number": attempt["number"], "said": said})


def tell(lines: io.TextIOBase | Any, line: dict[str, Any]) -> None:
    """Write a line that is there whatever happens to the process."""
    lines.write(json.dumps(line) + "\n")
    lines.flush()


@contextlib.contextmanager
def limited(seconds: float = LIMIT) -> Iterator[None]:
    """End the process, even in the middle of a call into C, when this takes too long."""
    faulthandler.dump_traceback_later(seconds, exit=True)
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()


def small_memory() -> None:
    """Let this process take 3 GiB more than it has: a file that asks for more is not heeded."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    most = pages * resource.getpagesize() + (3 << 30)
    resource.setrlimit(resource.RLIMIT_AS, (most, most))


def _judged(command: list[str], unharmed: dict[str, Any]) -> dict[str, Any]:
    """Compare what a command says with what it said before the damage."""
    said, good = _run(command), unharmed[json.dumps(command)]
    same = (said["out"], said["file"]) == (good["out"], good["file"])
    end = "failed" if said["status"] else "same" if same else "differs"
    return {"command": command[0], "end": end, "status": said["status"], "error": said["error"]}


def _run(command: list[str]) -> dict[str, Any]:
    """Run a command in this process, as a terminal would."""
    out, error = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2))
    made = [Path(word) for word in command if word.startswith("OUT")]
    for path in made:
        path.unlink(missing_ok=True)
    showing = warnings.showwarning
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(error):
            status = ended(command)
    finally:
        warnings.showwarning = showing
    return {
        "status": status,
        "out": _SECONDS.sub("", _text(out)),
        "file": [
            _SECONDS.sub("", path.read_bytes().decode("latin-1")) for path in made if path.exists()
        ],
        "error": _text(error)[-1500:],
    }


#: What differs from one time to the next.
_SECONDS = re.compile(r'"(seconds|path)[a-z_]*": [^,\n]+')


def ended(command: list[str]) -> Any:
    """Run a command; return its exit status, or -1 after an exception that reached Python."""
    try:
        main(command)
    except SystemExit as done:
        return done.code or 0
    except BaseException:
        traceback.print_exc()
        return -1
    return 0


def _text(stream: io.TextIOWrapper) -> str:
    stream.flush()
    buffer = stream.buffer
    assert isinstance(buffer, io.BytesIO)
    return buffer.getvalue().decode("utf-8", "replace")

"""The server that starts scripts at once leaves nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.patience import wait_until
from tests.stories.warm import warm

_STARTS = """
import sys
from tests.stories.warm import warm
with warm(sys.argv[1], []) as words:
    print("ready", flush=True)
    sys.stdin.read()
"""


def _there(word: str) -> list[int]:
    """The processes among whose words one is."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
        except OSError:
            continue
        if word.encode() in words:
            found.append(int(path.parent.name))
    return found


def test_it_ends_with_the_process_that_started_it(tmp_path: Path) -> None:
    place = str(tmp_path / "socket")
    pytest = subprocess.Popen(
        [sys.executable, "-c", _STARTS, place], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with pytest:
        assert pytest.stdout is not None
        pytest.stdout.readline()
        wait_until(lambda: os.path.exists(place))
        pytest.send_signal(signal.SIGKILL)
    wait_until(lambda: not _there(place))


def test_a_script_ends_with_the_command_that_asked_for_it(tmp_path: Path) -> None:
    script, started = tmp_path / "script.py", tmp_path / "started"
    script.write_text(
        "import os, pathlib, sys, time\n"
        "pathlib.Path(sys.argv[1]).write_text(str(os.getpid()))\n"
        "time.sleep(9999)\n"
    )
    with warm(tmp_path / "socket", []) as words:
        wait_until((tmp_path / "socket").exists)
        with subprocess.Popen([*words, str(script), str(started)]) as command:
            wait_until(lambda: started.exists() and started.read_text() != "")
            command.kill()
        child = Path("/proc", started.read_text())
        wait_until(lambda: not child.exists())

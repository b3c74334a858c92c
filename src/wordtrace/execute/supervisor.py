"""A program that runs a command, and ends it with all its children when its own parent is gone.

:mod:`.child` starts it as ``python -I -S supervisor.py PARENT LIFELINE STATUS GRACE WORD…``, as the
leader of a process group in which the command runs, too. LIFELINE is the end of a pipe whose other
end the process PARENT holds: when that closes, however the parent ended, the command has GRACE
seconds to end, then the whole group is killed. The command's exit status goes to the pipe STATUS.
This file imports nothing but the standard library, so that it starts at once.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import threading
from contextlib import suppress


def main() -> None:
    """Run the command and tell its exit status; negative: the signal that ended it."""
    parent, lifeline, status = map(int, sys.argv[1:4])
    grace = float(sys.argv[4])
    # A handler, unlike SIG_IGN, is not handed on to the command.
    signal.signal(signal.SIGTERM, lambda number, frame: None)
    signal.signal(signal.SIGINT, lambda number, frame: None)
    try:
        command = subprocess.Popen(sys.argv[5:], stdin=subprocess.DEVNULL)
    except OSError as error:
        os.write(status, f"{error.strerror}".encode())
        os._exit(1)
    threading.Thread(target=_end_with, args=(parent, lifeline, command, grace), daemon=True).start()
    code = command.wait()
    with suppress(OSError):  # nobody may be there to read it
        os.write(status, str(code).encode())
    # What the command left running goes with it, and so does this process.
    os.killpg(0, signal.SIGKILL)


def _end_with(parent: int, lifeline: int, command: subprocess.Popen[bytes], grace: float) -> None:
    """End the group when the parent has closed its end of the pipe, or is gone."""
    # The pipe tells it at once; a process that was forked meanwhile may hold it open.
    while not select.select([lifeline], [], [], 1.0)[0] and os.getppid() == parent:
        pass
    os.killpg(0, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        command.wait(grace)
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    main()

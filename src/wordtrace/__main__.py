"""The command ``wordtrace``, and ``python -m wordtrace``.

Nothing is imported here before Ctrl-C is heard: the command line's own modules take a moment.
"""

import os
import signal
import sys
from types import FrameType


def main() -> None:
    """Run the command line and exit."""
    # Where it is ignored (in the background of a shell), it stays so.
    heard = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if heard:
        signal.signal(signal.SIGINT, _end)
    from wordtrace.cli.main import main as run

    if heard:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        run()
    finally:
        if heard:
            # What Python does at its end is nothing that could be gone on with.
            signal.signal(signal.SIGINT, signal.SIG_DFL)


def _end(number: int, frame: FrameType | None) -> None:
    """End at once: an exception in the middle of an import may be swallowed, or shown."""
    sys.stderr.write("wordtrace: interrupted; nothing was begun.\n")
    sys.stderr.flush()
    os._exit(130)


if __name__ == "__main__":
    main()

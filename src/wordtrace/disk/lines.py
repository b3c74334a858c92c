"""Reading a text file line by line, where a line may hold any character but a line feed."""

from __future__ import annotations

from pathlib import Path

from wordtrace.disk.refused import naming


def read_lines(path: Path) -> list[str]:
    """Return the lines of a UTF-8 file, without their ends.

    A line ends at a line feed, and a carriage return before that belongs to the end.
    ``str.splitlines`` would also cut at U+0085, U+2028 and others, which JSON and ids may hold.

    Raises
    ------
    OSError
        When the file can't be read.
    UnicodeDecodeError
        When it is not UTF-8.
    """
    with naming(path):
        data = path.read_bytes()
    lines = data.decode("utf-8").split("\n")
    if lines[-1] == "":
        lines.pop()
    return [line.removesuffix("\r") for line in lines]

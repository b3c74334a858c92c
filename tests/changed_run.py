"""A run with other entries in its run.json, as an earlier wordtrace or a training elsewhere has."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from wordtrace.disk import atomic


def change_run(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Let `change` edit the document in place; it is written without a checksum and samples."""
    document = atomic.read_json(folder / "run.json")
    for name in ("checksum", "sizes", "samples"):
        del document[name]
    change(document)
    atomic.write_json(folder / "run.json", document)

"""Finding a run that exists already, if it is exactly the one that is wanted."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from wordtrace.disk import fingerprint
from wordtrace.errors import option
from wordtrace.run.manifest import MANIFEST
from wordtrace.run.run import Run


def find_same(folder: Path, plan: Mapping[str, Any], device: str = "cpu") -> Run | None:
    """Return the finished run in `folder`; None where there is none.

    Raises
    ------
    MismatchError
        When it was made by another plan; names the first difference, with both values.
    """
    if not (folder / MANIFEST).exists():
        return None
    run = Run.open(folder, device)
    fingerprint.require_same(
        run.manifest.plan,
        plan,
        str(folder),
        f"choose another {option('out')}, or add {option('overwrite', True)} to replace it",
    )
    return run

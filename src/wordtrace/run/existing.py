"""Finding a run that exists already, if it is exactly the one that is wanted."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from wordtrace.data.examples import Examples
from wordtrace.errors import option
from wordtrace.run.place import MANIFEST
from wordtrace.run.plan_words import require_same_plan
from wordtrace.run.run import Run


def find_same(
    folder: Path,
    plan: Mapping[str, Any],
    train: Examples,
    held_out: Examples | None,
    device: str = "cpu",
) -> Run | None:
    """Return the finished run in `folder`; None where there is none.

    Parameters
    ----------
    train, held_out
        The data that `plan` has the fingerprints of.

    Raises
    ------
    MismatchError
        When it was made by another plan; names the first difference, in words.
    """
    if not (folder / MANIFEST).exists():
        return None
    run = Run.open(folder, device)
    require_same_plan(
        run.manifest.plan,
        plan,
        str(folder),
        f"choose another {option('out')}, or add {option('overwrite', True)} to replace it",
        {"train": lambda: (run.train, train), "held_out": lambda: (run.held_out, held_out)},
    )
    return run

"""The folder of a build or change of an index that is not finished, and its plan."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from wordtrace.disk import atomic, fingerprint
from wordtrace.errors import InputError, option
from wordtrace.index import manifest as manifests
from wordtrace.index.task import WORK

PLAN = "plan.json"
# Plans written before these settings existed lack them; these are the values they had.
_BEFORE: dict[str, Any] = {"precision": "float32", "set_of_further_runs": []}


def start_work(part: Path, plan: dict[str, Any]) -> None:
    """Prepare the folder of a build, or go on with an interrupted build that has the same plan.

    Raises
    ------
    MismatchError
        When the interrupted build had another plan.
    """
    recorded = None
    if (part / WORK / PLAN).exists():
        before = {key: value for key, value in _BEFORE.items() if key in plan}
        recorded = {**before, **atomic.read_json(part / WORK / PLAN)}
    elif (part / manifests.FILE).exists():  # it was killed at its very end
        recorded = _plan_of(atomic.read_json(part / manifests.FILE), plan)
    if recorded is not None:
        fingerprint.require_same(
            recorded,
            plan,
            f"the interrupted build in {part}",
            f"repeat it with the old value to go on, or delete {part} to start anew",
        )
        return
    atomic.refuse_foreign(part, (WORK,))
    atomic.empty(part, WORK)
    (part / WORK).mkdir()
    atomic.write_json(part / WORK / PLAN, plan)


def clear_other_work(part: Path, is_own: Callable[[Mapping[str, Any]], bool]) -> None:
    """Clear the folder of a build or change that was killed, where it is not this one.

    Parameters
    ----------
    is_own
        Asked about the plan that lies there; about the manifest, where a kill came at the very end.

    Raises
    ------
    InputError
        When it is a build, which may have taken hours, and this is none.
    """
    for path, last in ((part / WORK / PLAN, WORK), (part / manifests.FILE, manifests.FILE)):
        if path.exists():
            found = atomic.read_json(path)
            if not is_own(found):
                if is_a_build(found):
                    raise InputError(
                        f"{part} holds an unfinished build of this index: go on with it by the "
                        f"same `wordtrace index`, or delete {part} to change the index as it is."
                    )
                atomic.empty(part, last)
            return
    # A kill came while a finished work was cleared: its plan is gone, the rest may not be.
    shutil.rmtree(part / WORK, ignore_errors=True)


def is_a_build(found: Mapping[str, Any]) -> bool:
    """Whether a plan or a manifest is of a build: a change's plan says less, and counts."""
    return "top_k" in found and not found.get("revision")


def require_same(folder: Path, plan: dict[str, Any]) -> None:
    """Raise MismatchError where the index that is there was built by another plan."""
    fingerprint.require_same(
        _plan_of(atomic.read_json(folder / manifests.FILE), plan),
        plan,
        str(folder),
        f"choose another {option('out')}, or add {option('overwrite', True)} to replace it",
    )


def finished(part: Path, plan: dict[str, Any]) -> bool:
    """Tell whether an attempt was killed between its last file and the renaming."""
    if not (part / manifests.FILE).exists():
        return False
    found = atomic.read_json(part / manifests.FILE)
    return is_a_build(found) and _plan_of(found, plan) == plan


def _plan_of(document: Mapping[str, Any], plan: Mapping[str, Any]) -> dict[str, Any]:
    """Return the entries of a manifest that a plan has."""
    found = {**_BEFORE, **document}
    found["set_of_further_runs"] = [one["fingerprint"] for one in document.get("with_runs", [])]
    return {key: found.get(key) for key in plan}

"""Studies of the served run whose results lie beside it, whoever made them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from fastapi import APIRouter

from wordtrace.act.fix_result import Fix
from wordtrace.api.loading import load
from wordtrace.app.opened import Opened
from wordtrace.app.proof_views import told
from wordtrace.disk import fingerprint
from wordtrace.errors import InputError, WordtraceError
from wordtrace.evaluation.result import Evaluation
from wordtrace.results.result import Result
from wordtrace.verification.result import Verification

#: A larger file is no study of a few queries.
_LARGEST = 30_000_000
_MOST = 200
_KINDS: dict[type[Result], str] = {
    Verification: "verification",
    Fix: "fix",
    Evaluation: "evaluation",
}


def router(opened: Opened) -> APIRouter:
    """Return the routes below /api that show studies which lie beside the run."""
    routes = APIRouter()

    @routes.get("/studies")
    def every() -> list[dict[str, str]]:
        """List the verifications, fixes and evaluations of this run that lie beside it, as JSON.

        Looked at are the run's folder, and those in which the run and the index lie.
        """
        return [
            {"id": id, "name": path.name, "kind": kind}
            for id, (path, kind) in _studies(opened).items()
        ]

    @routes.get("/studies/{id}")
    def one(id: str) -> dict[str, Any]:
        """Return one study: its document, and a verification in words, too."""
        there = _studies(opened)
        if id not in there:
            raise InputError("this study is not there any more.")
        path, kind = there[id]
        document = load(path).document()
        found: dict[str, Any] = {"id": id, "name": path.name, "kind": kind, "document": document}
        if kind == "verification":
            found["told"] = told(document)
        return found

    return routes


def _studies(opened: Opened) -> dict[str, tuple[Path, str]]:
    """Return the studies of a run, by a name that says nothing of the machine."""
    run = opened.run.path
    found: dict[str, tuple[Path, str]] = {}
    for folder in dict.fromkeys((run, run.parent, opened.index.folder.path.parent)):
        for path in sorted(folder.glob("*.json"))[:_MOST]:
            kind = _kind(path, run)
            if kind is not None:
                found[fingerprint.of_document({"path": str(path)})[:12]] = (path, kind)
    return found


def _kind(path: Path, run: Path) -> str | None:
    """Return which kind of study of a run a file holds; None for any other file."""
    try:
        if path.stat().st_size > _LARGEST:
            return None
        head = path.read_bytes()[:200].decode("utf-8", "replace")
        named = next((kind for one, kind in _KINDS.items() if f'"{one.format}"' in head), None)
        if named is None:
            return None
        found: Result = load(path)
        made = Path(str(found.document()["run"]))
    except (OSError, ValueError, KeyError, json.JSONDecodeError, WordtraceError):
        return None
    return named if made.name == run.name else None  # a run may have been moved, with its results

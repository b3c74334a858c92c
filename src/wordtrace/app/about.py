"""What is served: the index, its labels and its measures."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from wordtrace.app.opened import Opened


def describe(opened: Opened) -> dict[str, Any]:
    """Return what the index holds, as JSON."""
    folder, run = opened.index.folder, opened.run
    return {
        "index": str(folder.path),
        "run": str(run.path),
        "state": opened.state,
        "examples": folder.count,
        "kind": run.labelling.kind,
        "generates": run.generates,
        "chats": run.chats,
        "label_names": list(run.label_names),
        "top_k": folder.manifest.top_k,
        "checkpoints": len(folder.manifest.checkpoints),
        "trainings": run.trainings,
        "pairs": any(part.has_pairs for part in folder.texts),
    }


def router(opened: Opened) -> APIRouter:
    """Return the routes below /api that tell what is served."""
    routes = APIRouter()

    @routes.get("/index")
    def index() -> dict[str, Any]:
        """Tell what the index holds.

        `state` names the index as it was opened: two answers of one state are of the same data.
        """
        return describe(opened)

    return routes

"""Proofs: models are trained again, to see what a change of the data does."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from fastapi.responses import Response

from wordtrace.app.opened import Opened
from wordtrace.app.proof_asked import ProofAsked, Wish, retrainer, ways
from wordtrace.app.proof_folders import FOUND, ProofFolder, folder_of, folders
from wordtrace.app.proof_queue import ProofQueue
from wordtrace.app.proof_views import summary, view
from wordtrace.errors import InputError
from wordtrace.report.page import render_html
from wordtrace.verification.plan import Plan, plan


def router(opened: Opened) -> APIRouter:
    """Return the routes below /api by which proofs are planned, started, followed and stopped."""
    routes = APIRouter()
    # Proofs go on while the index is opened again.
    queue: ProofQueue = opened.lasting.setdefault("proofs", ProofQueue(opened))

    def wish_of(asked: ProofAsked) -> tuple[Wish, Plan]:
        wish = Wish.of(opened, asked)
        trains = retrainer(opened.run, asked.trains, opened.retrain)
        return wish, plan(wish.study(opened.index, trains))

    def folder(number: int) -> ProofFolder:
        return folder_of(opened.run.path, number)

    @routes.post("/proofs/plan")
    def planned(asked: ProofAsked) -> dict[str, Any]:
        """Say what a proof would train, and how long that takes; nothing is trained."""
        wish, found = wish_of(asked)
        queries = [
            {"text": one.text[:300], "label": one.label, "predicted": one.predicted}
            for one in wish.trace.queries[:5]
        ]
        return {
            "title": wish.title,
            "sentence": found.sentence(),
            **found.document(),
            "questions": len(wish.trace.queries),
            "first": queries,
            "changes": None if wish.patch is None else len(wish.patch),
            "without": wish.without,
        }

    @routes.post("/proofs", status_code=201)
    def start(asked: ProofAsked) -> dict[str, Any]:
        """Start a proof; it waits for those that were started before it."""
        wish, found = wish_of(asked)
        made = ProofFolder.new(opened.run.path, wish, found)
        queue.start(made)
        return view(made, queue)

    @routes.get("/proofs")
    def every() -> dict[str, Any]:
        """List the proofs, the latest first, and what may train models again (`ways`)."""
        return {
            "ways": ways(opened.run, opened.retrain),
            "held_out": opened.run.manifest.held_out is not None,
            "proofs": [summary(one, queue) for one in folders(opened.run.path)],
        }

    @routes.get("/proofs/{number}")
    def one(number: int) -> dict[str, Any]:
        """Tell how far a proof is, and what it found."""
        return view(folder(number), queue)

    @routes.post("/proofs/{number}")
    def go_on(number: int) -> dict[str, Any]:
        """Go on with a proof that was stopped or interrupted, or failed: what it has is kept."""
        found = folder(number)
        if queue.state(found)["state"] == "done":
            raise InputError(f"proof {number} is done.")
        queue.start(found)
        return view(found, queue)

    @routes.delete("/proofs/{number}")
    def stop(number: int) -> dict[str, Any]:
        """Stop a proof. The models that it trained are kept, and it can go on."""
        found = folder(number)
        queue.stop(found)
        return view(found, queue)

    @routes.get("/proofs/{number}/result")
    def result(number: int) -> Response:
        """Download the result as JSON, as `wordtrace verify --out` writes it."""
        found = folder(number).result()
        if found is None:
            raise InputError(f"proof {number} has no result yet.")
        return _file(found.to_json(), "application/json", f"proof-{number}.json")

    @routes.get("/proofs/{number}/report")
    def report(number: int) -> Response:
        """Download the result as a page that needs nothing else."""
        found = folder(number).result()
        if found is None:
            raise InputError(f"proof {number} has no result yet.")
        page = render_html([found.document()])
        return _file(page, "text/html; charset=utf-8", f"proof-{number}.html")

    @routes.get("/proofs/{number}/patch")
    def patch(number: int) -> Response:
        """Download the patch that a fix found."""
        place = folder(number).path / FOUND
        if not place.is_file():
            raise InputError(f"proof {number} found no patch.")
        text = place.read_text(encoding="utf-8")
        return _file(text, "application/jsonl; charset=utf-8", f"proof-{number}.jsonl")

    return routes


def _file(text: str, kind: str, name: str) -> Response:
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return Response(text, media_type=kind, headers=headers)

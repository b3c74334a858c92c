"""How proofs and studies are told to a page: sentences, and what is drawn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wordtrace.app.proof_folders import FOUND, ProofFolder
from wordtrace.app.proof_queue import ProofQueue
from wordtrace.report.deeds import is_patch
from wordtrace.report.designs import design_sentence, repeat_sentence
from wordtrace.report.measured import Measured, measured
from wordtrace.report.sentences import held_out_sentence, verified
from wordtrace.report.together import measured_together, together_sentence, whole_of
from wordtrace.report.verdicts import verdict
from wordtrace.report.verifications import changes
from wordtrace.verification.result import Verification


def summary(folder: ProofFolder, queue: ProofQueue) -> dict[str, Any]:
    """Return what a list of proofs shows of one."""
    told, state = folder.asked(), queue.state(folder)
    found: dict[str, Any] = {
        "number": folder.number,
        **{name: told[name] for name in ("title", "made", "asked", "without")},
        **state,
    }
    if state["state"] == "done":
        found["short"] = _short(folder)
    return found


def view(folder: ProofFolder, queue: ProofQueue) -> dict[str, Any]:
    """Return all that a page shows of a proof: its state, and its result in words and numbers."""
    found = summary(folder, queue)
    result = folder.result() if found["state"] == "done" else None
    if result is not None:
        document = result.document()
        found["document"] = document
        found["patch"] = (folder.path / FOUND).is_file()
        if isinstance(result, Verification):
            found["told"] = told(document)
    return found


def told(document: dict[str, Any]) -> dict[str, Any]:
    """Return a verification in words, and the changes that are drawn."""
    queries = [
        {
            "text": query["text"],
            "label": query["label"],
            "sentence": verified(query, document),
            **_drawn(query, document, measured(query, document)),
        }
        for query in document["queries"]
    ]
    together = document.get("together") and {
        "sentence": together_sentence(document),
        **_drawn(whole_of(document), document, measured_together(document)),
    }
    held_out = document.get("held_out")
    doing = "changing" if is_patch(document) else "removing"
    return {
        "together": together,
        "queries": queries,
        "held_out": held_out and held_out_sentence(held_out, doing),
        "design": design_sentence(document).strip(),
        "repeats": repeat_sentence(document),
    }


def _drawn(query: Mapping[str, Any], document: dict[str, Any], what: Measured) -> dict[str, Any]:
    """Return the verdict on a query, or on all of them, and the changes that are drawn."""
    judged = verdict(query, document)
    return {
        "shown": judged.shown,
        "short": judged.short,
        "verdict": judged.sentence,
        "measured": what.short,
        "less": what.less,
        "more": what.more,
        "digits": what.digits,
        "lines": [
            {"name": name, "role": role, **change}
            for name, change, role in changes(query, document)
        ],
    }


def _short(folder: ProofFolder) -> dict[str, Any]:
    """Return the verdict in a few words, and whether something is shown."""
    result = folder.result()
    if isinstance(result, Verification):
        document = result.document()
        judged = [verdict(query, document) for query in document["queries"]]
        if len(judged) == 1:
            return {"shown": judged[0].shown, "said": f"effect {judged[0].short}"}
        shown = sum(one.shown for one in judged)
        return {"shown": shown > 0, "said": f"effect shown for {shown} of {len(judged)} texts"}
    queries = [] if result is None else result.document()["queries"]
    solved = sum(bool(one["suffices"]) for one in queries)
    said = f"{solved} of {len(queries)} set right" if queries else "done"
    return {"shown": solved > 0, "said": said}

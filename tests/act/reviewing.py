"""Reviews of examples without a run, and what stands in one after a replay of all its steps."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.conftest import make_examples
from wordtrace import api
from wordtrace.act.review import Review
from wordtrace.act.reviewed_rows import ReviewedRows

DATA = make_examples(30)


IDS = DATA.ids[:6]


LABELS = DATA.label_names


def reviewed(file: Path, examples: api.Examples = DATA) -> Review:
    """Open a review of some examples, without a run."""
    rows = {id: row for row, id in enumerate(examples.ids)}
    return Review(file, ReviewedRows(rows, examples.take, examples.labelling, len(examples)))


Known = dict[str, dict[str, Any]]


def replayed(steps: list[Mapping[str, Any]]) -> Known:
    """Return what stands after some steps, by id: the slow, obvious way."""
    found: Known = {}
    for step in steps:
        for id in step["ids"]:
            row = DATA.row_of(id)
            if step["action"] == "clear":
                found.pop(id, None)
            elif step["action"] in ("keep", "remove"):
                found[id] = {"action": step["action"]}
            else:
                was = dict(found.get(id, {}))
                if was.get("action") in ("keep", "remove"):
                    was = {}
                was["action"] = step["action"]
                if step["action"] == "relabel":
                    was["label"] = step["label"]
                    if step["label"] == LABELS[DATA.labels[row]]:
                        del was["label"]
                else:
                    was["text"] = step["text"]
                    if step["text"] == DATA.texts[row]:
                        del was["text"]
                changed = [name for name in ("label", "text") if name in was]
                if not changed:
                    was["action"] = "keep"
                elif len(changed) == 1:
                    was["action"] = {"label": "relabel", "text": "edit"}[changed[0]]
                found[id] = was
    return found


def standing(review: Review) -> Known:
    """Return what stands in a review, by id."""
    found: Known = {}
    for one in review.decisions():
        entry = {"action": one.action, "label": one.label, "text": one.text}
        found[one.id] = {name: value for name, value in entry.items() if value is not None}
    return found

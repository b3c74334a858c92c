"""What a verification did to the data, in words: rows removed, or a patch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wordtrace.report.text import line

Document = Mapping[str, Any]

_CONTROLS = {
    "random": "random rows",
    "same labels": "random rows of the same labels",
    "similar numbers": "random rows of similar numbers",
    "similar lengths": "random rows of similar lengths",
}


def control_name(name: str) -> str:
    """Name a control for people, in the plural."""
    return _CONTROLS.get(name) or line(name)


def rows(count: int, name: str) -> str:
    """Write a count with its noun: 1 random row, 50 random rows."""
    if count == 1:
        name = name.replace("rows", "row").replace("opponents", "opponent")
        name = name.replace("proponents", "proponent").replace("labels", "label")
        name = name.replace("of similar numbers", "of a similar number")
        name = name.replace("of similar lengths", "of a similar length")
    return f"{count:,} {name}"


def is_patch(document: Document) -> bool:
    """Tell whether a patch was tried, and not a removal of a trace's rows."""
    return document.get("patch") is not None


def patch_name(document: Document) -> str:
    """Name a patch: the patch (9 rows relabelled, 3 removed)."""
    removed, relabelled = (len(document["patch"][name]) for name in ("removed", "relabelled"))
    if not relabelled:
        return f"the patch ({rows(removed, 'rows removed')})"
    further = f", {removed:,} removed" if removed else ""
    return f"the patch ({rows(relabelled, 'rows relabelled')}{further})"


def changed(query: Document, document: Document) -> str:
    """Name what was changed for a query: 6 strongest opponents, or the patch."""
    if is_patch(document):
        return patch_name(document)
    name = f"strongest {line(document['remove'])}"
    if document.get("together"):
        name += f" of the {document['together']['queries']:,} queries together"
    return rows(len(query["removed"]), name)


def control_changed(control: str, query: Document, document: Document) -> str:
    """Name what a control changed: 6 random rows, or the same changes of random rows."""
    if is_patch(document):
        return f"the same of {control_name(control)}"
    return rows(len(query["removed"]), control_name(control))


def deed(query: Document, document: Document) -> str:
    """Begin a sentence with what was done: Removing the 6 strongest opponents; The patch."""
    if is_patch(document):
        return patch_name(document).replace("the", "The", 1)
    count = len(query["removed"])
    few = f" (there are only {count})" if count < document["k"] else ""
    return f"Removing the {changed(query, document)}{few}"


def control_deed(control: str, query: Document, document: Document) -> str:
    """Begin a sentence with what a control did."""
    if is_patch(document):
        return f"As many changes of {control_name(control)}"
    return f"Removing {rows(len(query['removed']), control_name(control))}"


def verb(change: Document) -> str:
    """Say which way an effect went, where its interval tells."""
    if change["low"] > 0:
        return "raised"
    return "lowered" if change["high"] < 0 else "changed"

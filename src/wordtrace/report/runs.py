"""How the document of a run reads, and how a run is named at the top of a page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from wordtrace.report.blocks import Block, Names, Say, Warn
from wordtrace.report.text import line

Document = Mapping[str, Any]


def run_blocks(document: Document) -> list[Block]:
    """Return what a run was trained on, its labels, and notes."""
    said = f"{line(document['name'])}: trained on {document['examples']:,} examples"
    if document.get("accuracy") is not None:
        said += f"; accuracy {document['accuracy']:.3f}"
        said += f" on {document['held_out']:,} held-out examples"
    if "checkpoints" in document:
        count = len(document["checkpoints"])
        said += f"; {count} checkpoint{'s' if count != 1 else ''} kept"
    notes: list[Block] = [Say(line(note), soft=True) for note in document.get("notes") or ()]
    proof = document.get("proof")
    if proof:
        told = line(proof["sentence"])
        notes.insert(0, Warn(told) if proof["verdict"] == "misread" else Say(told, soft=True))
    generates = (document.get("model") or {}).get("task") == "generation"
    names = [] if generates else [Names(tuple(map(line, document["labels"])))]
    return [Say(f"{said}."), *names, *notes]


def run_lines(documents: Iterable[Document], described: Iterable[Document] = ()) -> list[str]:
    """Name each run that documents are of, and its model where it is described.

    Parameters
    ----------
    described
        Further descriptions of runs, which are not shown but for their names.
    """
    given = list(documents)
    models: dict[str, str] = {}
    for one in [*given, *described]:
        if one["format"] == "wordtrace-run":
            models[str(one["name"])] = _model(one.get("model") or {})
    names = [one["name"] if "name" in one else one.get("run") for one in given]
    found = dict.fromkeys(str(name) for name in names if name is not None)
    # Some documents hold the path that was typed, others the whole of it: one run, named once.
    whole = [name for name in found if any(name.endswith(f"/{other}") for other in found)]
    for name in whole:
        del found[name]
    return [
        f"Run {line(name)}" + (f", model {models[name]}" if models.get(name) else "")
        for name in found
    ]


def _model(model: Document) -> str:
    name = line(model.get("architecture") or model.get("kind") or "")
    return name.upper() if name == "cnn" else name

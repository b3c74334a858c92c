"""What results are made from: runs, data and models by fingerprint, measures, seeds, versions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from wordtrace.report.text import line

Document = Mapping[str, Any]

_SHOWN = 16


def provenance(
    documents: Iterable[Document], described: Iterable[Document] = ()
) -> list[tuple[str, str]]:
    """Return (name, value) of all that is known, each once.

    Parameters
    ----------
    described
        Descriptions of the runs that the documents are of.
    """
    found: dict[tuple[str, str], None] = {}
    given = list(documents)
    for one in [*described, *given]:
        if one["format"] == "wordtrace-run":
            for name, key in (
                ("run", "fingerprint"),
                ("training data", "data"),
                ("final model", "weights"),
            ):
                if one.get(key):
                    found[f"{name}, fingerprint", line(one[key])[:_SHOWN]] = None
            if one.get("source"):
                found["data file", line(one["source"])] = None
    for one in given:
        if one.get("run_fingerprint"):
            found["run, fingerprint", line(one["run_fingerprint"])[:_SHOWN]] = None
        what = one["format"].removeprefix("wordtrace-")
        if one.get("measure"):
            found[f"measure of the {what}", line(one["measure"])] = None
        seeds = one.get("seeds")
        if isinstance(seeds, list) and seeds:
            found[f"seeds of the {what}", ", ".join(map(line, seeds))] = None
    return list(found)

"""The order of a page: the run, its suspicious rows, then each query with its verification."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wordtrace.report.analyses import HEADINGS
from wordtrace.report.documents import FORMATS, kind_of
from wordtrace.report.numbers import seconds
from wordtrace.report.sentences import question
from wordtrace.report.text import clean

Document = Mapping[str, Any]


@dataclass(frozen=True)
class Section:
    """A piece of a page.

    Attributes
    ----------
    kind
        "run", "mislabels", "trace", "verification" or "analysis".
    query
        The one of the document's queries that is shown; None where it has none.
    last
        Whether it is the document's last, so that what holds for all of it follows.
    """

    kind: str
    anchor: str
    heading: str
    document: Document
    query: Document | None = None
    last: bool = True


def arrange(documents: Sequence[Document]) -> list[Section]:
    """Order documents given in any order; a verification follows the trace that it verifies.

    Raises
    ------
    InputError
        For a document of another kind or a newer version.
    """
    by_kind: dict[str, list[Document]] = {kind: [] for kind in FORMATS}
    for document in documents:
        by_kind[kind_of(document)].append(document)
    found = [_single(one, "run", "The model") for one in by_kind["wordtrace-run"]]
    found += _analyses(by_kind["wordtrace-cancellation"])
    found += [
        _single(one, "mislabels", "Training rows most likely mislabelled")
        for one in by_kind["wordtrace-mislabels"]
    ]
    found += _analyses(by_kind["wordtrace-clusters"] + by_kind["wordtrace-overlap"])
    verified = [part for one in by_kind["wordtrace-verification"] for part in _verified(one)]
    for document in by_kind["wordtrace-trace"]:
        queries = document["queries"]
        for place, query in enumerate(queries):
            last = place == len(queries) - 1
            found.append(Section("trace", "", question(query), document, query, last))
            for part in [part for part in verified if _same(part, document, query)]:
                found.append(part)
                verified.remove(part)
    return [
        Section(one.kind, f"part-{place}", one.heading, one.document, one.query, one.last)
        for place, one in enumerate(
            [
                *found,
                *verified,
                *_analyses(by_kind["wordtrace-fix"]),
                *_analyses(by_kind["wordtrace-evaluation"]),
                *_analyses(by_kind["wordtrace-words"]),
                *_analyses(by_kind["wordtrace-measures"]),
            ],
            1,
        )
    ]


def title_of(sections: Sequence[Section]) -> str:
    """Return a title: the question where there is one."""
    asked = [section.heading for section in sections if section.kind == "trace"]
    if len(asked) == 1:
        return asked[0]
    return sections[0].heading if len(sections) == 1 else "wordtrace report"


def facts(documents: Sequence[Document]) -> list[tuple[str, str]]:
    """Return what was done, as (name, value), without repeats."""
    found: list[tuple[str, str]] = []
    for document in documents:
        kind = document["format"]
        if kind == "wordtrace-run" and document.get("accuracy") is not None:
            found.append(("held-out accuracy", f"{document['accuracy']:.3f}"))
        if kind in ("wordtrace-run", "wordtrace-trace"):
            found.append(("training examples", f"{document['examples']:,}"))
        if kind == "wordtrace-trace":
            count = len(document["queries"])
            asked = f"{count} predictions" if count > 1 else "one prediction"
            found.append((f"to trace {asked}", seconds(document["seconds"])))
            found.append(("measure", clean(str(document["measure"]), newlines=False)))
        if kind == "wordtrace-verification":
            found.append(("models retrained", f"{document['retrainings']:,}"))
    return list(dict.fromkeys(found))


def _single(document: Document, kind: str, heading: str) -> Section:
    return Section(kind, "", heading, document)


def _analyses(documents: Sequence[Document]) -> list[Section]:
    return [_single(one, "analysis", HEADINGS[one["format"]]) for one in documents]


def _verified(document: Document) -> list[Section]:
    side = clean(str(document["remove"]), newlines=False)
    queries = document["queries"]
    return [
        Section(
            "verification",
            "",
            f"What removing the {side} did",
            document,
            query,
            place == len(queries) - 1,
        )
        for place, query in enumerate(queries)
    ]


def _same(part: Section, document: Document, query: Document) -> bool:
    other = part.query or {}
    return part.document["measure"] == document["measure"] and all(
        other.get(name) == query.get(name) for name in ("text", "text2", "label")
    )

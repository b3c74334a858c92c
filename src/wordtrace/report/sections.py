"""The description of documents for every medium: sections with headings and blocks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from wordtrace.report.blocks import Block, Warn
from wordtrace.report.cancellations import cancellation_blocks
from wordtrace.report.deeds import is_patch
from wordtrace.report.documents import kind_of, whole
from wordtrace.report.duplicates import duplicate_blocks
from wordtrace.report.evaluations import evaluation_blocks
from wordtrace.report.fixes import cluster_blocks, fix_blocks
from wordtrace.report.measure_lists import measure_blocks
from wordtrace.report.numbers import seconds
from wordtrace.report.outliers import outlier_blocks
from wordtrace.report.overlaps import overlap_blocks
from wordtrace.report.row_lists import row_blocks
from wordtrace.report.runs import run_blocks
from wordtrace.report.sentences import question
from wordtrace.report.suspects import suspect_blocks
from wordtrace.report.text import line
from wordtrace.report.together_blocks import together_blocks, together_heading
from wordtrace.report.traces import trace_blocks
from wordtrace.report.verifications import verification_blocks
from wordtrace.report.weights import word_blocks

Document = Mapping[str, Any]

#: The heading of a document that is one section, and what it shows.
_WHOLE: dict[str, tuple[str, Callable[[Document], list[Block]]]] = {
    "wordtrace-run": ("The model", run_blocks),
    "wordtrace-mislabels": ("Training rows most likely mislabelled", suspect_blocks),
    "wordtrace-cancellation": ("Where influences cancel", cancellation_blocks),
    "wordtrace-overlap": ("Do the measures list other examples for each query?", overlap_blocks),
    "wordtrace-words": ("What each word weighs", word_blocks),
    "wordtrace-measures": ("Measures", measure_blocks),
    "wordtrace-rows": ("Training rows", row_blocks),
    "wordtrace-fix": ("What sets misclassified texts right", fix_blocks),
    "wordtrace-duplicates": ("Texts that are nearly the same", duplicate_blocks),
    "wordtrace-outliers": ("Rows that are unlike the others", outlier_blocks),
    "wordtrace-clusters": ("Patterns in mistakes", cluster_blocks),
    "wordtrace-evaluation": ("Which measure names the rows that matter", evaluation_blocks),
}


@dataclass(frozen=True)
class Section:
    """A piece of a page.

    Attributes
    ----------
    kind
        The document's format without its "wordtrace-".
    about
        What distinguishes it from a section with the same heading: its query's text, or its run.
    """

    kind: str
    heading: str
    blocks: Sequence[Block]
    about: str = ""
    anchor: str = ""


def sections_of(documents: Sequence[Document]) -> list[Section]:
    """Describe documents in the order given, each query of a trace or verification by itself.

    What verifies a trace's query stands right after it. One change of several queries has a section
    for all of them, which stands before those of single queries: these are only there beside their
    traces. No two headings are the same.

    Raises
    ------
    InputError
        For a document of another kind or a newer version.
    """
    kinds = [kind_of(document) for document in documents]
    given = list(zip(documents, kinds, strict=True))
    proofs = [
        _Proof(document, query, place)
        for document, kind in given
        if kind == "wordtrace-verification"
        for place, query in enumerate(document["queries"])
    ]
    # Each proof stands beside the first trace that it verifies; without one, at its own place.
    beside: dict[int, list[_Proof]] = {}
    for proof in proofs:
        for document, kind in given:
            queries = document["queries"] if kind == "wordtrace-trace" else ()
            mine = next((one for one in queries if proof.verifies(document, one)), None)
            if mine is not None:
                beside.setdefault(id(mine), []).append(proof)
                break
    placed = {id(proof.query) for some in beside.values() for proof in some}
    found: list[Section] = []
    begun: set[int] = set()
    for document, kind in given:
        for one in _proofs_of(document, kind, beside):
            if _is_one(one) and id(one) not in begun:
                begun.add(id(one))
                found.append(_of_all(one))
        if kind == "wordtrace-trace":
            for query in document["queries"]:
                proven = beside.get(id(query), [])
                blocks = _warned(document, trace_blocks(document, query, bool(proven)))
                found.append(Section("trace", question(query), blocks, line(query["text"])))
                found += [proof.section() for proof in proven]
        elif kind == "wordtrace-verification":
            own = [] if _is_one(document) else proofs
            own = [proof for proof in own if proof.document is document]
            found += [proof.section() for proof in own if id(proof.query) not in placed]
        else:
            heading, describe = _WHOLE[kind]
            about = line(document.get("run") or document.get("name") or document.get("index") or "")
            short = kind.removeprefix("wordtrace-")
            found.append(Section(short, heading, _warned(document, describe(document)), about))
    return _told_apart(found)


def _warned(document: Document, blocks: list[Block]) -> list[Block]:
    """Put first what must not be overlooked.

    That the run's training was misread, where it was adopted all the same; and that a figure comes
    from a cheaper look, not from retraining.
    """
    said = [document[name] for name in ("misread", "look") if document.get(name)]
    return [*(Warn(line(one)) for one in said), *blocks]


def check_document(document: Document) -> None:
    """Refuse a document that can't be shown (InputError): of another kind, or not whole."""
    with whole():
        sections_of([document])


def title_of(sections: Sequence[Section]) -> str:
    """Return a title: the question, where one is asked and the page begins with it."""
    asked = [section for section in sections if section.kind == "trace"]
    if len(sections) == 1 or asked == [sections[0]]:
        return sections[0].heading
    return "wordtrace report"


def facts(documents: Iterable[Document]) -> list[tuple[str, str]]:
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
            found.append(("measure", line(document["measure"])))
        if kind == "wordtrace-verification":
            name = "models looked at" if document.get("look") else "models retrained"
            found.append((name, f"{document['retrainings']:,}"))
    return list(dict.fromkeys(found))


@dataclass(frozen=True)
class _Proof:
    """One query of a verification, with its place there."""

    document: Document
    query: Document
    place: int

    def verifies(self, trace: Document, query: Document) -> bool:
        measure = self.query.get("measure") or self.document["measure"]
        return trace["measure"] == measure and all(
            self.query.get(name) == query.get(name) for name in ("text", "text2", "label")
        )

    def section(self) -> Section:
        last = self.place == len(self.document["queries"]) - 1 and not _is_one(self.document)
        heading = f"What removing the {line(self.document['remove'])} did"
        if is_patch(self.document):
            heading = "What the patch did"
        blocks = _warned(self.document, verification_blocks(self.document, self.query, last))
        return Section("verification", heading, blocks, line(self.query["text"]))


def _proofs_of(
    document: Document, kind: str, beside: Mapping[int, Sequence[_Proof]]
) -> list[Document]:
    """Return the verifications of which something is told where a document stands."""
    if kind == "wordtrace-verification":
        return [document]
    queries = document["queries"] if kind == "wordtrace-trace" else ()
    return [proof.document for query in queries for proof in beside.get(id(query), ())]


def _is_one(document: Document) -> bool:
    """Tell a verification of one change for several queries."""
    return bool(document.get("together"))


def _of_all(document: Document) -> Section:
    blocks = _warned(document, together_blocks(document))
    return Section("verification", together_heading(document), blocks)


def _told_apart(sections: Sequence[Section]) -> list[Section]:
    """Give sections with the same heading different ones, and every section an anchor."""
    often = Counter(section.heading for section in sections)
    taken: Counter[str] = Counter()
    found: list[Section] = []
    for place, section in enumerate(sections, 1):
        heading = section.heading
        if often[heading] > 1 and section.about:
            about = section.about if len(section.about) <= 60 else section.about[:60] + "…"
            heading = f"{heading} {about}"
        taken[heading] += 1
        if taken[heading] > 1:
            heading = f"{heading} ({taken[heading]})"
        found.append(replace(section, heading=heading, anchor=f"part-{place}"))
    return found

"""One self-contained HTML page, or a piece of one for a notebook."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import jinja2

from wordtrace.report import figures, sentences
from wordtrace.report.documents import FORMATS, kind_of
from wordtrace.report.text import clean, segments, split_at


def render_html(documents: Sequence[Mapping[str, Any]], title: str | None = None) -> str:
    """Return a whole page: no script, no external request, all text escaped.

    Parameters
    ----------
    documents
        What trace, verify, mislabels and info make, in any order.

    Raises
    ------
    InputError
        For a document of another kind or a newer version.
    """
    order = list(FORMATS)
    ordered = sorted(documents, key=lambda document: order.index(kind_of(document)))
    return (
        _environment()
        .get_template("page.html.j2")
        .render(documents=ordered, title=title or _title(ordered))
    )


def render_fragment(document: Mapping[str, Any]) -> str:
    """Return one document as HTML for a notebook: scoped styles, no script."""
    kind_of(document)
    return _environment().get_template("fragment.html.j2").render(documents=[document])


def _title(documents: Sequence[Mapping[str, Any]]) -> str:
    for document in documents:
        if document["format"] == "wordtrace-trace" and len(document["queries"]) == 1:
            query = document["queries"][0]
            return f"Why {query['label']}?"
    return "wordtrace report"


@lru_cache(maxsize=1)
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("wordtrace.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "clean": lambda value: clean(str(value), newlines=False),
        "signed": sentences.signed,
        "percent": lambda value: f"{value:.0%}",
    }
    environment.globals |= {
        "held_out_sentence": sentences.held_out_sentence,
        "intervals": figures.intervals,
        "planted_sentence": sentences.planted_sentence,
        "scale_of": _scale,
        "segments": segments,
        "share_sentence": sentences.share_sentence,
        "split_at": split_at,
        "verification_sentences": sentences.verification_sentences,
    }
    return environment


def _scale(query: Mapping[str, Any]) -> float:
    """Return the largest |contribution| of a query's words, so that colours compare."""
    return max(
        (
            abs(word["contribution"])
            for hit in [*query["proponents"], *query["opponents"]]
            for word in hit.get("words") or ()
            if word["spans"]
        ),
        default=0.0,
    )

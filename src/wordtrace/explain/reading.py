"""A trace read back from its JSON file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from wordtrace.disk import atomic
from wordtrace.errors import InputError, option
from wordtrace.explain.prediction import FORMAT, VERSION, Explanation, Hit, Span, Trace, Word


def read_trace(path: str | Path, query: int | None = None) -> Trace:
    """Read what ``wordtrace trace --out`` or ``Trace.save`` wrote.

    Parameters
    ----------
    query
        Keep this query alone, from 0.

    Raises
    ------
    InputError
        When the file is missing, is no trace, is of a newer version, or has no such query.
    """
    place = Path(path)
    if not place.is_file():
        raise InputError(f"{place} does not exist; make it with `wordtrace trace … --out {place}`.")
    document = atomic.read_json(place)
    if document.get("format") != FORMAT:
        raise InputError(f"{place} is not a trace; make one with `wordtrace trace … --out FILE`.")
    if document.get("version") != VERSION:
        raise InputError(
            f"{place} is a trace of version {document.get('version')}; this wordtrace reads "
            f"{VERSION}."
        )
    try:
        queries = tuple(_explanation(one) for one in document["queries"])
        if query is not None:
            if not 0 <= query < len(queries):
                raise InputError(
                    f"{place} has {len(queries)} queries; {option('query')} must be from 0 to "
                    f"{len(queries) - 1}."
                )
            queries = queries[query : query + 1]
        return Trace(
            document["measure"],
            document["top_k"],
            document["source"],
            document["examples"],
            document["seconds"],
            document["run"],
            document["run_fingerprint"],
            document["index"],
            tuple(document["label_names"]),
            queries,
            document.get("options", {}),
            document.get("whole_words", False),
        )
    except (KeyError, TypeError) as error:
        raise InputError(f"{place} is not a whole trace ({error}); make it again.") from None


def _explanation(document: Mapping[str, Any]) -> Explanation:
    return Explanation(
        text=document["text"],
        text2=document.get("text2"),
        label=document["label"],
        label_source=document["label_source"],
        predicted=document["predicted"],
        predicted_probability=document["predicted_probability"],
        probability=document["probability"],
        proponents=tuple(_hit(hit) for hit in document["proponents"]),
        opponents=tuple(_hit(hit) for hit in document["opponents"]),
        words=tuple(_word(word) for word in document["words"]),
        special_share=document["special_share"],
        stop_share=document["stop_share"],
        warning=document["warning"],
        baselines={
            name: tuple(_hit(hit) for hit in hits)
            for name, hits in document.get("baselines", {}).items()
        },
        id=document.get("id"),
        span=_span(document["span"]) if document.get("span") else None,
    )


def _hit(document: Mapping[str, Any]) -> Hit:
    words = document.get("words")
    return Hit(
        document["id"],
        document["score"],
        document["label"],
        document["text"],
        document.get("text2"),
        None if words is None else tuple(_word(word) for word in words),
        document.get("special_share"),
        document.get("stop_share"),
    )


def _word(document: Mapping[str, Any]) -> Word:
    return Word(
        document["token"],
        document["contribution"],
        document["kind"],
        tuple(_span(span) for span in document["spans"]),
        tuple(_span(span) for span in document["query_spans"]),
        document.get("query_token"),
        tuple((token, value) for token, value in document.get("pieces", ())),
    )


def _span(given: Sequence[Any]) -> Span:
    field, start, end = given
    return field, start, end

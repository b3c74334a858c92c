"""How the document of ``wordtrace trace`` reads, query by query."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from wordtrace.report.blocks import (
    Block,
    Cell,
    Column,
    Grid,
    Hit,
    Hits,
    Marked,
    Say,
    Share,
    Sides,
    Warn,
)
from wordtrace.report.messages import TEMPLATE
from wordtrace.report.numbers import percent, score_digits, signed
from wordtrace.report.sentences import (
    explained,
    prediction_sentence,
    share_sentence,
    trace_sentence,
)
from wordtrace.report.text import line, scale_of, word_name

Document = Mapping[str, Any]

# What a language model's trace has in place of labels.
_NO_LABELS = ["completion"]

NOT_VERIFIED = (
    "Not verified: a score is a hint. `wordtrace verify` retrains without the rows, and says what "
    "they really do."
)


def trace_blocks(document: Document, query: Document, is_verified: bool) -> list[Block]:
    """Return one query's text and prediction, and the examples for and against it."""
    scale, digits = scale_of(query), score_digits(query)
    found: list[Block] = [
        Marked(query, query["words"], scale, digits),
        Say(prediction_sentence(query)),
    ]
    if query.get("warning"):
        found.append(Warn(line(query["warning"])))
    said = f"{trace_sentence(document)} {share_sentence(query) or ''}"
    found.append(Say(said.rstrip(), soft=True))
    if not is_verified:
        found.append(Say(NOT_VERIFIED, soft=True))
    both = [*query["proponents"], *query["opponents"]]
    largest = max((abs(hit["score"]) for hit in both), default=0.0)
    name, labelled = explained(query), document.get("label_names") != _NO_LABELS
    names = document.get("checkpoint_names") or ()
    sides = (
        ("plus", "Proponents", "speak for", query["proponents"]),
        ("minus", "Opponents", "speak against", query["opponents"]),
    )
    first, second = (
        Hits(
            sign,
            title,
            way,
            name,
            _unit(hits),
            tuple(_hit(hit, scale, digits, largest, labelled, names) for hit in hits),
        )
        for sign, title, way, hits in sides
    )
    found.append(Sides((first, second)))
    for measure, hits in (query.get("baselines") or {}).items():
        found.append(_baseline(line(measure), hits, labelled))
    return found


def _hit(
    hit: Document,
    scale: float,
    digits: int,
    largest: float,
    labelled: bool,
    checkpoints: Sequence[str],
) -> Hit:
    words = hit.get("words") or ()
    special, stop = hit.get("special_share"), hit.get("stop_share")
    note = ""
    if special is not None and stop is not None:
        note = f"{percent(special)} from special tokens, {percent(stop)} from stop tokens."
        if not any(word["kind"] == "word" for word in words):
            note = f"Shares no telling word with the query: {note}"
    if steps := hit.get("by_checkpoint"):
        named = [*(f"{line(name)}: " for name in checkpoints), *[""] * len(steps)]
        parts = ", ".join(
            name + signed(value, digits) for name, value in zip(named, steps, strict=False)
        )
        note = f"{note} The score by checkpoint: {parts}.".lstrip()
    return Hit(
        line(hit["id"]),
        line(hit["label"]) if labelled else "",
        hit["score"],
        abs(hit["score"]) / largest if largest else 0.0,
        Marked(hit, words, scale, digits),
        tuple(_shares(words)),
        note,
    )


def _shares(words: Sequence[Document]) -> list[Share]:
    """Return the words by falling size; last, all that a conversation's template adds."""
    found = [word for word in words if TEMPLATE not in (word.get("role"), word.get("query_role"))]
    shares = list(map(_share, found))
    if len(found) < len(words):
        total = sum(word["contribution"] for word in words) - sum(
            word["contribution"] for word in found
        )
        shares.append(Share("chat template", (), False, TEMPLATE, total))
    return shares


def _share(word: Document) -> Share:
    pieces, query = word.get("pieces") or (), bool(word.get("query_token"))
    through = pieces if len(pieces) > 1 or query else ()
    return Share(
        word_name(word),
        tuple(line(token) for token, _ in through),
        query,
        line(word["kind"]),
        word["contribution"],
    )


def _said(hit: Document) -> str:
    """Return a row's text on one line; of a conversation, what its messages say."""
    turns = hit.get("turns")
    if not turns:
        return line(hit["text"])
    return line(" — ".join(hit["text"][one["start"] : one["end"]] for one in turns))


def _unit(hits: Sequence[Document]) -> str:
    whole = any("pieces" in word for hit in hits for word in hit.get("words") or ())
    return "word" if whole else "token"


def _baseline(measure: str, hits: Sequence[Document], labelled: bool) -> Grid:
    columns = [Column("#"), Column("id", "name"), *[Column("label", "label")] * labelled]
    rows: list[list[Cell]] = [
        [
            str(place),
            line(hit["id"]),
            *[line(hit["label"])] * labelled,
            _said(hit)[:160],
            signed(hit["score"]),
        ]
        for place, hit in enumerate(hits, 1)
    ]
    title = f"For comparison: the strongest {len(hits)} by {measure}"
    return Grid(title, [*columns, Column("text", "text"), Column("score")], rows, folded=True)

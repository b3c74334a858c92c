"""Results as short as an agent needs them: it pays for each word that it reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from wordtrace.act.mislabels_result import Mislabels
from wordtrace.explain.prediction import Hit, Word
from wordtrace.explain.trace import Trace

#: Characters of a row's text, and words of a pair.
LONGEST, WORDS = 400, 6


def brief_trace(trace: Trace, rows: Mapping[str, int]) -> dict[str, Any]:
    """Return the trace of one text; `rows` are the rows' numbers by their ids."""
    (query,) = trace.queries
    found = {
        "label": query.label,
        "label_source": query.label_source,
        "probability": _figure(query.probability),
        "predicted": query.predicted,
        "predicted_probability": _figure(query.predicted_probability),
        "measure": trace.measure,
        "rows_scored": trace.examples,
        "share_of_special_tokens": _figure(query.special_share),
        "share_of_stop_words": _figure(query.stop_share),
        "warning": query.warning or trace.misread,
        "proponents": [_hit(hit, rows) for hit in query.proponents],
        "opponents": [_hit(hit, rows) for hit in query.opponents],
    }
    return {name: value for name, value in found.items() if value is not None}


def brief_suspects(suspects: Mislabels, rows: Mapping[str, int]) -> dict[str, Any]:
    """Return suspects with the proposed label and what opposes the present one."""
    return {
        "by": suspects.by,
        "rows_ranked": suspects.examples,
        "suspects": [
            {
                "rank": one.rank,
                "row": rows[one.id],
                "id": one.id,
                **_text(one.text, one.text2),
                "label": one.label,
                "predicted": one.predicted,
                "proposed": one.proposed,
                "proposed_share": _figure(one.proposed_share),
                "suspicion": _figure(one.suspicion),
                "words_against": _pairs(one.words),
                "opponents": [rows[other.id] for other in one.opponents if other.id in rows],
            }
            for one in suspects.rows
        ],
    }


def _hit(hit: Hit, rows: Mapping[str, int]) -> dict[str, Any]:
    words: Sequence[Word] = hit.contributions or ()
    return {
        "row": rows.get(hit.id),
        "id": hit.id,
        "score": _figure(hit.score),
        "label": hit.label,
        **_text(hit.text, hit.text2),
        "words": _pairs([(word.token, word.contribution) for word in words]),
    }


def _text(text: str, text2: str | None) -> dict[str, str]:
    found = {"text": text, "text2": text2}
    return {
        name: one if len(one) <= LONGEST else one[:LONGEST] + "…"
        for name, one in found.items()
        if one is not None
    }


def _pairs(words: Sequence[tuple[str, float]]) -> list[list[Any]]:
    return [[word, _figure(contribution)] for word, contribution in words[:WORDS]]


def _figure(value: float | None) -> float | None:
    """Return a number with four digits that count."""
    return None if value is None else float(f"{value:.4g}")

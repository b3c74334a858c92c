"""Tables 8 and 11 to 16: the strongest training texts by TracIn-last and by TracIn-WE.

The paper's claim, by reading two queries a data set: the proponents of TracIn-last have the
query's label, but otherwise nothing to do with it, and much the same rows come up for both
queries; those of TracIn-WE share a telling word with the query, which the method names.

Here the first queries of each data set, which are drawn at random, are shown as the paper shows
its own: two proponents and two opponents each. What the paper leaves to the reader's judgement is
counted in `related`. Of tweets no text is shown, and words that are not common in news have
asterisks: the data set is of offensive language.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import wordtrace as wt
from reproduction import encoders
from reproduction.data import NAMES, Given
from reproduction.record import Finding
from reproduction.shown import masked, shortened

MEASURES = ("tracin-last", "tracin-we")
#: How many rows of either sign, for how many queries.
TOP, SHOWN = 2, 2
#: The paper has no figures here; these are its tables, by data set and measure.
PAPER = {
    ("toxicity", "tracin-last"): "Tables 8 and 11",
    ("toxicity", "tracin-we"): "Table 12",
    ("agnews", "tracin-last"): "Table 13",
    ("agnews", "tracin-we"): "Table 14",
    ("nli", "tracin-last"): "Table 15",
    ("nli", "tracin-we"): "Table 16",
}


def run(size: str, work: Path, given: Given | None = None, workers: int | None = None) -> Finding:
    """List the strongest rows of two queries of each data set."""
    models = [encoders.trained(name, size, work, given) for name in NAMES]
    rows = [
        row
        for model in models
        for row in listed(model.name, traces(model, model.queries.take(range(SHOWN))))
    ]
    return Finding(
        "examples",
        rows,
        {
            "data": "{data}",
            "measure": "{measure}",
            "what": "{what}",
            "row": "{row}",
            "label": "{label}",
            "word": "{word}",
            "text": "{text}",
        },
        " ".join(model.said() for model in models),
        encoders.several(models),
    )


def costs(size: str) -> tuple[int, float]:
    """Return models and seconds."""
    return encoders.costs(size, *NAMES)


def traces(model: encoders.Trained, queries: wt.Examples) -> dict[str, wt.Trace]:
    """Return the strongest rows of some queries by each measure."""
    with model.index() as index:
        return {one: index.trace(queries, measure=one, top=TOP) for one in MEASURES}


def listed(name: str, found: dict[str, wt.Trace]) -> list[dict[str, Any]]:
    """Return each query with its strongest rows by each measure, and the word that does most."""
    hostile = name == "toxicity"
    rows = []

    def add(measure: str, what: str, one: Any, label: str, word: str = "") -> None:
        text = "" if hostile else _said(one.text, one.text2)
        rows.append(
            {"data": name, "measure": measure, "what": what, "row": one.id, "label": label}
            | {"word": masked(word) if hostile else word, "text": text}
        )

    for place, query in enumerate(found[MEASURES[0]]):
        add("", f"query {place + 1}", query, query.label)
        for measure, trace in found.items():
            one = trace.queries[place]
            for sign, hits in (("proponent", one.proponents), ("opponent", one.opponents)):
                for rank, hit in enumerate(hits, 1):
                    add(measure, f"{sign} {rank}", hit, hit.label, salient(hit))
    return rows


def salient(hit: Any) -> str:
    """Return the token with the largest part in a score, start and end tokens among them."""
    if not hit.contributions:
        return ""
    return str(max(hit.contributions, key=lambda word: abs(word.contribution)).token)


def _said(text: str, text2: str | None) -> str:
    return shortened(text) if text2 is None else f"{shortened(text, 60)} → {shortened(text2, 60)}"

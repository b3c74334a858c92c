"""Texts of our own, and their words as a trace lists them."""

from __future__ import annotations

import re
from typing import Any

Words = list[tuple[str, float, str]]


QUERY = (
    "Phone maker's shares tumble as new handset disappoints\n\nShares in the phone maker fell by "
    "nine per cent on Monday after early buyers of its new handset complained of a dim screen and "
    "a battery that hardly lasts a day. Analysts now expect lower profit for the quarter, and two "
    "banks cut their price targets. The firm said that software would mend most of the faults."
)


PROPONENTS: list[tuple[str, str, str, Words]] = [
    (
        "news-0117",
        "Business",
        "Bank shares tumble after profit warning\n\nShares in the country's third largest bank "
        "lost a tenth of their value after it warned that profit for the year would miss its "
        "target. It blamed bad loans to builders. Analysts had expected a small rise. The bank "
        "will close forty branches before the summer, most of them in towns where another branch "
        "is near, and it will not pay a bonus to its directors this year. The regulator said that "
        "it was watching closely but that savers had no reason to worry, since deposits are "
        "insured. Two rivals followed it down, and the index ended the day at its lowest since "
        "March. Traders pointed to profit taking as well.",
        [
            ("shares", 0.412, "word"),
            ("tumble", 0.221, "word"),
            ("profit", 0.187, "word"),
            ("[CLS]", 0.051, "special"),
            ("analysts", 0.048, "word"),
            ("said", -0.022, "stop"),
        ],
    ),
    (
        "news-0940",
        "Business",
        "Car maker to cut jobs as price of steel climbs\n\nThe firm expects a lower profit.",
        [
            ("maker", 0.203, "word"),
            ("lower", 0.094, "word"),
            ("profit", 0.081, "word"),
            ("price", 0.06, "word"),
        ],
    ),
    (
        "news-1312",
        "Business",
        "Airline lifts its target for the quarter\n\nCheaper fuel helps.",
        [("quarter", 0.142, "word"), ("the", 0.011, "stop")],
    ),
]


OPPONENTS: list[tuple[str, str, str, Words]] = [
    (
        "news-0002",
        "Tech",
        "New handset lets users film in the dark\n\nThe screen is bright, the battery lasts two "
        "days, and its software learns what you like to film.",
        [
            ("handset", -0.498, "word"),
            ("battery", -0.163, "word"),
            ("screen", -0.12, "word"),
            ("new", -0.071, "stop"),
            ("lasts", 0.018, "word"),
        ],
    ),
    (
        "news-0551",
        "Tech",
        "Why software for phones is buggy",
        [("software", -0.262, "word"), ("phone", -0.094, "word")],
    ),
    (
        "news-1788",
        "Tech",
        "Quarter of homes now own a games console, analysts say",
        [("quarter", -0.052, "word"), ("analysts", -0.031, "word")],
    ),
]


def spans(token: str, text: str, kind: str) -> list[list[Any]]:
    if kind == "special":
        return []
    return [["text", *found.span()] for found in re.finditer(re.escape(token), text.lower())]


def word(token: str, value: float, text: str, kind: str = "word") -> dict[str, Any]:
    return {
        "token": token,
        "contribution": value,
        "kind": kind,
        "spans": spans(token, text, kind),
        "query_spans": spans(token, QUERY, kind),
    }


def hit(id: str, label: str, text: str, words: Words) -> dict[str, Any]:
    return {
        "id": id,
        "score": sum(value for _, value, _ in words),
        "label": label,
        "text": text,
        "special_share": 0.054,
        "stop_share": 0.1,
        "words": [word(token, value, text, kind) for token, value, kind in words],
    }

"""Documents as the library makes them, small, with texts of our own."""

from __future__ import annotations

from typing import Any


def word(token: str, value: float, text: str, query: str, kind: str = "word") -> dict[str, Any]:
    def spans(where: str) -> list[list[Any]]:
        at = where.lower().find(token.removeprefix("##"))
        return [] if at < 0 or kind == "special" else [["text", at, at + len(token)]]

    return {
        "token": token,
        "contribution": value,
        "kind": kind,
        "spans": spans(text),
        "query_spans": spans(query),
    }


QUERY = "Phone maker's shares tumble as new handset disappoints"


def hit(id: str, label: str, text: str, words: list[tuple[str, float, str]]) -> dict[str, Any]:
    return {
        "id": id,
        "score": sum(value for _, value, _ in words),
        "label": label,
        "text": text,
        "special_share": 0.25,
        "stop_share": 0.1,
        "words": [word(token, value, text, QUERY, kind) for token, value, kind in words],
    }


def trace() -> dict[str, Any]:
    proponents = [
        hit(
            "a-17",
            "business",
            "Bank shares tumble after a profit warning",
            [("shares", 0.41, "word"), ("tumble", 0.22, "word"), ("[CLS]", 0.05, "special")],
        ),
        hit("a-40", "business", "Car maker to cut jobs", [("maker", 0.2, "word")]),
    ]
    opponents = [
        hit(
            "b-2",
            "tech",
            "New handset lets users film in the dark",
            [("handset", -0.5, "word"), ("new", -0.1, "stop")],
        ),
    ]
    return {
        "format": "wordtrace-trace",
        "version": 1,
        "measure": "tracin-we-topk",
        "top_k": 10,
        "source": "index",
        "examples": 12000,
        "seconds": 0.0123,
        "run": "runs/x",
        "index": "runs/x/index",
        "label_names": ["business", "tech"],
        "queries": [
            {
                "text": QUERY,
                "label": "business",
                "label_source": "given",
                "predicted": "tech",
                "predicted_probability": 0.71,
                "probability": 0.29,
                "special_share": 0.2,
                "stop_share": 0.1,
                "warning": None,
                "words": [word("shares", 0.41, QUERY, QUERY), word("handset", -0.5, QUERY, QUERY)],
                "proponents": proponents,
                "opponents": opponents,
                "baselines": {"bm25": [{"id": "c", "score": 3.2, "label": "tech", "text": "x"}]},
            }
        ],
    }


def estimate(values: list[float]) -> dict[str, Any]:
    return {
        "mean": sum(values) / len(values),
        "low": min(values),
        "high": max(values),
        "values": values,
    }


def verification(shown: bool = True) -> dict[str, Any]:
    change = [0.2, 0.3, 0.4]
    noise = [-0.05, 0.0, 0.02]
    difference = [0.25, 0.3, 0.38] if shown else [-0.1, 0.3, 0.38]

    def control(name: str) -> dict[str, Any]:
        return {
            "name": name,
            "mean": 0.31,
            "values": [0.25, 0.3, 0.32],
            "right": 0,
            "change": estimate(noise),
            "difference": estimate(difference),
            "excludes_zero": shown,
        }

    return {
        "format": "wordtrace-verification",
        "version": 1,
        "run": "runs/x",
        "measure": "tracin-we-topk",
        "remove": "opponents",
        "k": 20,
        "repeats": 3,
        "seeds": [1, 2, 3],
        "retrainings": 12,
        "seconds": 61.0,
        "interval": "95 % bootstrap interval over 3 seeds",
        "queries": [
            {
                "text": QUERY,
                "label": "business",
                "predicted": "tech",
                "probability": 0.29,
                "removed": ["b-2", "b-3"],
                "base": {"mean": 0.3, "values": [0.3, 0.3, 0.3], "right": 0},
                "without": {
                    "mean": 0.6,
                    "values": [0.5, 0.6, 0.7],
                    "right": 3,
                    "change": estimate(change),
                },
                "controls": [control("random"), control("same labels")],
            }
        ],
        "held_out": {
            "rows": 445,
            "base": {"mean": 0.9, "values": [0.9, 0.9, 0.9]},
            "without": {"mean": 0.91, "values": [0.91] * 3, "change": estimate([0.01, 0.0, 0.02])},
            "controls": [],
        },
    }


def mislabels() -> dict[str, Any]:
    row = {
        "rank": 1,
        "id": "m-1",
        "label": "tech",
        "predicted": "business",
        "text": "Shares up",
        "self_influence": 3.25,
        "loss": 2.5,
        "planted": True,
    }
    return {
        "format": "wordtrace-mislabels",
        "version": 1,
        "index": "runs/x/index",
        "by": "self-influence",
        "examples": 1780,
        "rows": [row, {**row, "rank": 2, "id": "m-2", "planted": False}],
        "planted": {
            "count": 53,
            "rows": 1780,
            "checked": 53,
            "found": {"self-influence": 37, "loss": 27, "random (expected)": 1.6},
        },
    }


def run() -> dict[str, Any]:
    return {
        "format": "wordtrace-run",
        "version": 1,
        "name": "runs/x",
        "examples": 1780,
        "held_out": 445,
        "labels": ["business", "tech"],
        "accuracy": 0.91,
        "notes": ["A note."],
    }


def everything() -> list[dict[str, Any]]:
    return [verification(), trace(), run(), mislabels()]

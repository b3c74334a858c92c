"""Documents as the library makes them; the texts are our own."""

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


def trace() -> dict[str, Any]:
    totals: dict[str, list[Any]] = {}
    for _, _, _, words in PROPONENTS + OPPONENTS:
        for token, value, kind in words:
            totals.setdefault(token, [0.0, kind])[0] += value
    return {
        "format": "wordtrace-trace",
        "version": 1,
        "measure": "tracin-we-topk",
        "top_k": 10,
        "source": "index",
        "examples": 1780,
        "seconds": 0.0123,
        "run": "runs/news",
        "index": "runs/news/index",
        "label_names": ["Business", "Tech"],
        "checkpoints": [{"step": 39, "learning_rate": 0.05}],
        "queries": [
            {
                "text": QUERY,
                "label": "Business",
                "label_source": "file",
                "predicted": "Tech",
                "predicted_probability": 0.71,
                "probability": 0.29,
                "special_share": 0.028,
                "stop_share": 0.1,
                "warning": None,
                "words": [
                    word(token, value, QUERY, kind) for token, (value, kind) in totals.items()
                ],
                "proponents": [hit(*one) for one in PROPONENTS],
                "opponents": [hit(*one) for one in OPPONENTS],
                "baselines": {
                    "bm25": [
                        {"id": "news-0733", "score": 31.25, "label": "Tech", "text": "Phones rule"}
                    ]
                },
            }
        ],
    }


def estimate(values: list[float], low: float, high: float) -> dict[str, Any]:
    return {"mean": sum(values) / len(values), "low": low, "high": high, "values": values}


SEEDS = [8, 9, 10, 11, 12, 13, 14, 15]
BASE = [0.31, 0.12, 0.55, 0.08, 0.27, 0.44, 0.19, 0.36]
CHANGE = [0.41, 0.22, 0.19, 0.52, 0.47, 0.08, 0.33, 0.26]
NOISE = {
    "random": [0.03, -0.06, 0.11, 0.02, -0.08, 0.05, 0.09, -0.01],
    "same labels": [0.07, -0.02, 0.15, 0.04, -0.05, 0.11, 0.08, 0.03],
}


def verification(shown: bool = True) -> dict[str, Any]:
    change = CHANGE if shown else [value / 6 for value in CHANGE]

    def control(name: str, noise: list[float]) -> dict[str, Any]:
        difference = [one - other for one, other in zip(change, noise, strict=True)]
        low, high = (0.16, 0.4) if shown else (-0.04, 0.09)
        values = [one + other for one, other in zip(BASE, noise, strict=True)]
        return {
            "name": name,
            "mean": sum(values) / len(values),
            "values": values,
            "right": 2,
            "change": estimate(noise, -0.03, 0.08),
            "difference": estimate(difference, low, high),
            "excludes_zero": shown,
        }

    without = [one + other for one, other in zip(BASE, change, strict=True)]
    held_out = [0.01, 0.0, 0.004, -0.002, 0.0, 0.002, 0.001, 0.001]
    return {
        "format": "wordtrace-verification",
        "version": 1,
        "run": "runs/news",
        "measure": "tracin-we-topk",
        "remove": "opponents",
        "k": 50,
        "repeats": 8,
        "seeds": SEEDS,
        "retrainings": 32,
        "seconds": 120.0,
        "interval": "95 % bootstrap interval over 8 seeds",
        "queries": [
            {
                "text": QUERY,
                "label": "Business",
                "predicted": "Tech",
                "probability": 0.29,
                "removed": [f"news-{number:04}" for number in range(50)],
                "base": {"mean": sum(BASE) / 8, "values": BASE, "right": 1},
                "without": {
                    "mean": sum(without) / 8,
                    "values": without,
                    "right": 6,
                    "change": estimate(change, *((0.21, 0.41) if shown else (0.03, 0.07))),
                },
                "controls": [control(name, noise) for name, noise in NOISE.items()],
            }
        ],
        "held_out": {
            "rows": 445,
            "base": {"mean": 0.9, "values": [0.9] * 8},
            "without": {
                "mean": 0.902,
                "values": [0.9 + value for value in held_out],
                "change": estimate(held_out, -0.001, 0.005),
            },
            "controls": [
                {
                    "name": "random",
                    "mean": 0.899,
                    "values": [0.899] * 8,
                    "change": estimate([-0.001] * 8, -0.002, 0.001),
                }
            ],
        },
    }


def mislabels() -> dict[str, Any]:
    found = [
        ("news-0404", "Tech", "Business", "Shares end higher as oil slips", 3.526, 2.51, True),
        ("news-0071", "Business", "Business", "Small firms fear the new tax", 2.9, 1.2, False),
        ("news-0988", "Business", "Tech", "Browser flaw lets strangers in", 2.214, 3.84, True),
    ]
    names = ("id", "label", "predicted", "text", "self_influence", "loss", "planted")
    return {
        "format": "wordtrace-mislabels",
        "version": 1,
        "index": "runs/news/index",
        "by": "self-influence",
        "examples": 1780,
        "rows": [
            {"rank": rank, **dict(zip(names, one, strict=True))}
            for rank, one in enumerate(found, 1)
        ],
        "planted": {
            "count": 53,
            "rows": 1780,
            "fraction": 0.03,
            "seed": 7,
            "checked": 53,
            "found": {"self-influence": 37, "loss": 27, "random (expected)": 1.6},
        },
    }


def run() -> dict[str, Any]:
    return {
        "format": "wordtrace-run",
        "version": 1,
        "name": "runs/news",
        "examples": 1780,
        "held_out": 445,
        "labels": ["Business", "Tech"],
        "accuracy": 0.91,
        "model": {"kind": "cnn"},
        "checkpoints": [{"step": 39, "learning_rate": 0.05}],
        "notes": ["12 of 1,780 texts are longer than 128 tokens and were cut (--max-length)."],
    }


def cancellation() -> dict[str, Any]:
    rows = [
        ("embedding", "weight", 3906816, 44579.7, 2.2286, 20003.7, 0.0029, 0.0273, -0.0032),
        ("linear", "weight", 50, 77975.5, 2.2809, 34185.9, 0.0191, 0.8835, -0.1992),
        ("linear", "bias", 5, 20238.9, 0.0, None, None, None, None),
        ("attention.key", "bias", 16, 0.0, 0.02, 0.0, None, None, None),
    ]
    names = (
        "layer",
        "part",
        "size",
        "gradients",
        "movement",
        "cancellation",
        "cosine",
        "same_label",
        "different_label",
    )
    return {
        "format": "wordtrace-cancellation",
        "version": 1,
        "run": "runs/news",
        "examples": 2000,
        "training_examples": 10000,
        "steps": [78, 117, 156, 313],
        "parameters": [dict(zip(names, row, strict=True)) for row in rows],
        "left_out": ["normalisation"],
    }


def overlap() -> dict[str, Any]:
    def share(value: float | None) -> dict[str, Any]:
        return {"overlap": value, "chance": 0.01, "pairs": 20}

    def one(measure: str, part: float) -> dict[str, Any]:
        return {
            "measure": measure,
            "saliency": share(part),
            "saliency_proponents": share(part / 2),
            "similarity": share(0.03),
            "similarity_proponents": share(None),
            "recurrence": {
                "pairs": share(part),
                "different_labels": share(part / 3),
                "distinct": 956,
                "distinct_by_chance": 1821.3,
                "most_by_chance": 3.4,
                "examples": [
                    {"id": "news-0002", "count": 15, "label": "Tech", "text": QUERY},
                    {"id": "news-0009", "count": 1, "label": "Tech", "text": QUERY},
                ],
            },
        }

    return {
        "format": "wordtrace-overlap",
        "version": 1,
        "top": 100,
        "queries": 20,
        "examples": 10000,
        "measures": [one("tracin-we-topk", 0.12), one("tracin-last", 0.55)],
        "overlaps": [[1.0, 0.06], [0.06, 1.0]],
        "spearman": [[1.0, None], [None, 1.0]],
        "run": "runs/news",
    }


def words() -> dict[str, Any]:
    def weighed(text: str, label: str) -> dict[str, Any]:
        tokens = ["shares", "tumble"] if "tumble" in text else ["shares"]
        return {
            "text": text,
            "label": label,
            "label_source": "given",
            "predicted": "Tech",
            "predicted_probability": 0.62,
            "probability": 0.31,
            "words": [
                {
                    "token": token,
                    "importance": 3.16 / place,
                    "positions": 1,
                    "special": False,
                    "spans": spans(token, text, "word"),
                }
                for place, token in enumerate(tokens, 1)
            ]
            + [
                {
                    "token": "[CLS]",
                    "importance": 0.8,
                    "positions": 1,
                    "special": True,
                    "spans": [],
                }
            ],
        }

    return {
        "format": "wordtrace-words",
        "version": 1,
        "run": "runs/news",
        "step": 313,
        "checkpoints": [{"step": 78, "learning_rate": 0.1}],
        "max_length": 64,
        "truncated": 1,
        "texts": [weighed(QUERY, "Business"), weighed("Shares fall", "Tech")],
        "similarity": {
            "score": -0.0222,
            "special_share": 0.2,
            "words": [
                {
                    "token": "shares",
                    "similarity": -0.0182,
                    "cosine": -0.64,
                    "special": False,
                    "spans": spans("shares", QUERY, "word"),
                    "other_spans": [["text", 0, 6]],
                },
                {
                    "token": "[CLS]",
                    "similarity": -0.004,
                    "cosine": None,
                    "special": True,
                    "spans": [],
                    "other_spans": [],
                },
            ],
        },
    }


def measures() -> dict[str, Any]:
    return {
        "format": "wordtrace-measures",
        "version": 1,
        "measures": [
            {
                "name": "random",
                "equation": "~ N(0, 1)",
                "needs": "",
                "cost": "none",
                "by_word": False,
            },
            {"name": "tracin-we", "equation": "Eq. 4", "needs": "x", "cost": "c", "by_word": True},
        ],
    }


def everything() -> list[dict[str, Any]]:
    """All kinds, in the wrong order."""
    return [
        words(),
        verification(),
        overlap(),
        trace(),
        measures(),
        run(),
        mislabels(),
        cancellation(),
    ]

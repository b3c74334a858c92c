"""Documents of analyses as the library makes them."""

from __future__ import annotations

from typing import Any

from tests.report.sample_texts import QUERY, spans


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


def rows() -> dict[str, Any]:
    """Two of three rows that match."""
    return {
        "format": "wordtrace-rows",
        "version": 1,
        "index": "runs/news/index",
        "filters": {"q": "shares", "right": False},
        "sort": "suspicion",
        "descending": True,
        "total": 1781,
        "matching": 3,
        "offset": 0,
        "rows": [
            {
                "row": 7,
                "id": "news-7",
                "text": "A phone maker's shares fall",
                "label": "Business",
                "predicted": "Tech",
                "right": False,
                "suspicion": 12.3456,
                "loss": 2.5,
                "self_influence": 1.25,
                "cut": False,
            },
            {
                "row": 9,
                "id": "news-9",
                "text": "Shares fall",
                "label": "Business",
                "predicted": "Business",
                "right": True,
                "suspicion": 3.0,
                "loss": 0.00123,
                "self_influence": 0.5,
                "cut": False,
            },
        ],
    }

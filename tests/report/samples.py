"""Documents as the library makes them; the texts are our own."""

from __future__ import annotations

from typing import Any

from tests.report import analysis_samples
from tests.report.analysis_samples import cancellation, measures, overlap
from tests.report.sample_texts import OPPONENTS, PROPONENTS, QUERY, hit, word

words = analysis_samples.words
rows = analysis_samples.rows


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


def everything() -> list[dict[str, Any]]:
    """All kinds, in the wrong order."""
    return [
        words(),
        verification(),
        overlap(),
        trace(),
        measures(),
        rows(),
        run(),
        mislabels(),
        cancellation(),
    ]

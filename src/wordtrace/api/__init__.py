"""The library's front door: what the command line does, in Python, with the same names.

The names below are imported when first used: what only asks an index need not load what trains.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__all__ = [
    "Evaluation",
    "Examples",
    "Index",
    "Options",
    "Recipe",
    "Run",
    "ScoreMatrix",
    "Settings",
    "Trace",
    "Verification",
    "build_index",
    "calibrate",
    "estimate_index",
    "evaluate",
    "influence",
    "load",
    "read_chat",
    "read_dialogues",
    "read_examples",
    "read_trace",
    "record",
    "scores",
    "train",
    "verify",
]

if TYPE_CHECKING:
    from wordtrace.adopt.record import record
    from wordtrace.api.building import build_index
    from wordtrace.api.evaluation import evaluate
    from wordtrace.api.index import Index
    from wordtrace.api.loading import load
    from wordtrace.api.matrix import ScoreMatrix, influence, scores
    from wordtrace.api.proof import verify
    from wordtrace.api.sizing import calibrate, estimate_index
    from wordtrace.api.training import train
    from wordtrace.data.chat_files import read_chat
    from wordtrace.data.examples import Examples
    from wordtrace.data.readers import read_dialogues, read_examples
    from wordtrace.evaluation.result import Evaluation
    from wordtrace.explain.reading import read_trace
    from wordtrace.explain.trace import Trace
    from wordtrace.measures.options import Options
    from wordtrace.run.recipe import Recipe
    from wordtrace.run.run import Run
    from wordtrace.training.settings import Settings
    from wordtrace.verification.result import Verification

#: Where each name comes from.
_MODULES = {
    "Evaluation": "wordtrace.evaluation.result",
    "Examples": "wordtrace.data.examples",
    "Index": "wordtrace.api.index",
    "Options": "wordtrace.measures.options",
    "Recipe": "wordtrace.run.recipe",
    "Run": "wordtrace.run.run",
    "ScoreMatrix": "wordtrace.api.matrix",
    "Settings": "wordtrace.training.settings",
    "Trace": "wordtrace.explain.trace",
    "Verification": "wordtrace.verification.result",
    "build_index": "wordtrace.api.building",
    "calibrate": "wordtrace.api.sizing",
    "estimate_index": "wordtrace.api.sizing",
    "evaluate": "wordtrace.api.evaluation",
    "influence": "wordtrace.api.matrix",
    "load": "wordtrace.api.loading",
    "read_chat": "wordtrace.data.chat_files",
    "read_dialogues": "wordtrace.data.readers",
    "read_examples": "wordtrace.data.readers",
    "read_trace": "wordtrace.explain.reading",
    "record": "wordtrace.adopt.record",
    "scores": "wordtrace.api.matrix",
    "train": "wordtrace.api.training",
    "verify": "wordtrace.api.proof",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(importlib.import_module(_MODULES[name]), name)
    return value


def __dir__() -> list[str]:
    return sorted(__all__)

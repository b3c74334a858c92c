"""The library's front door: what the command line does, in Python, with the same names."""

from __future__ import annotations

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

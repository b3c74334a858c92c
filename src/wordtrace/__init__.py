"""wordtrace: which training examples, and which words in them, made the model predict that.

The names below are imported when first used, so that ``import wordtrace`` costs nothing.
"""

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

__all__ = [
    "Command",
    "Evaluation",
    "Examples",
    "FromCheckpoint",
    "Function",
    "Index",
    "Options",
    "Patch",
    "Plan",
    "Recipe",
    "Replay",
    "Review",
    "Run",
    "ScoreMatrix",
    "Settings",
    "TailPatch",
    "Trace",
    "TraceCallback",
    "Verification",
    "WordtraceError",
    "apply_patch",
    "build_index",
    "calibrate",
    "cancellation",
    "clusters",
    "connect",
    "estimate_index",
    "evaluate",
    "influence",
    "load",
    "measures",
    "overlap",
    "plan",
    "read_examples",
    "read_patch",
    "read_trace",
    "record",
    "scores",
    "train",
    "verify",
    "words",
]

if TYPE_CHECKING:
    from wordtrace import plots as plots
    from wordtrace.act.apply import apply_patch
    from wordtrace.act.clusters import clusters
    from wordtrace.act.patch import Patch, read_patch
    from wordtrace.act.review import Review
    from wordtrace.adopt.callback import TraceCallback
    from wordtrace.analysis.cancellation import cancellation
    from wordtrace.analysis.overlap import overlap
    from wordtrace.analysis.words import words
    from wordtrace.api import (
        Evaluation,
        Examples,
        Index,
        Recipe,
        Run,
        Settings,
        Trace,
        Verification,
        build_index,
        calibrate,
        estimate_index,
        evaluate,
        influence,
        load,
        read_examples,
        read_trace,
        record,
        train,
        verify,
    )
    from wordtrace.api.matrix import ScoreMatrix, scores
    from wordtrace.app.client import connect
    from wordtrace.errors import WordtraceError
    from wordtrace.measures.catalogue import measures
    from wordtrace.measures.options import Options
    from wordtrace.retrainers.command import Command
    from wordtrace.retrainers.function import Function
    from wordtrace.retrainers.partial import FromCheckpoint, TailPatch
    from wordtrace.retrainers.replay import Replay
    from wordtrace.verification.plan import Plan, plan


#: Where a name comes from that is not in wordtrace.api.
_MODULES = {
    "FromCheckpoint": "wordtrace.retrainers.partial",
    "TailPatch": "wordtrace.retrainers.partial",
    "TraceCallback": "wordtrace.adopt.callback",
    "Options": "wordtrace.measures.options",
    "WordtraceError": "wordtrace.errors",
    "Patch": "wordtrace.act.patch",
    "apply_patch": "wordtrace.act.apply",
    "cancellation": "wordtrace.analysis.cancellation",
    "clusters": "wordtrace.act.clusters",
    "connect": "wordtrace.app.client",
    "measures": "wordtrace.measures.catalogue",
    "overlap": "wordtrace.analysis.overlap",
    "read_patch": "wordtrace.act.patch",
    "words": "wordtrace.analysis.words",
    "Command": "wordtrace.retrainers.command",
    "Function": "wordtrace.retrainers.function",
    "Plan": "wordtrace.verification.plan",
    "plan": "wordtrace.verification.plan",
    "Replay": "wordtrace.retrainers.replay",
    "Review": "wordtrace.act.review",
}


def __getattr__(name: str) -> Any:
    if name == "plots":
        import importlib

        return importlib.import_module("wordtrace.plots")
    if name not in __all__:
        raise AttributeError(f"module 'wordtrace' has no attribute {name!r}")
    import importlib

    value = getattr(importlib.import_module(_MODULES.get(name, "wordtrace.api")), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)

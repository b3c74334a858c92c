"""wordtrace: which training examples, and which words in them, made the model predict that.

The names below are imported when first used, so that ``import wordtrace`` costs nothing.
"""

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

__all__ = [
    "Examples",
    "Index",
    "Recipe",
    "Run",
    "Settings",
    "Trace",
    "Verification",
    "WordtraceError",
    "build_index",
    "calibrate",
    "estimate_index",
    "influence",
    "overlap",
    "read_examples",
    "read_trace",
    "train",
    "verify",
    "words",
]

if TYPE_CHECKING:
    from wordtrace.analysis.overlap import overlap
    from wordtrace.analysis.words import words
    from wordtrace.api import (
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
        influence,
        read_examples,
        read_trace,
        train,
        verify,
    )
    from wordtrace.errors import WordtraceError


#: Where a name comes from that is not in wordtrace.api.
_MODULES = {
    "WordtraceError": "wordtrace.errors",
    "overlap": "wordtrace.analysis.overlap",
    "words": "wordtrace.analysis.words",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'wordtrace' has no attribute {name!r}")
    import importlib

    value = getattr(importlib.import_module(_MODULES.get(name, "wordtrace.api")), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)

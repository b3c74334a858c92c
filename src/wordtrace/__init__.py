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
    "influence",
    "read_examples",
    "read_trace",
    "train",
    "verify",
]

if TYPE_CHECKING:
    from wordtrace.api import (
        Examples,
        Index,
        Recipe,
        Run,
        Settings,
        Trace,
        Verification,
        build_index,
        influence,
        read_examples,
        read_trace,
        train,
        verify,
    )
    from wordtrace.errors import WordtraceError


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'wordtrace' has no attribute {name!r}")
    import importlib

    module = "wordtrace.errors" if name == "WordtraceError" else "wordtrace.api"
    value = getattr(importlib.import_module(module), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)

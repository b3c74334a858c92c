"""Optional libraries, imported when they are needed."""

from __future__ import annotations

import importlib
from typing import Any

from wordtrace.errors import InputError


def library(name: str) -> Any:
    """Import transformers or peft, or say how to install it (InputError)."""
    try:
        return importlib.import_module(name)
    except ImportError:
        raise InputError(
            f"this needs {name}: pip install 'wordtrace[{'lora' if name == 'peft' else 'hf'}]'."
        ) from None


def first_line(error: Exception) -> str:
    """Return what an error of another library says, in one line."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300]

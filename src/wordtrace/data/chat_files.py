"""A file of conversations to ask about: one, a list of them, or one a line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from wordtrace.errors import DataError


def read_chat(path: Path) -> list[Any]:
    """Read the conversations of a JSON or JSON lines file.

    Returns
    -------
    list
        Objects with messages, lists of messages, or questions; what is in them is not checked.

    Raises
    ------
    DataError
        When the file can't be read, is no JSON, or holds none.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise DataError(f"{path} can't be read ({error.strerror or error}).") from None
    except UnicodeDecodeError:
        raise DataError(f"{path} is not UTF-8; write it anew as UTF-8.") from None
    try:
        found = json.loads(text)
    except RecursionError:
        raise DataError(f"{path}: JSON nested too deeply.") from None
    except ValueError:
        return _lines(text, path)
    if isinstance(found, list) and not _is_messages(found):
        if not found:
            raise DataError(f"{path} holds no conversation; give at least one.")
        return found
    return [found]


def _lines(text: str, path: Path) -> list[Any]:
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            found.append(json.loads(line))
        except (ValueError, RecursionError) as error:
            raise DataError(
                f"{path}, line {number}: this is no JSON ({error}); give one conversation, a list "
                "of them, or one a line."
            ) from None
    if not found:
        raise DataError(f"{path} is empty; give a conversation, {{'messages': […]}}.")
    return found


def _is_messages(found: list[Any]) -> bool:
    return bool(found) and all(
        isinstance(one, dict) and ("role" in one or "from" in one) for one in found
    )

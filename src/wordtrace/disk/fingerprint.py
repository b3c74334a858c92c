"""Content hashes: the same content has the same fingerprint, wherever it lies."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from wordtrace.errors import MismatchError

_CHUNK = 1 << 22


def of_file(path: Path) -> str:
    """Return the BLAKE2b-160 of a file's bytes as 40 hex digits."""
    digest = hashlib.blake2b(digest_size=20)
    with open(path, "rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def of_document(document: Mapping[str, Any]) -> str:
    """Return the BLAKE2b-160 of a JSON document, whatever the order of its keys."""
    text = json.dumps(document, sort_keys=True, ensure_ascii=True, allow_nan=False)
    return hashlib.blake2b(text.encode(), digest_size=20).hexdigest()


def require_same(
    recorded: Mapping[str, Any], wanted: Mapping[str, Any], where: str, remedy: str
) -> None:
    """Compare two settings key by key and name the first that differs, with both values.

    A fingerprint says nothing to people, so none is shown.

    Raises
    ------
    MismatchError
        "`where` was made with KEY = A, now KEY = B; `remedy`", or "with another KEY".
    """
    for key in sorted({*recorded, *wanted}):
        old, new = recorded.get(key), wanted.get(key)
        if old == new:
            continue
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            require_same(old, new, where, remedy)
        name, values = key.replace("_", " "), [json.dumps(old), json.dumps(new)]
        if any(map(_FINGERPRINT.search, values)):
            name = name.removesuffix(" fingerprint")
            raise MismatchError(f"{where} was made with another {name}; {remedy}.")
        raise MismatchError(
            f"{where} was made with {name} = {values[0]}, now it is {values[1]}; {remedy}."
        )


_FINGERPRINT = re.compile('"[0-9a-f]{40}"')

"""The version of a document on disk: what this program can read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from wordtrace.errors import CorruptError


def check_format(manifest: Mapping[str, Any], name: str, version: int, path: Path) -> None:
    """Refuse a manifest of another kind or of a newer version (CorruptError)."""
    if manifest.get("format") != name:
        raise CorruptError(f"{path} is not a {name} manifest (format {manifest.get('format')!r}).")
    if not isinstance(manifest.get("version"), int) or manifest["version"] > version:
        raise CorruptError(
            f"{path} has format version {manifest.get('version')}, this wordtrace reads up to "
            f"{version}; install a newer wordtrace."
        )

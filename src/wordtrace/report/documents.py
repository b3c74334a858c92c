"""Which documents can be shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wordtrace.errors import InputError

#: Newest version of each format that this code can show, in the order of a page.
FORMATS = {
    "wordtrace-run": 1,
    "wordtrace-mislabels": 1,
    "wordtrace-trace": 1,
    "wordtrace-verification": 1,
}


def kind_of(document: Mapping[str, Any]) -> str:
    """Return a document's format.

    Raises
    ------
    InputError
        When it is not one of ours, or of a newer version.
    """
    kind, version = document.get("format"), document.get("version")
    if kind not in FORMATS:
        raise InputError(
            f"this document (format {str(kind)[:40]!r}) is not a result of wordtrace; "
            "give what trace, verify or mislabels wrote."
        )
    if not isinstance(version, int) or version > FORMATS[kind]:
        raise InputError(
            f"this {kind} document is of version {str(version)[:20]}, newer than this wordtrace "
            f"can show ({FORMATS[kind]}); install a newer wordtrace."
        )
    return str(kind)

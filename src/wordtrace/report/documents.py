"""Which documents can be shown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from wordtrace.errors import InputError
from wordtrace.report.text import clean

#: Newest version of each format that this code can show, in the order of a page.
FORMATS = {
    "wordtrace-run": 1,
    "wordtrace-cancellation": 1,
    "wordtrace-mislabels": 1,
    "wordtrace-clusters": 1,
    "wordtrace-duplicates": 1,
    "wordtrace-outliers": 1,
    "wordtrace-overlap": 1,
    "wordtrace-trace": 1,
    "wordtrace-verification": 1,
    "wordtrace-fix": 1,
    "wordtrace-evaluation": 2,
    "wordtrace-words": 1,
    "wordtrace-measures": 1,
    "wordtrace-rows": 1,
}


def kind_of(document: Mapping[str, Any]) -> str:
    """Return a document's format.

    Raises
    ------
    InputError
        When it is not one of ours, or of a newer version.
    """
    if not isinstance(document, Mapping):
        raise InputError(
            "this document is not a JSON object, so not a result of wordtrace; "
            "give what `wordtrace … --out FILE` wrote."
        )
    kind, version = document.get("format"), document.get("version")
    if not isinstance(kind, str) or kind not in FORMATS:
        raise InputError(
            f"this document (format {clean(str(kind))[:40]!r}) is not a result of wordtrace "
            "that can be shown; give what `wordtrace … --out FILE` wrote."
        )
    if not isinstance(version, int) or version > FORMATS[kind]:
        raise InputError(
            f"this {kind} document is of version {clean(str(version))[:20]}, newer than this "
            f"wordtrace can show ({FORMATS[kind]}); install a newer wordtrace."
        )
    return kind


@contextmanager
def whole(*faults: type[Exception]) -> Iterator[None]:
    """Turn what a missing or misshapen field raises into one sentence (InputError)."""
    expected: tuple[type[Exception], ...] = (LookupError, TypeError, ValueError, AttributeError)
    expected += faults
    try:
        yield
    except expected as error:
        raise InputError(
            f"this document lacks something or holds it in another form ({clean(str(error))[:80]});"
            " make it again."
        ) from error

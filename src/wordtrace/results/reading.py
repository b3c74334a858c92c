"""Results read back from the JSON files that they were saved to."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, TypeVar

from wordtrace.disk import atomic
from wordtrace.errors import InputError, option
from wordtrace.report.sections import sections_of
from wordtrace.report.text import clean
from wordtrace.results.place import check_saved
from wordtrace.results.result import Result

Kind = TypeVar("Kind", bound=Result)

_FAULTS = (LookupError, TypeError, ValueError, AttributeError)


def read_result(path: str | Path, kinds: Collection[type[Kind]]) -> Kind:
    """Read a result of one of several kinds from a JSON file; see :func:`result_of`.

    Raises
    ------
    InputError
        When the file is missing, or holds no such result.
    CorruptError
        When the file is not JSON.
    """
    file = Path(path)
    check_saved(file)
    return result_of(atomic.read_json(file), kinds, str(file))


def result_of(document: Mapping[str, Any], kinds: Collection[type[Kind]], where: str) -> Kind:
    """Return the result that a document holds; its "format" says which of several kinds it is.

    Parameters
    ----------
    where
        Where the document was found, for messages.

    Raises
    ------
    InputError
        When it is no result of these kinds, one of a newer version, or one that is not whole.
    """
    by_format = {kind.format: kind for kind in kinds}
    name = document.get("format")
    kind = by_format.get(name) if isinstance(name, str) else None
    if kind is None:
        (wanted,) = {one.noun for one in kinds} if len(kinds) == 1 else {"a result of wordtrace"}
        raise InputError(
            f"{where} (format {clean(str(name))[:40]!r}) is not {wanted}; give what `save` or a "
            f"command's {option('out')} wrote as .json."
        )
    version = document.get("version")
    if not isinstance(version, int) or version > kind.version:
        raise InputError(
            f"{where} is {kind.noun} of version {clean(str(version))[:20]}; this "
            f"wordtrace reads up to {kind.version}: install a newer one."
        )
    try:
        found = kind.from_document(document)
        sections_of([document])  # what can't be shown is not whole, either
        return found
    except (*_FAULTS, InputError) as error:
        _, noun = kind.noun.split(" ", 1)
        fault = f"lacks {error}" if isinstance(error, KeyError) else str(error)
        raise InputError(
            f"{where} is not a whole {noun} ({clean(fault, newlines=False)[:120]}); make it again."
        ) from error

"""Data sets of the Hugging Face hub, by name; none of their code is run."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies

from wordtrace.errors import DataError

# NAME or OWNER/NAME, then :CONFIGURATION, then @REVISION.
_NAME = re.compile(
    r"(?P<name>[A-Za-z0-9][\w.-]*(?:/[A-Za-z0-9][\w.-]*)?)"
    r"(?::(?P<config>[\w.+-]+))?(?:@(?P<revision>[\w.-]+))?"
)
_FILES = re.compile(r".*\.(csv|tsv|jsonl?|ndjson|parquet|txt|gz|zip|arrow|xlsx?)", re.IGNORECASE)
_SECONDS = 10


def may_be_hub_name(name: str) -> bool:
    """Tell whether a name that is not a path could be a data set on the hub."""
    return _NAME.fullmatch(name) is not None and _FILES.fullmatch(name) is None


def load(name: str, split: str | None) -> Any:
    """Fetch a data set, or take it from the cache of an earlier time.

    Parameters
    ----------
    name
        ``ag_news``, ``nyu-mll/glue:mnli`` (a configuration), ``ag_news@REVISION``.
    split
        As ``datasets`` reads it, ``train[:1000]`` too; None for all, a ``DatasetDict``.

    Raises
    ------
    DataError
        One sentence: no such data set, no network, a split or configuration to be named, or a data
        set that is a program.
    """
    parts = _NAME.fullmatch(name)
    assert parts is not None
    try:
        import datasets
    except ImportError:
        raise DataError(
            f"{name} is no file here; to look for a data set of that name on the Hugging Face hub "
            "the package `datasets` is needed: pip install 'wordtrace[hf]'."
        ) from None
    try:
        with _offline_unless_reachable(datasets):
            # Version 4 of the package has no way left to run a data set's own program.
            return datasets.load_dataset(
                parts["name"], parts["config"], split=split, revision=parts["revision"]
            )
    except datasets.exceptions.DatasetNotFoundError as error:
        raise DataError(
            f"{name} is no file here, and the Hugging Face hub gives no such data set "
            f"({_first_line(error)}); private and gated ones need `hf auth login`."
        ) from None
    except ConnectionError:
        raise DataError(
            f"{name} is no file here, and to look for a data set of that name the Hugging Face hub "
            "can't be reached; give a file, or ask again with network."
        ) from None
    except Exception as error:  # the library raises many kinds
        raise DataError(_said(name, error)) from None


def _said(name: str, error: Exception) -> str:
    said = _first_line(error)
    if "scripts are no longer supported" in said:
        return (
            f"{name} on the Hugging Face hub is a program that makes the data, which is not run; "
            "give the data as a file."
        )
    if "config name is missing" in said.lower():
        known = ", ".join(re.findall(r"'([^']+)'", str(error))[:20])
        return f"{name} has several configurations ({known}); name one: {name}:CONFIGURATION."
    return f"{name} of the Hugging Face hub can't be read: {said[:300]}"


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


@contextmanager
def _offline_unless_reachable(datasets: Any) -> Iterator[None]:
    """Spare a user without network the many tries of the library: look into its cache at once."""
    before = datasets.config.HF_HUB_OFFLINE
    datasets.config.HF_HUB_OFFLINE = before or not _reachable()
    try:
        yield
    finally:
        datasets.config.HF_HUB_OFFLINE = before


def _reachable() -> bool:
    from huggingface_hub import constants

    address = urlsplit(constants.ENDPOINT)
    if getproxies():
        return True  # the proxy knows
    port = address.port or (80 if address.scheme == "http" else 443)
    try:
        socket.create_connection((address.hostname or "", port), _SECONDS).close()
    except OSError:
        return False
    return True

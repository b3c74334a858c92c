"""The connection to a Ray cluster, shared by all that use it in this process."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from wordtrace.errors import InputError, WordtraceError, option
from wordtrace.execute.processes import cores

# Results are small documents; what is big goes into files. Ray would set aside 30 % of the memory.
_STORE = 128 << 20

_UNREACHED = (
    "no Ray cluster answers at {} ({}); start one with `ray start --head` and give its "
    f"{option('address')}."
)

# How many users the connection made here has; the last one to leave ends it.
_holders = 0


@contextmanager
def connected(address: str | None, workers: int | None) -> Iterator[Any]:
    """Yield a connected ``ray``; a cluster that was started here ends here.

    Parameters
    ----------
    address
        The address of a running cluster. None takes the one that Ray finds (``RAY_ADDRESS``), else
        starts one on this machine for the time of the connection.
    workers
        The cores of a cluster that is started here; by default all.

    Raises
    ------
    InputError
        When Ray is not installed or the cluster can't be reached.
    """
    global _holders
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
    except ImportError:
        raise InputError(
            "the executor ray needs Ray: install it with `pip install 'wordtrace[ray]'`."
        ) from None
    if ray.is_initialized() and not _holders:
        yield ray  # the caller's own: not ours to end
        return
    if not ray.is_initialized():
        _connect(ray, address or os.environ.get("RAY_ADDRESS"), workers)
    _holders += 1
    try:
        yield ray
    finally:
        _holders -= 1
        if not _holders:
            ray.shutdown()


def result_of(ray: Any, reference: Any, lost: str) -> Any:
    """Wait for a result, or for some; a task's own error comes through.

    Parameters
    ----------
    lost
        The message of the WordtraceError if the worker or its machine died for good; ``{}`` stands
        for Ray's name of the failure.
    """
    try:
        return ray.get(reference)
    except ray.exceptions.RayTaskError as error:
        if isinstance(error.cause, WordtraceError):
            raise error.cause from None
        raise
    except ray.exceptions.RayError as error:
        raise WordtraceError(lost.format(type(error).__name__)) from None


def _connect(ray: Any, given: str | None, workers: int | None) -> None:
    own: dict[str, Any] = {
        "num_cpus": workers or cores(),
        "object_store_memory": _STORE,
        "include_dashboard": False,
    }
    _knock(given)
    try:
        ray.init(
            address=given or "local",
            log_to_driver=False,
            configure_logging=False,
            **({} if given else own),
        )
    except (ConnectionError, ValueError, RuntimeError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else "no answer"
        if "AuthenticationError" in f"{error} {error.__cause__}":
            reason = "it wants a token: set RAY_AUTH_MODE=token and RAY_AUTH_TOKEN as it was given"
        raise InputError(_UNREACHED.format(given or "this machine", reason)) from None


def _knock(address: str | None) -> None:
    """Refuse an address where nothing listens (InputError): Ray itself would ask for minutes."""
    host, colon, port = (address or "").removeprefix("ray://").rpartition(":")
    if colon and port.isdecimal():
        try:
            socket.create_connection((host.strip("[]"), int(port)), timeout=10).close()
        except OSError as error:
            raise InputError(_UNREACHED.format(address, error.strerror or error)) from None

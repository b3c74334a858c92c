"""Questions that schemathesis makes up from the server's own description of itself."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from contextlib import suppress
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from torture.attempts import Attempt
from torture.served import Answer, Served

#: What would train models for as long as it is asked to: its hostile bodies are in ``server.py``.
_LEFT_OUT = {("POST", "/api/proofs"), ("POST", "/api/proofs/{number}")}


def attacks(server: Served, *, examples: int, seed: int) -> Iterator[Attempt]:
    """Yield what came of questions that fit the description of a route, and of others.

    Parameters
    ----------
    examples
        How many of each kind are asked of each route.
    """
    if find_spec("schemathesis") is None:
        print(
            "server: no questions are made up: schemathesis is not installed "
            "(pip install -e '.[torture]').",
            file=sys.stderr,
        )
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield from _asked(server, examples, seed)


def _asked(server: Served, examples: int, seed: int) -> Iterator[Attempt]:
    schemathesis: Any = import_module("schemathesis")
    schema = schemathesis.openapi.from_dict(server.ask("GET", "/api/openapi.json").json())
    for found in schema.get_all_operations():
        operation = found.ok()
        if (operation.method.upper(), operation.path) in _LEFT_OUT:
            continue
        for mode in schemathesis.GenerationMode:
            yield from _route(server, operation, mode, examples, seed)


def _route(
    server: Served, operation: Any, mode: Any, examples: int, seed: int
) -> Iterator[Attempt]:
    from hypothesis import HealthCheck, Phase, given, settings
    from hypothesis import seed as seeded
    from hypothesis.errors import HypothesisException

    told: list[Attempt] = []
    name = f"{operation.method.upper()} {operation.path}"

    @seeded(seed)
    @settings(
        max_examples=examples,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(operation.as_strategy(generation_mode=mode))
    def ask(case: Any) -> None:
        given = case.headers or {}
        case.headers = {
            **given,
            **({"Authorization": f"Bearer {server.token}"} if server.token else {}),
        }
        answer = case.call(base_url=server.address, timeout=120)
        held = Answer(answer.status_code, answer.content, {})
        what = f"{name} {case.path_parameters} {case.query} {case.body!r}"
        told.append(judged(f"{mode.value} questions by the description", what, held))

    # A route without anything to get wrong has no such questions.
    with suppress(HypothesisException):
        ask()
    yield from told


def judged(group: str, what: str, answer: Answer, *allowed: int) -> Attempt:
    """Return how a question ended: answered, or refused with one sentence; never a failure.

    Parameters
    ----------
    allowed
        Which statuses are right; any that is no failure by default.
    """
    what = ascii(what)[:160]
    if answer.status >= 500:
        return Attempt(group, what, "crashed", ascii(answer)[:300])
    if allowed and answer.status not in allowed:
        return Attempt(group, what, "wrong", ascii(answer)[:300])
    if answer.status < 400:
        return Attempt(group, what, "right")
    said = answer.sentence
    if said is None or "\n" in said or "Traceback" in said:
        return Attempt(group, what, "wrong", ascii(answer)[:300])
    return Attempt(group, what, "refused")

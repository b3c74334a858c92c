"""Many clients at once, and many questions one after another."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from torture.attempts import Attempt
from torture.served import Served
from torture.world import COMMON, WORDS

#: Bytes by which a server may grow while it answers the same questions again.
_GROWTH = 48 << 20


def attacks(server: Served, *, short: bool) -> Iterator[Attempt]:
    """Yield what came of a crowd, and of a row of the largest questions."""
    questions = _questions()
    alone = [_asked(server, one) for one in questions]
    count = 40 if short else 200
    with ThreadPoolExecutor(count) as crowd:
        same = list(crowd.map(lambda _: _asked(server, questions[0]), range(count)))
        numbers = [number % len(questions) for number in range(count)]
        others = list(crowd.map(lambda number: _asked(server, questions[number]), numbers))
    for found in same:
        yield _equal("the same question at once", questions[0], found, alone[0])
    for number, found in zip(numbers, others, strict=True):
        yield _equal("different questions at once", questions[number], found, alone[number])
    yield _grows(server, rounds=2 if short else 8)


def _questions() -> list[tuple[str, str, Any]]:
    """Return questions of all kinds that only read."""
    texts = [f"{one} {COMMON[0]} {two}" for one, two in zip(*list(WORDS.values())[:2], strict=True)]
    found: list[tuple[str, str, Any]] = [
        ("POST", "/api/traces", {"texts": [text], "words": True, "top": 5}) for text in texts
    ]
    found += [("POST", "/api/trace", {"text": text}) for text in texts[:3]]
    found += [("GET", f"/api/rows/{number}", None) for number in range(5)]
    found += [("GET", f"/api/rows?limit=10&sort=loss&q={one}", None) for one in COMMON[:3]]
    found += [("GET", path, None) for path in ("/api/suspects?top=5", "/api/groups/duplicates")]
    return [*found, ("POST", "/api/mislabels", {"top": 5}), ("GET", "/api/index", None)]


def _asked(server: Served, question: tuple[str, str, Any]) -> Any:
    answer = server.ask(*question)
    return answer.status, _lasting(answer.json())


def _lasting(found: Any) -> Any:
    """Return an answer without how long it took."""
    if isinstance(found, list):
        return [_lasting(one) for one in found]
    if isinstance(found, dict):
        return {name: _lasting(one) for name, one in found.items() if name != "seconds"}
    # A sentence says it, too.
    return (
        re.sub(r" scored in [^.]*(\.\d+[^.]*)?\.", " scored.", found)
        if isinstance(found, str)
        else found
    )


def _equal(group: str, question: tuple[str, str, Any], found: Any, alone: Any) -> Attempt:
    same = found == alone and found[0] == 200
    what = f"{question[0]} {question[1]} {question[2] or ''}"
    return Attempt(group, what, "right" if same else "wrong", "" if same else ascii(found)[:300])


def _grows(server: Served, rounds: int) -> Attempt:
    """The largest questions, again and again: after the first round the memory stays."""
    texts = [f"{word} {number}" for number in range(50) for word in ("bank", "goal")]
    held = []
    for _ in range(rounds):
        for _ in range(3):
            server.ask("POST", "/api/traces", {"texts": texts, "top": 5})
            server.ask(
                "POST", "/api/trace", b" " * (15 << 20), {"Content-Type": "application/json"}
            )
        held.append(server.memory())
    grown = held[-1] - held[0]
    detail = f"{[one >> 20 for one in held]} MB"
    return Attempt("memory", f"{rounds} rounds", "wrong" if grown > _GROWTH else "right", detail)

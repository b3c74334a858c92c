"""The server of an index, asked by whoever wishes it ill."""

from __future__ import annotations

from collections.abc import Iterator

from torture import server_api, server_crowd, server_questions, server_wire
from torture.attempts import Attempt, Plan
from torture.served import Served, served
from torture.world import make_world

TITLE = "The server"
PROMISE = """\
The server answers, or refuses with a status and one sentence, whatever it is asked; it never gives
a file that is not its page's, and answers nobody but its own pages and programs of this machine or
with its token. A question may hold 16 MB. What is no HTTP at all is refused in plain text by the
HTTP library. Not promised: an answer in time to everybody where hundreds ask for much at once,
since all share the machine's processors; patience with more half-sent questions than the process
may have open files, since each holds a connection for as long as it likes (a proxy in front of the
server ends such); and protection from somebody on this machine who has the user's own rights.
The routes come from the server's own description, `/api/openapi.json`."""

TOKEN = "a-token-of-torture"


def attacks(plan: Plan) -> Iterator[Attempt]:
    """Yield the attempts."""
    world = make_world(plan.work / "world")
    with served(world.index, token=TOKEN) as server:
        before = _known(server)
        yield from server_questions.attacks(server, short=plan.short)
        yield from server_wire.attacks(server, short=plan.short)
        yield from server_crowd.attacks(server, short=plan.short)
        yield from server_api.attacks(server, examples=2 if plan.short else 60, seed=plan.seed)
        yield _still_right(server, before)
        yield _log(server)
    with served(world.copy(plan.work / "app").index, "app", "--no-browser") as server:
        before = _known(server)
        yield from server_questions.strangers(server)
        if not plan.short:
            yield from server_api.attacks(server, examples=20, seed=plan.seed + 1)
        yield _still_right(server, before)
        yield _log(server)


def _known(server: Served) -> object:
    answer = server.ask("POST", "/api/traces", {"texts": ["the bank and the coach"], "words": True})
    return {**answer.json(), "seconds": 0}


def _still_right(server: Served, before: object) -> Attempt:
    same = _known(server) == before
    return Attempt("afterwards", "the answer of before", "right" if same else "wrong")


def _log(server: Served) -> Attempt:
    said = server.said()
    fault = "Traceback" in said
    detail = ascii(said[max(0, said.find("Traceback") - 100) :])[:1500] if fault else ""
    return Attempt(
        "afterwards", "the log has no traceback", "crashed" if fault else "right", detail
    )

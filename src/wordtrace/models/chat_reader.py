"""From the text that a chat template writes back to the messages that it was written from.

What the template puts before, between and after messages is learnt from probes: conversations of
every pair of roles, whose contents are words that stand nowhere else. A text is then cut at what
was learnt, and the messages count as found only if the template writes the same text of them.
"""

from __future__ import annotations

from itertools import product

from wordtrace.data.conversations import Conversation, Message
from wordtrace.errors import InputError
from wordtrace.models.chat_template import ChatTemplate

_ROLES = ("system", "user", "assistant", "tool")
#: What a probe's messages say.
_SAID = "wQz{}zQw"


class ChatReader:
    """Reads the conversations that one template has written."""

    def __init__(self, template: ChatTemplate) -> None:
        self._template = template
        self._starts: dict[str, set[str]] = {}
        self._between: dict[str, set[tuple[str, str]]] = {role: set() for role in _ROLES}
        self._ends: dict[str, set[str]] = {role: set() for role in _ROLES}
        for roles in _probes():
            self._learn(roles)

    def read(self, text: str) -> Conversation | None:
        """Return the conversation that a text was written from, or its beginning; None: none.

        A text may be cut: then what the template writes of the conversation begins with it, but
        for space at the cut.
        """
        starts = [(start, role) for role, every in self._starts.items() for start in every]
        nearly = None
        for start, role in sorted(starts, key=lambda one: -len(one[0])):
            if not text.startswith(start):
                continue
            for messages in self._readings(text, len(start), role):
                found = Conversation((), tuple(messages))
                written = self._written(found)
                if written.startswith(text):
                    return found
                # Some templates trim what is said, so that a text cut after a space is not theirs.
                if nearly is None and written.startswith(text.rstrip()):
                    nearly = found
        return nearly

    def _learn(self, roles: tuple[str, ...]) -> None:
        said = [_SAID.format(at) for at in range(len(roles))]
        messages = tuple(
            {"role": role, "content": content} for role, content in zip(roles, said, strict=True)
        )
        try:
            text = self._template.write(Conversation((), messages)).text
        except InputError:
            return  # the template wants other roles in turn
        pieces = []
        for content in said:
            before, found, text = text.partition(content)
            if not found:
                return  # it leaves this message out
            pieces.append(before)
        self._starts.setdefault(roles[0], set()).add(pieces[0])
        self._ends[roles[-1]].add(text)
        for role, following, piece in zip(roles, roles[1:], pieces[1:], strict=False):
            if piece:
                self._between[role].add((piece, following))

    def _readings(self, text: str, at: int, role: str) -> list[list[Message]]:
        """Return the messages of a text from the content at a place on, in several ways."""
        messages: list[Message] = []
        while True:
            found = [
                (place, -len(piece), piece, following)
                for piece, following in self._between[role]
                if (place := text.find(piece, at)) >= 0
            ]
            if not found:
                break
            place, _, piece, following = min(found)
            messages.append({"role": role, "content": text[at:place]})
            at, role = place + len(piece), following
        return [[*messages, *last] for last in self._lasts(text[at:], role)]

    def _lasts(self, rest: str, role: str) -> list[list[Message]]:
        """Return what the last messages may be, the likeliest first."""
        found: list[list[Message]] = []
        for end in sorted(self._ends[role], key=len, reverse=True):
            if rest.endswith(end):
                content = rest[: len(rest) - len(end)]
                found.append([{"role": role, "content": content}])
        for piece, following in self._between[role]:
            # A header that was cut belongs to a message of which nothing is left.
            size = _overlap(rest, piece)
            if size:
                said = {"role": role, "content": rest[: len(rest) - size]}
                found += [[said], [said, {"role": following, "content": ""}]]
        found += [
            [{"role": role, "content": rest[: len(rest) - size]}]
            for end in self._ends[role]
            if (size := _overlap(rest, end))
        ]
        return [*found, [{"role": role, "content": rest}]]

    def _written(self, conversation: Conversation) -> str:
        try:
            return self._template.write(conversation).text
        except InputError:
            return ""


def _probes() -> list[tuple[str, ...]]:
    """Return the roles of the conversations from which a template is learnt."""
    turns = ("user", "assistant")
    pairs = [(first, *turns, *turns) for first in ("system",)]
    longer = [(*turns, *pair) for pair in product(_ROLES, repeat=2)]
    return [turns, turns * 2, turns * 3, ("user",), ("system", "user"), *pairs, *longer]


def _overlap(text: str, piece: str) -> int:
    """Return how long the end of a text is that a piece begins with."""
    for size in range(min(len(text), len(piece)), 0, -1):
        if text.endswith(piece[:size]):
            return size
    return 0

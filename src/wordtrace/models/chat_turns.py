"""Where the contents of a conversation's messages stand in the text that the template makes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace

from wordtrace.data.conversations import Conversation, Message, content_of
from wordtrace.errors import InputError
from wordtrace.models.chat_template import ChatTemplate


@dataclass(frozen=True)
class Turn:
    """The content of a message: whose it is, and where it stands, in characters."""

    role: str
    start: int
    end: int


@dataclass(frozen=True)
class Dialogue:
    """A conversation as the model reads it, and where its messages stand in it."""

    text: str
    turns: tuple[Turn, ...]


def find_turns(
    template: ChatTemplate, conversation: Conversation, text: str, spoken: bool = False
) -> list[Turn]:
    """Find each message's content in a conversation as it is written.

    The conversation is written a second time, with a mark in place of each content: what stands
    between the marks is the template's own. Where that does not fit, since the template looks into
    the contents, they are searched for, one after the other. What the template leaves out is left
    out here, too.
    """
    found = _between(template, conversation, text, spoken)
    return list(_searched(conversation, text)) if found is None else found


def _between(
    template: ChatTemplate, conversation: Conversation, text: str, spoken: bool
) -> list[Turn] | None:
    """Return the contents by what stands around them; None where that does not fit."""
    if any(one.get("tool_calls") for one in conversation.messages):
        return None
    marks = [f"\ue000{at}\ue001" for at in range(len(conversation.messages))]
    if any("\ue000" in content_of(one) for one in conversation.messages):
        return None
    marked = [
        {**one, "content": mark} for one, mark in zip(conversation.messages, marks, strict=True)
    ]
    try:
        frame = template.write(replace(conversation, prompt=(), rest=tuple(marked)), spoken=spoken)
    except InputError:
        return None
    rest, place, found = frame.text, 0, []
    for at, (one, mark) in enumerate(zip(conversation.messages, marks, strict=True)):
        before, there, rest = rest.partition(mark)
        if not there or not text.startswith(before, place):
            return None
        place += len(before)
        follows = rest.partition(marks[at + 1])[0] if at + 1 < len(marks) else rest
        content = next(
            (
                form
                for form in (content_of(one), content_of(one).strip())
                if text.startswith(form + follows, place)
            ),
            None,
        )
        if content is None:
            return None
        found.append(Turn(one["role"], place, place + len(content)))
        place += len(content)
    return found if text[place:] == rest else None


def _searched(conversation: Conversation, text: str) -> Iterator[Turn]:
    place = 0
    for one in conversation.messages:
        for forms in (_contents(one), *map(_call, one.get("tool_calls") or ())):
            for form in forms:
                at = text.find(form, place) if form else -1
                if at >= 0:
                    place = at + len(form)
                    yield Turn(one["role"], at, place)
                    break


def _contents(message: Message) -> list[str]:
    """Return the forms in which a template may write a content, the whole one first."""
    content = content_of(message)
    answer = content.rpartition("</think>")[2]
    return [content, content.strip(), answer.lstrip("\n"), answer.strip()]


def _call(call: object) -> list[str]:
    """Return the forms in which a template may write a tool's name and arguments."""
    inner = call.get("function", call) if isinstance(call, dict) else {}
    if not isinstance(inner, dict) or not isinstance(inner.get("name"), str):
        return []
    given = inner.get("arguments")
    if given is None:
        return [inner["name"]]
    arguments = given if isinstance(given, str) else json.dumps(given, ensure_ascii=False)
    return [f'{inner["name"]}", "arguments": {arguments}', arguments, inner["name"]]

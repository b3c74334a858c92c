"""Conversations: the forms in which people keep them, brought into one, which is a text.

A conversation is one text: its JSON document, ``{"messages": […], "tools": […]}`` or ``{"prompt":
[…], "completion": […]}``, as it is kept in the column `text` of Examples. Keys inside a message or
a tool keep their order, for a chat template writes them in that order.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from wordtrace.errors import option

#: What a row holds, told by its columns.
Form = Literal["messages", "prompt and completion", "conversations", "text"]

#: All columns that may hold a part of a conversation.
COLUMNS = (
    "messages",
    "prompt",
    "completion",
    "conversations",
    "text",
    "tools",
    "chat_template_kwargs",
)
#: Those that stand beside the messages.
BESIDE = ("tools", "chat_template_kwargs")
#: Pairs of answers, of which one is preferred: another training, with another loss.
PREFERENCES = ("chosen", "rejected")
REFUSED = (
    "a preferred and a rejected answer (chosen, rejected), as DPO and reward models are trained "
    "on; the loss of one answer alone is traced: give messages, prompt and completion, or text"
)

Message = dict[str, Any]

# ShareGPT's names of those who speak.
_SPEAKERS = {
    "human": "user",
    "gpt": "assistant",
    "chatgpt": "assistant",
    "bing": "assistant",
    "bard": "assistant",
    "function_response": "tool",
    "observation": "tool",
}
_SHOWN = 60


class Malformed(ValueError):
    """A conversation that can't be read; says what is wrong with it, and no more."""


@dataclass(frozen=True)
class Conversation:
    """Messages between a user and an assistant.

    Attributes
    ----------
    prompt
        The messages that come before the completion; empty where the form does not say.
    rest
        The completion's messages, or all of them.
    tools
        The functions that the assistant may call, as JSON schemas; None for none.
    settings
        Further values for the chat template, such as ``enable_thinking``.
    """

    prompt: tuple[Message, ...]
    rest: tuple[Message, ...]
    tools: list[Any] | None = None
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def messages(self) -> list[Message]:
        """All messages, in their order."""
        return [*self.prompt, *self.rest]

    @property
    def begins(self) -> int:
        """The number of messages before the answer: what the loss of a completion leaves out.

        Without a prompt of its own, a conversation's answer is its last message of the assistant.
        """
        if self.prompt:
            return len(self.prompt)
        spoken = [at for at, one in enumerate(self.rest) if one["role"] == "assistant"]
        return spoken[-1] if spoken else len(self.rest)

    def text(self) -> str:
        """Return the conversation as its document's text."""
        document: dict[str, Any] = {"messages": list(self.rest)}
        if self.prompt:
            document = {"prompt": list(self.prompt), "completion": list(self.rest)}
        if self.tools is not None:
            document["tools"] = self.tools
        if self.settings:
            document["chat_template_kwargs"] = self.settings
        return json.dumps(document, ensure_ascii=False, separators=(",", ":"))

    @classmethod
    def of(cls, text: str) -> Conversation:
        """Read a conversation from its document's text (Malformed)."""
        try:
            document = json.loads(text)
        except (ValueError, RecursionError):
            document = None
        if not isinstance(document, dict):
            raise Malformed(f"{_shown(text)} is no conversation; give {{'messages': […]}}.")
        found = read_row(document).conversation
        if found is None:
            raise Malformed(f"{_shown(text)} is a text; give {{'messages': […]}}.")
        return found


@dataclass(frozen=True)
class Row:
    """One example of a language model.

    Attributes
    ----------
    form
        The columns that it came from.
    conversation
        Its messages; None for plain text.
    text, text2
        What Examples keep: the conversation's document, or the plain prompt and completion.
    """

    form: Form
    conversation: Conversation | None
    text: str
    text2: str | None = None


def read_row(values: Mapping[str, Any], form: Form | None = None) -> Row:
    """Read a row by the columns that it has, in TRL's order: prompt and completion come first.

    Parameters
    ----------
    values
        What stands in the columns of :data:`COLUMNS`; None where there is nothing.
    form
        The form that it must have; None finds it.

    Raises
    ------
    Malformed
        For a message without a role or a text, a picture, or a row that holds none of the forms.
    """
    there = {name: _plain(value) for name, value in values.items() if not _missing(value)}
    if any(name in there for name in PREFERENCES):
        raise Malformed(f"it has {REFUSED}.")
    if form in (None, "prompt and completion") and "prompt" in there and "completion" in there:
        return _in_two(there)
    if form in (None, "messages") and "messages" in there:
        return _whole("messages", there["messages"], there)
    if form in (None, "conversations") and "conversations" in there:
        return _whole("conversations", there["conversations"], there)
    if form in (None, "text") and "text" in there:
        text = there["text"]
        if not isinstance(text, str):
            raise Malformed(f"'text' holds {_shown(text)}, not text.")
        return Row("text", None, text)
    if form is not None:
        raise Malformed(f"it has no {form}, as the rows before it have.")
    if "prompt" in there:
        raise Malformed("it has a prompt without a completion; give both.")
    raise Malformed(
        "it has no messages, no prompt and completion, no conversations and no text; name its "
        f"columns by {option('text')} and {option('text2')}."
    )


def _whole(form: Form, value: Any, there: Mapping[str, Any]) -> Row:
    found = Conversation((), _messages(value, form), _tools(there), _settings(there))
    return Row(form, found, found.text())


def _in_two(there: Mapping[str, Any]) -> Row:
    prompt, completion = there["prompt"], there["completion"]
    if isinstance(prompt, str) and isinstance(completion, str):
        return Row("prompt and completion", None, prompt, completion)
    if isinstance(prompt, str) or isinstance(completion, str):
        raise Malformed(
            "one of prompt and completion is text, the other messages; give both alike."
        )
    found = Conversation(
        _messages(prompt, "prompt"),
        _messages(completion, "completion"),
        _tools(there),
        _settings(there),
    )
    return Row("prompt and completion", found, found.text())


def _messages(value: Any, column: str) -> tuple[Message, ...]:
    if isinstance(value, str) and value.lstrip().startswith("["):
        value = _parsed(value, column)
    if not isinstance(value, list):
        raise Malformed(f"{column!r} holds {_shown(value)}, not a list of messages.")
    if not value:
        raise Malformed(f"{column!r} holds no message.")
    return tuple(_message(one, f"message {at} of {column!r}") for at, one in enumerate(value))


def _message(value: Any, name: str) -> Message:
    if not isinstance(value, dict):
        raise Malformed(f"{name} is {_shown(value)}, not an object with a role and a content.")
    # A key without a value is one that another row of the file has.
    named = {"from": "role", "value": "content"}
    found: Message = {
        str(named.get(key, key)): one for key, one in value.items() if one is not None
    }
    role = found.get("role")
    if not isinstance(role, str) or not role.strip():
        raise Malformed(f"{name} has no role, such as 'user' or 'assistant'.")
    if "from" in value:
        found["role"] = _SPEAKERS.get(role, role)
    content = found.get("content")
    if content is None and found.get("tool_calls"):
        return found
    if content is None:
        raise Malformed(f"{name} has no content.")
    _check_content(content, name)
    return found


def _check_content(content: Any, name: str) -> None:
    blocks = content if isinstance(content, list) else []
    for block in blocks:
        kind = block.get("type") if isinstance(block, dict) else None
        if kind != "text" or not isinstance(block.get("text"), str):
            what = f"a part of the type {kind!r}" if isinstance(kind, str) else _shown(block)
            raise Malformed(
                f"{name} holds {what}; models of text are traced, no pictures or sound."
            )
    if not isinstance(content, str | list):
        raise Malformed(f"the content of {name} is {_shown(content)}, not text.")


def content_of(message: Message) -> str:
    """Return the text of a message: of a content in parts, all of them."""
    content = message.get("content")
    if isinstance(content, list):
        return "".join(block["text"] for block in content)
    return content or ""


def _tools(there: Mapping[str, Any]) -> list[Any] | None:
    tools = there.get("tools")
    if isinstance(tools, str):
        tools = _parsed(tools, "tools")
    if tools is not None and not isinstance(tools, list):
        raise Malformed(f"'tools' holds {_shown(tools)}, not a list of tools.")
    return tools


def _settings(there: Mapping[str, Any]) -> dict[str, Any]:
    settings = there.get("chat_template_kwargs") or {}
    if not isinstance(settings, dict):
        raise Malformed(f"'chat_template_kwargs' holds {_shown(settings)}, not an object.")
    return settings


def _parsed(text: str, column: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise Malformed(f"{column!r} holds text that is no JSON.") from None


def _plain(value: Any) -> Any:
    """Return a value as plain Python: a data frame holds lists as arrays."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [_plain(one) for one in value]
    return value


def _missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and value != value)


def _shown(value: Any) -> str:
    shown = " ".join(repr(value).split())
    shown = shown if len(shown) <= _SHOWN else shown[: _SHOWN - 1] + "…"
    return shown if isinstance(value, str) else f"{type(value).__name__} {shown}"

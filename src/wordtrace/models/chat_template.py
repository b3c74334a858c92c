"""A chat template: how a conversation is written as the one text that a model reads.

The template is somebody's Jinja program. It runs in the sandbox of transformers, which gives it the
conversation and nothing else.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from wordtrace.data.conversations import Conversation, Message
from wordtrace.disk.json_text import parse_json
from wordtrace.errors import CorruptError, InputError
from wordtrace.models.library import first_line, library
from wordtrace.results.decode import decode

#: The templates of a run, in its folder.
FILE = "chat.json"

# What stands in the templates that write the day (Llama 3.2's, and those made after it).
_DATED = ("strftime_now", "date_string")
_MARKS = re.compile(r"\{%-?\s*generation\s*-?%\}")


@dataclass(frozen=True)
class Written:
    """A conversation as the model reads it.

    Attributes
    ----------
    text
        The whole text.
    spoken
        The places of the assistant's turns, (start, end) in characters, where the template marks
        them; None where it does not.
    """

    text: str
    spoken: tuple[tuple[int, int], ...] | None = None


@dataclass(frozen=True)
class ChatTemplate:
    """The templates of a tokenizer, with the special tokens that they write.

    Attributes
    ----------
    templates
        By name: "default", and where there is one "tool_use" for conversations with tools.
    special_tokens
        What a template knows by the names ``bos_token``, ``eos_token``, …; and ``date_string``, the
        day of the training, where a template writes the day.
    training
        The template by which TRL trains on the assistant's turns alone, where it is another one.
    """

    templates: Mapping[str, str]
    special_tokens: Mapping[str, str] = field(default_factory=dict)
    training: str | None = None

    @classmethod
    def of(cls, outer: Any, day: date | None = None) -> ChatTemplate | None:
        """Return the templates of a tokenizer of transformers; None where it has none.

        Parameters
        ----------
        day
            The day of the training: some templates write the day on which they are used, which must
            not change afterwards.
        """
        given = outer.chat_template
        if not given:
            return None
        templates = (
            {str(name): str(one) for name, one in given.items()}
            if isinstance(given, Mapping)
            else {"default": str(given)}
        )
        if "default" not in templates:
            return None
        special = {
            name: str(one) for name, one in outer.special_tokens_map.items() if not _listed(one)
        }
        if day is not None and all(name in templates["default"] for name in _DATED):
            special["date_string"] = day.strftime("%d %b %Y")
        return cls(templates, special, _training_template(outer, templates["default"]))

    @classmethod
    def open(cls, folder: Path) -> ChatTemplate:
        """Read what :meth:`save` wrote into a run's folder (CorruptError)."""
        path = folder / FILE
        try:
            found = decode(cls, parse_json(path.read_bytes()))
            if "default" not in found.templates:
                raise ValueError("it lacks the template 'default'")
        except (OSError, ValueError) as error:
            raise CorruptError(f"{path} is no readable chat template ({error}).") from None
        return found

    def save(self, folder: Path) -> None:
        """Write the file that :meth:`open` reads."""
        document = {
            "templates": dict(self.templates),
            "special_tokens": dict(self.special_tokens),
            "training": self.training,
        }
        text = json.dumps(document, ensure_ascii=False, indent=1)
        (folder / FILE).write_text(text + "\n", encoding="utf-8")

    def write(
        self,
        conversation: Conversation,
        messages: Sequence[Message] | None = None,
        *,
        spoken: bool = False,
        answer: bool = False,
    ) -> Written:
        """Write a conversation as one text.

        Parameters
        ----------
        messages
            Some of its messages, in place of all.
        spoken
            Write as TRL does for a loss of the assistant's turns alone, and tell where they are.
        answer
            End where the assistant begins to speak.

        Raises
        ------
        InputError
            When the template refuses the conversation; says what the template says.
        """
        rendering = library("transformers.utils.chat_template_utils")
        template = self._for(conversation, spoken)
        marked = spoken and _MARKS.search(template) is not None
        chosen = conversation.messages if messages is None else list(messages)
        try:
            texts, places = rendering.render_jinja_template(
                conversations=[chosen],
                tools=conversation.tools,
                chat_template=template,
                return_assistant_tokens_mask=marked,
                add_generation_prompt=answer,
                **{**self.special_tokens, **conversation.settings},
            )
        except Exception as error:  # a template may fail in any way
            raise InputError(f"the chat template can't write it: {first_line(error)}") from None
        return Written(texts[0], tuple(map(tuple, places[0])) if marked else None)

    def _for(self, conversation: Conversation, spoken: bool) -> str:
        if spoken and self.training is not None:
            return self.training
        if conversation.tools is not None and "tool_use" in self.templates:
            return self.templates["tool_use"]
        return self.templates["default"]


def _training_template(outer: Any, template: str) -> str | None:
    """Return the template that TRL puts in its place where it does not mark the assistant's turns.

    None where none is needed, where TRL knows none for this family, and where TRL is not there.
    """
    if _MARKS.search(template):
        return None
    try:
        found = library("trl.chat_template_utils").get_training_chat_template(outer)
    except Exception:  # it is not there, or raises for a template that it does not know
        return None
    return None if found is None else str(found)


def _listed(value: object) -> bool:
    return isinstance(value, list | tuple)

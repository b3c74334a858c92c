"""Queries of a run of conversations: conversations, questions with their answers, or questions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from wordtrace.data.conversations import Conversation, Malformed, Message, read_row
from wordtrace.errors import InputError
from wordtrace.models.chat_tokenizer import ChatTokenizer
from wordtrace.run.run import Run

#: The most tokens of an answer that the model gives to a question alone.
MOST = 64


@dataclass(frozen=True)
class Dialogues:
    """Conversations to trace.

    Attributes
    ----------
    texts
        Their documents.
    given
        For each, whether the answer was given; else the model gave it.
    """

    texts: list[str]
    given: list[bool]


def read_dialogues(run: Run, tokenizer: ChatTokenizer, texts: Any) -> Dialogues:
    """Bring queries into the form of the run's examples.

    Parameters
    ----------
    texts
        A conversation, as an object with messages, as a list of messages or as its document's text;
        a question with its answer, a tuple; a question alone, a text, to which the model gives its
        own answer; or a list of these.

    Raises
    ------
    InputError
        For a malformed conversation, and where the model has no answer.
    """
    if isinstance(texts, Mapping | str | tuple) or _is_message_list(texts):
        texts = [texts]
    if not isinstance(texts, Sequence) or not len(texts):
        raise InputError("there is no query; give at least one conversation or question.")
    found, given = [], []
    for place, one in enumerate(texts):
        conversation = _read(one, place)
        answered = conversation.messages[-1]["role"] == "assistant"
        if not answered:
            conversation = _answered(run, tokenizer, conversation, place)
        found.append(conversation.text())
        given.append(answered)
    return Dialogues(found, given)


def _read(query: Any, place: int) -> Conversation:
    if _is_message_list(query):
        query = {"messages": query}
    try:
        if isinstance(query, Mapping):
            row = read_row(query)
            if row.conversation is not None:
                return row.conversation
            query = row.text if row.text2 is None else (row.text, row.text2)
        elif isinstance(query, str) and query.lstrip().startswith("{"):
            return Conversation.of(query)
    except Malformed as error:
        raise InputError(f"query {place}: {error}") from None
    parts = (query,) if isinstance(query, str) else query
    if not isinstance(parts, tuple | list) or len(parts) not in (1, 2):
        raise InputError(_wanted(query, place))
    if not all(isinstance(part, str) for part in parts):
        raise InputError(_wanted(query, place))
    if not all(part.strip() for part in parts):
        raise InputError(f"query {place} is empty; give a question and its answer.")
    turns = zip(("user", "assistant"), parts, strict=False)
    messages: list[Message] = [{"role": role, "content": part} for role, part in turns]
    return Conversation((), tuple(messages))


def _answered(
    run: Run, tokenizer: ChatTokenizer, conversation: Conversation, place: int
) -> Conversation:
    """Return a conversation with the model's own answer, the likeliest token at each place."""
    written = tokenizer.template.write(conversation, answer=True)
    ids = tokenizer.inner.encode(written.text, add_special_tokens=False).ids
    module: Any = run.model(run.final).module
    with torch.no_grad():
        given = torch.tensor([ids], device=run.device)
        said = module.generate(
            input_ids=given,
            attention_mask=torch.ones_like(given),
            max_new_tokens=MOST,
            do_sample=False,
            eos_token_id=sorted(tokenizer.special) or None,
            pad_token_id=0,
        )
    new = [token for token in said[0, len(ids) :].tolist() if token not in tokenizer.special]
    answer = tokenizer.inner.decode(new, skip_special_tokens=False)
    if not answer.strip():
        raise InputError(
            f"query {place}: the model gives no answer of its own; give one, as (question, answer) "
            "or as messages that end with the assistant's."
        )
    spoken: Message = {"role": "assistant", "content": answer}
    return Conversation(
        (), (*conversation.messages, spoken), conversation.tools, conversation.settings
    )


def _is_message_list(value: Any) -> bool:
    return (
        isinstance(value, list)
        and len(value) > 0
        and all(isinstance(one, Mapping) and ("role" in one or "from" in one) for one in value)
    )


def _wanted(query: Any, place: int) -> str:
    shown = f"{type(query).__name__} {repr(query)[:40]}"
    return (
        f"query {place} is {shown}; give a conversation {{'messages': […]}}, a tuple (question, "
        "answer), or a question."
    )

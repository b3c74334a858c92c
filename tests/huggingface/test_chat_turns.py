"""Where messages stand in the text that a chat template makes, whatever the template does."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tests.huggingface.chats import chat_tokenizer, template_of
from tests.huggingface.test_chat_tokens import ours
from wordtrace.data.conversations import read_row
from wordtrace.errors import InputError
from wordtrace.models.chat_template import ChatTemplate
from wordtrace.models.chat_words import chat_words

pytest.importorskip("trl")


def turns(family: str, messages: list[dict[str, Any]], **more: Any) -> list[tuple[str, str]]:
    tokenizer = ours(chat_tokenizer(family))
    found = tokenizer.dialogue(read_row({"messages": messages, **more}).text)
    return [(one.role, found.text[one.start : one.end]) for one in found.turns]


@pytest.mark.parametrize("family", ["qwen2_5", "qwen3", "llama3", "gemma", "chatml"])
def test_contents_are_found_even_where_they_are_the_templates_own_words(family: str) -> None:
    said = ["user", "assistant\n", " user", "system im_start", "model", "a"]
    roles = ["user", "assistant"] * 3
    messages = [{"role": role, "content": text} for role, text in zip(roles, said, strict=True)]
    found = turns(family, messages)
    assert [role for role, _ in found] == roles
    assert [text.strip() for _, text in found] == [text.strip() for text in said]
    tokenizer = ours(chat_tokenizer(family))
    dialogue = tokenizer.dialogue(read_row({"messages": messages}).text)
    ends = [dialogue.text[one.end :] for one in dialogue.turns]
    assert all(
        rest.lstrip().startswith(("<|im_end|>", "<|eot_id|>", "<end_of_turn>")) for rest in ends
    )


def test_thoughts_that_the_template_leaves_out_are_left_out() -> None:
    messages = [
        {"role": "user", "content": "one"},
        {"role": "assistant", "content": "<think>\nhidden\n</think>\n\nfirst"},
        {"role": "user", "content": "two"},
        {"role": "assistant", "content": "<think>\nkept\n</think>\n\nlast"},
    ]
    assert turns("qwen3", messages) == [
        ("user", "one"),
        ("assistant", "first"),
        ("user", "two"),
        ("assistant", "<think>\nkept\n</think>\n\nlast"),
    ]


def test_a_call_of_a_tool_is_the_assistants() -> None:
    call = {"type": "function", "function": {"name": "price", "arguments": {"share": "Apple"}}}
    messages = [
        {"role": "user", "content": "price"},
        {"role": "assistant", "content": "", "tool_calls": [call]},
        {"role": "tool", "name": "price", "content": "12"},
        {"role": "assistant", "content": "It is 12."},
    ]
    assert turns("qwen2_5", messages) == [
        ("user", "price"),
        ("assistant", 'price", "arguments": {"share": "Apple"}'),
        ("tool", "12"),
        ("assistant", "It is 12."),
    ]


@pytest.mark.parametrize("whole", [False, True])
def test_no_word_crosses_the_border_of_a_message(whole: bool) -> None:
    # This template puts nothing but letters around a message.
    template = "{% for one in messages %}x{{ one.content }}y{% endfor %}"
    tokens = chat_tokenizer("chatml")
    tokens.chat_template = template
    tokenizer = ours(tokens)
    text = read_row(
        {"messages": [{"role": "user", "content": "the"}, {"role": "assistant", "content": "cup"}]}
    ).text
    dialogue = tokenizer.dialogue(text)
    assert dialogue.text == "xtheyxcupy"
    positions = tokenizer.positions([text])[0]
    words = chat_words(positions, dialogue, tokenizer, whole=whole)
    assert len(words.names) == len(positions)
    for name, position in zip(words.names, positions, strict=True):
        assert position.span is not None
        _, start, end = position.span
        reached = [one.role for one in dialogue.turns if one.start < end and start < one.end]
        assert words.word(name)[1] == (reached[0] if reached else "template")
    for name, spans in words.spans.items():
        for _, start, end in spans:
            reached = [one for one in dialogue.turns if one.start < end and start < one.end]
            assert len(reached) == (words.word(name)[1] != "template")


def test_what_a_template_refuses_is_said_and_what_it_runs_is_caged() -> None:
    with pytest.raises(InputError, match="can't write it: System role not supported"):
        turns("gemma", [{"role": "system", "content": "x"}])
    hostile = ChatTemplate({"default": "{{ messages.__class__.__mro__[1].__subclasses__() }}"})
    conversation = read_row({"messages": [{"role": "user", "content": "x"}]}).conversation
    assert conversation is not None
    with pytest.raises(InputError, match="can't write it"):
        hostile.write(conversation)


def test_a_template_that_writes_the_day_goes_on_writing_that_of_the_training(
    tmp_path: Path,
) -> None:
    tokens = chat_tokenizer("llama3")
    tokens.chat_template = template_of("llama3_2")
    template = ChatTemplate.of(tokens, date(2024, 1, 2))
    assert template is not None
    template.save(tmp_path)
    conversation = read_row({"messages": [{"role": "user", "content": "x"}]}).conversation
    assert conversation is not None
    assert "Today Date: 02 Jan 2024" in ChatTemplate.open(tmp_path).write(conversation).text

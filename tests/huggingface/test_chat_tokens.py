"""Conversations become the ids and the labels that TRL's SFTTrainer makes of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tokenizers

from tests.huggingface.chats import chat_tokenizer, prepared
from wordtrace.data.conversations import read_row
from wordtrace.errors import InputError
from wordtrace.models.chat_template import ChatTemplate
from wordtrace.models.chat_tokenizer import ChatTokenizer
from wordtrace.models.plain_tokenizer import PlainTokenizer
from wordtrace.models.tokenizer import Tokenizer

pytest.importorskip("trl")

QUESTION = {"role": "user", "content": "shares of the market fall "}
ANSWER = {"role": "assistant", "content": "the price of oil"}
MORE = [{"role": "user", "content": "who wins"}, {"role": "assistant", "content": "the coach\n"}]
LONG = [QUESTION, ANSWER, *MORE]
TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "price",
            "description": "The price of a share",
            "parameters": {"type": "object", "properties": {"share": {"type": "string"}}},
        },
    }
]


def ours(tokens: Any, loss: str | None = None, length: int = 1024) -> ChatTokenizer:
    inner = tokenizers.Tokenizer.from_str(tokens.backend_tokenizer.to_str())
    template = ChatTemplate.of(tokens)
    assert template is not None
    return ChatTokenizer(Tokenizer(inner, length, literal=False), template, loss)


def made(tokenizer: ChatTokenizer, rows: list[dict[str, Any]]) -> list[dict[str, list[int]]]:
    """Return ids and labels; a row of which no token counts is left out, as TRL does."""
    encoded = tokenizer.encode([read_row(row).text for row in rows])
    assert encoded.counted is not None
    found = []
    for at in range(len(rows)):
        ids = encoded[at]
        counted = encoded.counted[encoded.offsets[at] : encoded.offsets[at + 1]]
        if counted.any():
            labels = np.where(counted, ids, -100).tolist()
            found.append({"input_ids": ids.tolist(), "labels": labels})
    return found


def same(found: list[dict[str, Any]], expected: list[dict[str, Any]]) -> None:
    assert [{name: one[name] for name in ("input_ids", "labels")} for one in expected] == found


@pytest.mark.parametrize("family", ["qwen2_5", "qwen3", "llama3", "gemma", "chatml"])
def test_messages(family: str) -> None:
    tokens = chat_tokenizer(family, "bytes-start" if family == "llama3" else "bytes")
    rows = [{"messages": [QUESTION, ANSWER]}, {"messages": LONG}]
    same(made(ours(tokens), rows), prepared(tokens, rows))
    if family != "chatml":  # TRL knows no training template for it
        same(
            made(ours(tokens, "assistant"), rows), prepared(tokens, rows, assistant_only_loss=True)
        )


@pytest.mark.parametrize("family", ["qwen2_5", "llama3", "gemma"])
@pytest.mark.parametrize("completion", [None, False])
@pytest.mark.parametrize("assistant", [False, True])
def test_prompt_and_completion(family: str, completion: bool | None, assistant: bool) -> None:
    tokens = chat_tokenizer(family)
    rows = [
        {"prompt": [QUESTION], "completion": [ANSWER]},
        {"prompt": [QUESTION, ANSWER, MORE[0]], "completion": [MORE[1]]},
    ]
    losses = {
        (None, False): None,
        (None, True): "completion+assistant",
        (False, False): "all",
        (False, True): "assistant",
    }
    settings = {"completion_only_loss": completion, "assistant_only_loss": assistant}
    same(
        made(ours(tokens, losses[completion, assistant]), rows), prepared(tokens, rows, **settings)
    )


@pytest.mark.parametrize("family", ["qwen2_5", "qwen3"])
def test_tools_and_calls(family: str) -> None:
    tokens = chat_tokenizer(family)
    call = {"type": "function", "function": {"name": "price", "arguments": {"share": "Apple"}}}
    messages = [
        QUESTION,
        {"role": "assistant", "content": "", "tool_calls": [call]},
        {"role": "tool", "name": "price", "content": "12"},
        ANSWER,
    ]
    rows = [{"messages": messages, "tools": TOOLS}]
    same(made(ours(tokens), rows), prepared(tokens, rows))


@pytest.mark.parametrize("length", [9, 14, 20])
def test_long_conversations_are_cut_and_those_without_an_answer_are_dropped(length: int) -> None:
    tokens = chat_tokenizer("llama3")
    rows = [
        {"prompt": [QUESTION], "completion": [ANSWER]},
        {"prompt": LONG[:3], "completion": [MORE[1]]},
        {"prompt": [MORE[0]], "completion": [ANSWER]},
    ]
    same(made(ours(tokens, length=length), rows), prepared(tokens, rows, max_length=length))


def plain(tokens: Any, rows: list[dict[str, str]], loss: str | None, length: int) -> Any:
    """Return ids and labels of plain texts; a row of which no token counts is left out."""
    inner = tokenizers.Tokenizer.from_str(tokens.backend_tokenizer.to_str())
    made = PlainTokenizer(Tokenizer(inner, length, literal=False), tokens.eos_token_id, loss)
    read = [read_row(row) for row in rows]
    second = [one.text2 or "" for one in read] if read[0].text2 is not None else None
    encoded = made.encode([one.text for one in read], second)
    positions = made.positions([one.text for one in read], second)
    assert [len(one) for one in positions] == encoded.lengths.tolist()
    assert encoded.second is not None
    found = []
    for at, begins in enumerate(encoded.second):
        ids = encoded[at].tolist()
        if begins < len(ids):
            found.append({"input_ids": ids, "labels": [-100] * int(begins) + ids[begins:]})
    return found


# "bytes-start" begins a text by itself, "bytes-template" ends it, too.
@pytest.mark.parametrize("kind", ["bytes", "bytes-start", "bytes-template"])
@pytest.mark.parametrize("length", [6, 1024])
def test_plain_texts_with_one_end(kind: str, length: int) -> None:
    tokens = chat_tokenizer("chatml", kind)
    texts = ["the coach wins", "the coach wins<|im_end|>", "the coach wins<|im_end|>\n"]
    rows = [{"text": text} for text in texts]
    same(plain(tokens, rows, None, length), prepared(tokens, rows, max_length=length))


@pytest.mark.parametrize("kind", ["bytes", "bytes-start", "bytes-template"])
@pytest.mark.parametrize(("loss", "only"), [(None, None), ("all", False)])
def test_plain_prompts_and_completions(kind: str, loss: str | None, only: bool | None) -> None:
    tokens = chat_tokenizer("chatml", kind)
    parts = [("the coach", " wins"), ("the coa", "ch wins"), ("the coach ", "wins<|im_end|>")]
    rows = [{"prompt": prompt, "completion": answer} for prompt, answer in parts]
    expected = prepared(tokens, rows, completion_only_loss=only)
    same(plain(tokens, rows, loss, 1024), expected)


def test_without_marks_a_turn_is_its_content_and_the_token_that_ends_it() -> None:
    tokens = chat_tokenizer("chatml")
    (row,) = made(ours(tokens, "assistant"), [{"messages": LONG}])
    counted = [
        token for token, label in zip(row["input_ids"], row["labels"], strict=True) if label >= 0
    ]
    assert tokens.decode(counted) == "the price of oil<|im_end|>the coach\n<|im_end|>"


def test_each_loss_that_a_training_may_have_had_is_told() -> None:
    tokenizer = ours(chat_tokenizer("llama3"))
    names = list(tokenizer.scopes([read_row({"messages": LONG}).text]))
    assert names == ["all", "completion", "assistant"]
    text = read_row({"prompt": LONG[:3], "completion": LONG[3:]}).text
    found = {name: int(one.counted.sum()) for name, one in tokenizer.scopes([text]).items()}
    assert list(found) == ["completion", "all", "completion+assistant", "assistant"]
    assert found["completion+assistant"] == found["completion"] < found["assistant"] < found["all"]
    with pytest.raises(InputError, match="loss is 'answer'; it must be one of completion, all"):
        tokenizer.asking("answer")

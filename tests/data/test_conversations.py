"""The forms of conversations are told by their columns, brought into one, and refused in words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from wordtrace.data.chat_files import read_chat
from wordtrace.data.conversations import Conversation
from wordtrace.data.readers import read_dialogues, read_examples
from wordtrace.errors import DataError

ASKED = {"role": "user", "content": "Wer gewinnt?"}
ANSWERED = {"role": "assistant", "content": "Der Trainer\n"}
WHOLE = [ASKED, ANSWERED]


def test_the_form_is_told_by_the_columns() -> None:
    shares = {"conversations": [{"from": "human", "value": "a"}, {"from": "gpt", "value": "b"}]}
    found = read_dialogues([shares])
    assert (found.form, found.chat) == ("conversations", True)
    assert Conversation.of(found.examples.texts[0]).messages == [
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": "b"},
    ]
    found = read_dialogues([{"messages": WHOLE, "text": "passed over", "label": 1}])
    assert (found.form, found.chat) == ("messages", True)
    found = read_dialogues([{"prompt": [ASKED], "completion": [ANSWERED]}])
    assert (found.form, found.chat) == ("prompt and completion", True)
    assert Conversation.of(found.examples.texts[0]).prompt == (ASKED,)
    found = read_dialogues([{"prompt": "a", "completion": "b"}])
    assert (found.form, found.chat) == ("prompt and completion", False)
    assert (found.examples.texts, found.examples.texts2) == (["a"], ["b"])
    found = read_dialogues([{"text": "a", "id": "first"}])
    assert (found.form, found.examples.texts, found.examples.ids) == ("text", ["a"], ["first"])


def test_named_columns_rule() -> None:
    rows = [{"text": "not this", "question": "a", "answer": "b", "talk": WHOLE}]
    found = read_dialogues(rows, text="question", text2="answer")
    assert (found.examples.texts, found.examples.texts2) == (["a"], ["b"])
    assert read_dialogues(rows, text="talk").chat
    with pytest.raises(DataError, match=r"has no column 'reply'"):
        read_dialogues(rows, text="question", text2="reply")


def test_a_conversation_is_the_same_text_from_every_kind_of_file(tmp_path: Path) -> None:
    tools = [{"type": "function", "function": {"name": "z", "description": "a"}}]
    row = {"messages": WHOLE, "tools": json.dumps(tools)}
    expected = json.dumps(
        {"messages": WHOLE, "tools": tools}, ensure_ascii=False, separators=(",", ":")
    )
    (tmp_path / "a.jsonl").write_text(json.dumps(row) + "\n")
    pq.write_table(pa.Table.from_pylist([row]), tmp_path / "a.parquet")
    as_text = {name: one if isinstance(one, str) else json.dumps(one) for name, one in row.items()}
    pandas.DataFrame([as_text]).to_csv(tmp_path / "a.csv", index=False)
    frame = pq.read_table(tmp_path / "a.parquet").to_pandas()
    for data in ([row], frame, *(tmp_path / f"a.{kind}" for kind in ("jsonl", "parquet", "csv"))):
        assert read_dialogues(data).examples.texts == [expected]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"messages": []}, "'messages' holds no message"),
        ({"messages": "hello"}, "'messages' holds 'hello', not a list of messages"),
        ({"messages": [{"content": "a"}]}, "message 0 of 'messages' has no role"),
        ({"messages": [ASKED, {"role": "assistant"}]}, "message 1 of 'messages' has no content"),
        ({"messages": [{"role": "user", "content": 3}]}, "is int 3, not text"),
        ({"messages": ["hello"]}, "message 0 of 'messages' is 'hello', not an object"),
        (
            {"messages": [{"role": "user", "content": [{"type": "image"}]}]},
            "holds a part of the type 'image'; models of text are traced, no pictures",
        ),
        ({"messages": WHOLE, "tools": "{"}, "'tools' holds text that is no JSON"),
        ({"prompt": [ASKED], "completion": "b"}, "one of prompt and completion is text"),
        ({"prompt": "a"}, "it has a prompt without a completion"),
        ({"prompt": "a", "chosen": "b", "rejected": "c"}, "as DPO and reward models are trained"),
        ({"question": "a"}, "no conversations and no text; name its columns by text and text2"),
        ({"text": ""}, "is empty; remove such rows"),
    ],
)
def test_what_is_malformed_is_named_with_its_row(
    row: dict[str, Any], said: str, tmp_path: Path
) -> None:
    path = tmp_path / "talk.jsonl"
    path.write_text("\n" + json.dumps(row) + "\n")
    with pytest.raises(DataError) as raised:
        read_dialogues(path)
    assert str(raised.value).startswith("talk.jsonl, line 2: ")
    assert said in str(raised.value)
    assert str(raised.value).count("talk.jsonl") == 1


def test_all_rows_have_the_form_of_the_first() -> None:
    with pytest.raises(DataError, match="row 1: it has no messages, as the rows before it have"):
        read_dialogues([{"messages": WHOLE}, {"messages": None, "text": "a"}])
    with pytest.raises(DataError, match="row 1: it is no conversation"):
        read_dialogues(
            [
                {"prompt": [ASKED], "completion": [ANSWERED]},
                {"prompt": "a", "completion": "b"},
            ]
        )


def test_a_chat_file_holds_one_conversation_or_several(tmp_path: Path) -> None:
    path = tmp_path / "q.json"
    one = {"messages": WHOLE}
    for text, expected in (
        (json.dumps(one), [one]),
        (json.dumps(WHOLE), [WHOLE]),
        (json.dumps([one, one], indent=1), [one, one]),
        (f"{json.dumps(one)}\n\n{json.dumps(one)}\n", [one, one]),
    ):
        path.write_text(text)
        assert read_chat(path) == expected
    path.write_text('{"messages": []}\n{')
    with pytest.raises(DataError, match=r"q\.json, line 2: this is no JSON"):
        read_chat(path)
    path.write_text("")
    with pytest.raises(DataError, match="is empty"):
        read_chat(path)
    with pytest.raises(DataError, match="can't be read"):
        read_chat(tmp_path / "missing.json")


def test_pairs_of_preference_are_refused_for_a_classifier_too() -> None:
    with pytest.raises(DataError, match="the list has a preferred and a rejected answer"):
        read_examples([{"prompt": "a", "chosen": "b", "rejected": "c"}])

"""Rows whose labels are sets or numbers, of language models, of pairs and of conversations."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from wordtrace.act.filters import Filters
from wordtrace.act.row_search import RowSearch
from wordtrace.act.row_table import RowTable
from wordtrace.data.examples import Examples
from wordtrace.data.labelling import Labelling
from wordtrace.errors import CorruptError, InputError
from wordtrace.index.texts import StoredTexts, write_texts


def opened(
    folder: Path, examples: Examples, predicted: list[str], *, chats: bool = False
) -> tuple[Any, Any]:
    """Return what rows need of an index and its run."""
    write_texts(folder / "texts", examples)
    texts, count = StoredTexts(folder / "texts", len(examples)), len(examples)
    spelled = examples.labelling.spell_all(examples.labels)
    columns = {
        "id": examples.ids,
        "label": spelled,
        "predicted_final": predicted,
        "loss_final": np.arange(count) / 10,
        "self_influence": np.ones(count),
    }
    part = SimpleNamespace(texts="texts", first=0, count=count)
    index = SimpleNamespace(
        path=folder,
        manifest=SimpleNamespace(examples=count, parts=[part], checkpoints=[]),
        removed=np.empty(0, np.int64),
        count=count,
        table=pa.table(columns),
        texts=[texts],
        column=lambda name: index.table[name].to_numpy(),
        take=lambda rows, run: texts.take(rows, run.labelling),
    )
    generates = examples.label_names == ("completion",)
    run = SimpleNamespace(
        labelling=Labelling(examples.kind, examples.label_names),
        generates=generates,
        chats=chats,
        has_pairs=examples.has_pairs,
        tokenizer=None,
    )
    return index, run


def test_a_set_of_labels_is_filtered_by_one_of_them_and_counts_for_each(tmp_path: Path) -> None:
    labels = np.array([[1, 0, 0], [1, 1, 0], [0, 0, 0], [0, 1, 1]], np.float32)
    examples = Examples.of(list("abcd"), labels, ("rude", "threat", "spam"), kind="set")
    said = ["{rude}", "{rude}", "{}", "{threat, spam}"]
    table = RowTable(*opened(tmp_path, examples, said))
    assert table.select(Filters(label="rude")).tolist() == [0, 1]
    assert table.select(Filters(label="not rude")).tolist() == [2, 3]
    assert table.select(Filters(label="{rude}")).tolist() == [0]
    assert table.select(Filters(predicted="spam")).tolist() == [3]
    assert table.select(Filters(right=False)).tolist() == [1]
    counts = table.distribution("label", Filters(right=True))
    assert counts is not None
    assert [(bar.name, bar.all, bar.matching) for bar in counts.bars] == [
        ("rude", 2, 1),
        ("threat", 2, 1),
        ("spam", 1, 1),
    ]


def test_numbers_are_neither_right_nor_suspicious_but_spread_over_ranges(tmp_path: Path) -> None:
    labels = np.array([[1.5], [-3], [10]], np.float32)
    examples = Examples.of(list("abc"), labels, (), kind="number")
    table = RowTable(*opened(tmp_path, examples, ["1.25", "2", "-7"]))
    assert [row.row for row in table.rows(Filters(), sort="label").rows] == [1, 0, 2]
    assert table.select(Filters(label="-3")).tolist() == [1]
    assert [row.right for row in table.read(np.arange(3))] == [None] * 3
    counts = table.distribution("predicted", Filters())
    assert counts is not None
    assert counts.bars[0].first is not None
    assert counts.bars[0].first <= -7 < 2 < (counts.bars[-1].end or 0)
    assert table.distribution("right", Filters()) is None
    assert table.distribution("suspicion", Filters()) is None
    assert not table.columns.suspicion_known()
    with pytest.raises(InputError, match="this run predicts numbers"):
        table.select(Filters(suspicion_from=1))
    with pytest.raises(InputError, match="right is for labels that are classes"):
        table.select(Filters(right=True))


def test_a_language_models_rows_have_no_label(tmp_path: Path) -> None:
    examples = Examples.of(["ask", "say"], [0, 0], ("completion",), texts2=["an answer", "A word"])
    table = RowTable(*opened(tmp_path, examples, ["completion"] * 2))
    row = table.read(np.array([1]), suspicion=False)[0]
    assert (row.label, row.predicted, row.right, row.text2) == (None, None, None, "A word")
    assert table.select(Filters(q="a word")).tolist() == [1]  # one in each text of the pair
    assert table.distribution("label", Filters()) is None
    for name in ("label", "predicted"):
        with pytest.raises(InputError, match=f"{name}: the examples of a language model"):
            table.select(Filters(**{name: "completion"}))


def test_a_conversation_is_searched_in_what_its_messages_say(tmp_path: Path) -> None:
    said = ["the user asks", 'a "quoted"\nice word', "Straße CAFÉ"]
    documents = [
        json.dumps({"messages": [{"role": "user", "content": one}]}, ensure_ascii=False)
        for one in said
    ]
    examples = Examples.of(documents, [0] * 3, ("completion",))
    search = RowSearch(*opened(tmp_path, examples, ["completion"] * 3, chats=True))
    for q, rows in {
        "user": [0],  # the role of all
        "content": [],
        "nice": [],  # across the escaped end of a line
        "ice": [1],
        "straße café": [2],
        "a": [0, 1, 2],
    }.items():
        assert np.flatnonzero(search.find(q)).tolist() == rows, q


def test_texts_that_are_damaged_are_not_searched(tmp_path: Path) -> None:
    examples = Examples.of(["one", "two"], [0, 1], ("a", "b"))
    index, run = opened(tmp_path, examples, ["a", "b"])
    arrays = dict(index.texts[0]._arrays)
    index.texts[0]._arrays = arrays | {"text_offsets": np.array([0, 900, 6])}
    with pytest.raises(CorruptError, match="is damaged; build the index again"):
        RowSearch(index, run)

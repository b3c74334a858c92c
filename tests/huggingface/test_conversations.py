"""Trainings by SFTTrainer on conversations, recorded without a flag and traced."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import wordtrace as wt
from tests.command import wordtrace
from tests.conftest import make_examples
from tests.huggingface.chats import chat_tokenizer, fine_tune
from tests.huggingface.test_completions import weight_of
from tests.oracles.weights import since

transformers = pytest.importorskip("transformers")
pytest.importorskip("trl")

QUESTION, ANSWER = "the coach of the club", "wins a cup"
QUERY = {
    "messages": [
        {"role": "user", "content": QUESTION},
        {"role": "assistant", "content": ANSWER},
    ]
}


def conversations() -> list[dict[str, Any]]:
    """Half of each toy text is asked, half is answered."""
    found = []
    for text in make_examples(24).texts:
        cut = len(text) // 2
        user = {"role": "user", "content": text[:cut]}
        found.append({"messages": [user, {"role": "assistant", "content": text[cut:]}]})
    return found


def written(rows: list[dict[str, Any]], path: Path) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.fixture(scope="module")
def chat(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Path, wt.Run]:
    """A run of conversations, by TRL's default: all tokens count."""
    folder = tmp_path_factory.mktemp("chat")
    trainer = fine_tune(chat_tokenizer("qwen2_5"), conversations(), folder / "out")
    data = written(conversations(), folder / "data.jsonl")
    return trainer, folder / "out", wt.record(folder / "out", data, folder / "run")


def gradient(folder: Path, ids: list[int], labels: list[int]) -> torch.Tensor:
    """∂ℓ/∂Θ through the lookup alone, of transformers' own loss."""
    model = transformers.AutoModelForCausalLM.from_pretrained(folder).double().eval()
    head = model.get_output_embeddings()
    head.weight = torch.nn.Parameter(head.weight.detach().clone())
    table = model.get_input_embeddings()
    loss = model(input_ids=torch.tensor([ids]), labels=torch.tensor([labels])).loss
    (found,) = torch.autograd.grad(loss, [table.weight])
    return found


def test_the_form_is_told_and_kept(chat: tuple[Any, Path, wt.Run]) -> None:
    trainer, _, run = chat
    assert run.manifest.notes is not None
    (note,) = [one for one in run.manifest.notes if "read as" in one]
    assert note.startswith("The data were read as messages.")
    assert "The loss asks for all tokens, as TRL does by default" in note
    for row, one in enumerate(trainer.train_dataset):
        assert run.encoded[row].tolist() == one["input_ids"]
    # From the run alone: the tokenizer's folder is not asked.
    opened = wt.Run.open(run.path)
    assert (opened.encoded.ids == run.encoded.ids).all()


def test_scores_are_the_products_of_the_gradients_of_trls_own_rows(
    chat: tuple[Any, Path, wt.Run],
) -> None:
    trainer, output, run = chat
    found = wt.influence(run, [QUERY], "tracin-we")[0]
    tokens = trainer.processing_class
    ids = tokens.apply_chat_template(QUERY["messages"])["input_ids"]
    asked = tokens.apply_chat_template(QUERY["messages"][:1], add_generation_prompt=True)
    before = len(asked["input_ids"])
    labels = [-100] * before + ids[before:]
    every = [one["labels"] for one in trainer.train_dataset]
    expected = np.zeros(len(found))
    for point in run.checkpoints:
        folder = output / f"checkpoint-{point.step}"
        query = gradient(folder, ids, labels) * weight_of(labels, every)
        for row, one in enumerate(trainer.train_dataset):
            other = gradient(folder, one["input_ids"], one["labels"])
            product = float((query * other).sum()) * weight_of(one["labels"], every)
            expected[row] += since(run, point) * product
    scale = np.abs(expected).max()
    np.testing.assert_allclose(found / scale, expected / scale, atol=2e-5)


def test_a_row_of_which_no_token_counts_has_no_influence(tmp_path: Path) -> None:
    rows = [
        {"prompt": one["messages"][:1], "completion": one["messages"][1:]}
        for one in conversations()
    ]
    rows[5]["prompt"] = [{"role": "user", "content": "the coach " * 40}]
    trainer = fine_tune(chat_tokenizer("llama3"), rows, tmp_path / "out", max_length=40)
    assert len(trainer.train_dataset) == len(rows) - 1
    run = wt.record(tmp_path / "out", rows, tmp_path / "run", max_length=40)
    assert run.manifest.notes is not None
    assert any("prompt and completion" in note for note in run.manifest.notes)
    scores = wt.influence(run, [QUERY], "tracin-we")[0]
    assert np.flatnonzero(scores == 0).tolist() == [5]
    index = wt.build_index(run, workers=1)
    assert index.trace([QUERY], top=1).proponents
    with pytest.raises(wt.WordtraceError, match="query 0 has no answer of the assistant in its"):
        wt.influence(run, [{"messages": [rows[5]["prompt"][0], QUERY["messages"][1]]}])


@pytest.fixture(scope="module")
def index(chat: tuple[Any, Path, wt.Run]) -> wt.Index:
    return wt.build_index(chat[2], workers=1, top_k=None, dtype="float32")


@pytest.mark.parametrize("words", [False, True])
def test_words_carry_their_role_and_the_template_is_one_item_a_stretch(
    index: wt.Index, words: bool
) -> None:
    trace = index.trace([QUERY], top=3, words=words)
    (query,) = trace.queries
    start = query.text.index(QUESTION)
    assert query.turns is not None
    assert [one.role for one in query.turns] == ["user", "assistant"]
    assert (query.turns[0].start, query.turns[0].end) == (start, start + len(QUESTION))
    for hit in [*query.proponents, *query.opponents]:
        assert hit.contributions is not None
        assert hit.turns is not None
        total = sum(word.contribution for word in hit.contributions)
        assert total == pytest.approx(hit.score, rel=1e-3, abs=1e-6)
        for word in hit.contributions:
            for _, first, last in word.spans:
                inside = [one.role for one in hit.turns if one.start < last and first < one.end]
                assert inside == ([] if word.role == "template" else [word.role])
            if word.role == "template":
                assert word.kind == "special"
    roles = {word.role for hit in query.proponents for word in hit.contributions or ()}
    assert roles == {"user", "assistant", "template"}
    document = json.loads(json.dumps(trace.document()))
    (asked,) = document["queries"]
    assert asked["turns"][1] == {
        "role": "assistant",
        "start": query.text.rindex(ANSWER),
        "end": query.text.rindex(ANSWER) + len(ANSWER),
    }
    names = [one["token"] for one in asked["words"] if one["role"] == "template"]
    assert "<|im_end|>⏎<|im_start|>assistant⏎" in names


def test_queries_are_conversations_pairs_and_questions(index: wt.Index) -> None:
    whole = index.trace([QUERY], top=2).queries[0]
    pair = index.trace((QUESTION, ANSWER), top=2).queries[0]
    assert [hit.score for hit in pair.proponents] == [hit.score for hit in whole.proponents]
    (alone,) = index.trace(QUESTION, top=2).queries
    assert alone.label_source == "predicted"
    assert whole.label_source == "given"
    assert alone.turns is not None
    assert alone.turns[-1].role == "assistant"
    with pytest.raises(wt.WordtraceError, match="query 0: message 0 of 'messages' has no role"):
        index.trace([{"messages": [{"content": "x"}]}])


def test_a_span_is_a_part_of_the_answer(index: wt.Index) -> None:
    (query,) = index.trace([QUERY], top=2, span="a cup").queries
    assert query.span is not None
    _, start, end = query.span
    assert query.text[start:end] == "a cup"
    with pytest.raises(wt.WordtraceError, match="is not in the answer"):
        index.trace([QUERY], span="coach")


def test_bm25_reads_what_the_messages_say(index: wt.Index) -> None:
    scores = wt.influence(index.run, [("role content messages", "role")], "bm25")
    assert not scores.any()
    assert wt.influence(index.run, [QUERY], "bm25").any()


def test_a_chat_file_by_command_and_how_it_is_shown(index: wt.Index, tmp_path: Path) -> None:
    place = index.folder.path
    asked = tmp_path / "q.json"
    asked.write_text(json.dumps(QUERY))
    page = tmp_path / "why.html"
    shown = wordtrace("trace", place, "--chat", asked, "--top", 2, "--bm25").stdout
    assert "Why this answer?" in shown
    assert "completion" not in shown
    lines = [line.strip() for line in shown.splitlines()]
    assert lines.index("user") < lines.index("assistant")
    assert "<|im_start|>user" not in shown.replace("template <|im_start|>user", "")
    wordtrace("trace", place, "--chat", asked, "--top", 2, "--out", page)
    html = page.read_text()
    assert '<p class="role"><bdi>assistant</bdi></p>' in html
    assert "completion" not in html
    several = written([QUERY, QUERY], tmp_path / "q.jsonl")
    found = json.loads(wordtrace("trace", place, "--chat", several, "--top", 2, "--json").stdout)
    assert len(found["queries"]) == 2
    matrix = tmp_path / "scores.csv"
    wordtrace("scores", place, "--queries", several, "--out", matrix)
    best = found["queries"][0]["proponents"][0]
    (row,) = [one for one in matrix.read_text().splitlines() if one.startswith(f"{best['id']},")]
    assert float(row.split(",")[1]) == pytest.approx(best["score"], rel=1e-4)
    table = index.trace([QUERY], top=2).table()
    assert not {"label", "explained"} & set(table.column_names)


def test_examples_are_added_as_conversations(
    chat: tuple[Any, Path, wt.Run], tmp_path: Path
) -> None:
    small = wt.build_index(chat[2], tmp_path / "index", workers=1)
    small.add([{"id": "new", **QUERY}], workers=1)
    trace = small.trace([QUERY], top=len(chat[2].train) + 1)
    assert trace.proponents[0].id == "new"
    assert trace.proponents[0].turns is not None


def test_examples_may_hold_conversations_and_the_loss_may_be_named(
    chat: tuple[Any, Path, wt.Run], tmp_path: Path
) -> None:
    _, output, run = chat
    examples = wt.Examples.of(run.train.texts, [-1] * len(run.train), ("none", "at all"))
    named = wt.record(output, examples, tmp_path / "run", loss="completion")
    assert (named.encoded.ids == run.encoded.ids).all()
    assert named.encoded.counted is not None
    assert run.encoded.counted is not None
    assert run.encoded.counted.all()
    assert 0 < named.encoded.counted.sum() < len(named.encoded.ids)
    assert named.fingerprint != run.fingerprint
    with pytest.raises(wt.WordtraceError, match="the data holds no conversations"):
        wt.record(output, [{"text": "a"}], tmp_path / "other", loss="assistant")

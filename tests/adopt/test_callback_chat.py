"""Conversations are read back from the Trainer's tokens, and traces show them by role."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import wordtrace as wt
from tests.conftest import make_examples
from tests.huggingface.chats import FAMILIES, chat_model, chat_tokenizer
from wordtrace.data.conversations import Conversation
from wordtrace.models.chat_reader import ChatReader
from wordtrace.models.chat_template import ChatTemplate
from wordtrace.run.kept_tokens import TOKENS, counted_tokens

pytest.importorskip("transformers")
pytest.importorskip("trl")
datasets = pytest.importorskip("datasets")


def said(*roles_and_texts: str) -> list[dict[str, str]]:
    pairs = zip(roles_and_texts[::2], roles_and_texts[1::2], strict=True)
    return [{"role": role, "content": text} for role, text in pairs]


TALKS = {
    "one turn": said("user", "who wins the cup ?", "assistant", "the striker does"),
    "two turns": said(
        *("user", "who wins ?", "assistant", "the team\nin red", "user", "why ?"),
        *("assistant", "it has a coach : <b>him</b>"),
    ),
    "told how": said("system", "be short", "user", "a film ?", "assistant", "a drama"),
    "a question": said("user", "who wins the cup ?"),
}


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("talk", TALKS)
def test_messages_are_read_from_what_a_template_wrote(family: str, talk: str) -> None:
    if family == "gemma" and talk == "told how":
        pytest.skip("its template refuses a message of the system")
    template = ChatTemplate.of(chat_tokenizer(family))
    assert template is not None
    reader = ChatReader(template)
    text = template.write(Conversation((), tuple(TALKS[talk]))).text
    found = reader.read(text)
    assert found is not None
    assert template.write(found).text == text
    assert [one["content"] for one in found.messages][-1] == TALKS[talk][-1]["content"]
    assert [one["role"] for one in found.messages][-2:] == [one["role"] for one in TALKS[talk][-2:]]


@pytest.mark.parametrize("family", ["qwen2_5", "llama3", "chatml"])
def test_a_text_that_was_cut_anywhere_is_a_conversation_s_beginning(family: str) -> None:
    template = ChatTemplate.of(chat_tokenizer(family))
    assert template is not None
    reader = ChatReader(template)
    text = template.write(Conversation((), tuple(TALKS["two turns"]))).text
    for cut in range(text.index("who"), len(text) + 1):
        found = reader.read(text[:cut])
        assert found is not None, text[:cut]
        # Llama's template trims what is said.
        kept = text[:cut].rstrip() if family == "llama3" else text[:cut]
        assert template.write(found).text.startswith(kept)
    assert reader.read("no conversation at all") is None


def trained(
    folder: Path,
    rows: list[dict[str, Any]],
    callback: Any,
    family: str = "qwen2_5",
    **settings: Any,
) -> Any:
    import peft
    import trl

    from tests.huggingface.architectures import SETTINGS

    tokens = chat_tokenizer(family)
    model = chat_model(len(tokens))
    for one in (model, tokens):
        one.save_pretrained(folder / "base")
    trainer = trl.SFTTrainer(
        type(model).from_pretrained(folder / "base"),
        trl.SFTConfig(str(folder / "out"), **{**SETTINGS, "bf16": False, "seed": 7, **settings}),
        train_dataset=datasets.Dataset.from_list(rows),
        processing_class=tokens,
        peft_config=peft.LoraConfig(task_type="CAUSAL_LM", target_modules="all-linear"),
        callbacks=[callback],
    )
    trainer.train()
    return trainer


def conversations() -> list[dict[str, Any]]:
    found = []
    for text in make_examples(24).texts:
        cut = len(text) // 2
        talk = said("user", text[:cut].strip(), "assistant", text[cut:].strip())
        found.append({"messages": talk})
    return found


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, wt.Run]:
    """What the acceptance asks for: messages, LoRA, the answers' loss alone, packed rows."""
    folder = tmp_path_factory.mktemp("chat")
    callback = wt.TraceCallback(folder / "run", steps=(2, 4))
    settings = {"packing": True, "max_length": 256, "assistant_only_loss": True}
    trained(folder, conversations(), callback, per_device_train_batch_size=1, **settings)
    assert callback.run is not None
    return folder, callback.run


def test_a_packed_adapters_training_on_answers_is_one_line(packed: tuple[Path, wt.Run]) -> None:
    _, run = packed
    found = sorted(
        [one["content"] for one in Conversation.of(text).messages if one["role"] != "system"]
        for text in run.train.texts
    )
    expected = sorted([one["content"] for one in row["messages"]] for row in conversations())
    assert found == expected
    assert TOKENS not in run.manifest.files
    notes = " ".join(run.manifest.notes or ())
    assert "The loss asks for the tokens of the assistant's turns" in notes
    assert "packed the 24 examples" in notes


def test_a_trace_of_an_answer_shows_rows_and_words_by_role(packed: tuple[Path, wt.Run]) -> None:
    _, run = packed
    question = {"messages": said("user", "the coach of the club", "assistant", "wins a cup")}
    index = wt.build_index(run, top_k=None, workers=1)
    trace = index.trace(question, top=3)
    for hit in trace.proponents:
        assert [one.role for one in hit.turns or ()][-2:] == ["user", "assistant"]
        assert {one.role for one in hit.contributions or ()} & {"user", "assistant"}
        assert sum(value for _, value in hit.words) == pytest.approx(hit.score, rel=1e-3, abs=1e-6)


def test_it_is_what_record_makes_of_the_data(packed: tuple[Path, wt.Run]) -> None:
    import json

    folder, live = packed
    data = folder / "data.jsonl"
    data.write_text("".join(json.dumps(row) + "\n" for row in conversations()))
    run = wt.record(
        *(folder / "out", data, folder / "recorded"),
        loss="assistant",
        max_length=256,
        checkpoints=tuple(one.step for one in live.checkpoints),
    )
    assert [one.step for one in live.checkpoints] == [one.step for one in run.checkpoints]
    order = {
        Conversation.of(text).messages[-1]["content"]: row
        for row, text in enumerate(live.train.texts)
    }
    places = [order[Conversation.of(text).messages[-1]["content"]] for text in run.train.texts]
    question = {"messages": said("user", "the coach of the club", "assistant", "wins a cup")}
    found = [wt.influence(one, [question], "tracin-we")[0] for one in (live, run)]
    np.testing.assert_allclose(found[0][places], found[1], rtol=1e-4)


def test_rows_that_were_cut_and_answers_apart_from_their_questions(tmp_path: Path) -> None:
    """The loss of the completion's messages; the cut falls into contents and into headers."""
    rows = [
        {"prompt": one["messages"][:1], "completion": one["messages"][1:]}
        for one in conversations()
    ]
    callback = wt.TraceCallback(tmp_path / "run", steps=(2,))
    trainer = trained(tmp_path, rows, callback, "chatml", max_length=30, max_steps=3)
    run = callback.run
    assert run is not None
    mine = {tuple(one["input_ids"]): one["labels"] for one in trainer.train_dataset}
    assert {len(ids) for ids in mine} & {30}
    for row in range(len(run.train)):
        labels = mine[tuple(run.encoded[row].tolist())]
        counted = counted_tokens(run.encoded.between(row, row + 1))
        assert counted[1:].tolist() == [one != -100 for one in labels[1:]]
    for text in run.train.texts:
        assert [one["role"] for one in Conversation.of(text).messages][:1] == ["user"]


def test_a_row_of_another_template_keeps_its_own_tokens(tmp_path: Path) -> None:
    from transformers import DataCollatorForLanguageModeling, Trainer, TrainingArguments

    from tests.huggingface.architectures import SETTINGS

    tokens = chat_tokenizer("llama3")
    tokens.pad_token = tokens.eos_token
    ids = [tokens.apply_chat_template(one["messages"])["input_ids"] for one in conversations()]
    space = tokens("a  ", add_special_tokens=False)["input_ids"][-1]
    ids[3] = [*ids[3][:20], space]  # cut after a space, which the template would trim
    callback = wt.TraceCallback(tmp_path / "run", steps=(2,))
    Trainer(
        chat_model(len(tokens)),
        TrainingArguments(str(tmp_path / "out"), **{**SETTINGS, "max_steps": 3}),
        train_dataset=[{"input_ids": one} for one in ids],
        processing_class=tokens,
        data_collator=DataCollatorForLanguageModeling(tokens, mlm=False),
        callbacks=[callback],
    ).train()
    run = callback.run
    assert run is not None
    assert TOKENS in run.manifest.files
    assert [run.encoded[row].tolist() for row in range(24)] == ids
    shown = run.tokenizer.shown(run.train.texts[3])  # type: ignore[attr-defined]
    places = run.positions(run.train.take([3]))[0]
    assert [one.token for one in places] == ids[3]
    for one in places[:-1]:
        assert one.span is not None
        assert shown[one.span[1] : one.span[2]] == tokens.decode([one.token]).strip() or (
            tokens.decode([one.token]).isspace()
        )
    assert places[-1].span is None

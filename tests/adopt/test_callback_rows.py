"""The callback reads the Trainer's own rows: what it trains on is what is traced."""

from __future__ import annotations

import json
import random
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

import wordtrace as wt
from tests.adopt.callbacks import BERT, ROBERTA, language_model, silent
from tests.conftest import make_examples
from tests.huggingface.architectures import SETTINGS, fine_tune, tokenizer
from wordtrace import api
from wordtrace.adopt.trainer_rows import read_rows
from wordtrace.errors import DataError, InputError
from wordtrace.run.kept_tokens import TOKENS, counted_tokens

transformers = pytest.importorskip("transformers")

QUERIES = ["the striker of the market", "a drama with a coach , and growth"]
LABELS = ["sport", "film"]
STEPS = (2, 4, 6)


def scores(run: wt.Run | None) -> Any:
    assert run is not None
    return wt.influence(run, QUERIES, "tracin-we", label=LABELS)


@pytest.mark.parametrize("one", [BERT, ROBERTA], ids=["Bert", "Roberta"])
def test_one_line_gives_the_scores_of_a_recording_of_the_data(one: Any, tmp_path: Path) -> None:
    examples, callback = make_examples(32), wt.TraceCallback(tmp_path / "live", steps=STEPS)
    fine_tune(one, tmp_path / "out", examples, callbacks=[callback])
    run = wt.record(tmp_path / "out", examples, tmp_path / "run", max_length=24)
    live = callback.run
    assert live is not None
    np.testing.assert_array_equal(live.encoded.ids, run.encoded.ids)
    np.testing.assert_array_equal(live.train.labels, run.train.labels)
    assert live.label_names == run.label_names
    assert live.train.ids == [str(row) for row in range(32)]
    np.testing.assert_allclose(scores(live), scores(run), rtol=1e-5)
    assert not callback.folder.exists()


def test_reading_the_rows_draws_no_random_number(tmp_path: Path) -> None:
    """A collator may draw (which words to mask, say); the training must find all as it was."""
    from types import SimpleNamespace

    from wordtrace.adopt.trainer_rows import read_rows
    from wordtrace.models.tokenizer import Tokenizer

    def collate(rows: list[dict[str, Any]]) -> dict[str, Any]:
        drawn = (random.random(), np.random.rand(), float(torch.rand(1)))  # noqa: NPY002
        assert all(0 <= one < 1 for one in drawn)
        (row,) = rows
        return {"input_ids": [row.pop("input_ids")], "labels": [row.pop("labels")]}

    data = [{"input_ids": [2, row + 5, 3], "labels": row} for row in range(4)]
    kept = Tokenizer(tokenizer("wordpiece").backend_tokenizer, 24)
    seeded = [random.seed, np.random.seed, torch.manual_seed]

    def following() -> list[float]:
        return [random.random(), np.random.rand(), float(torch.rand(1))]  # noqa: NPY002

    for seed in seeded:
        seed(5)
    expected = following()
    for seed in seeded:
        seed(5)
    rows = read_rows(SimpleNamespace(dataset=data, collate_fn=collate), kept, False)
    assert following() == expected
    assert data[3] == {"input_ids": [2, 8, 3], "labels": 3}
    assert [rows.encoded[row].tolist() for row in range(4)] == [[2, row + 5, 3] for row in range(4)]


@pytest.mark.parametrize("one", [BERT, ROBERTA], ids=["token types", "separators"])
def test_pairs_are_told_by_what_stands_between_them(one: Any, tmp_path: Path) -> None:
    plain = make_examples(16)
    pairs = api.Examples.of(
        plain.texts, plain.labels, plain.label_names, texts2=plain.texts[::-1], source="pairs"
    )
    callback = wt.TraceCallback(tmp_path / "live")
    silent(tmp_path / "out", callback, one, pairs)
    run = callback.run
    assert run is not None
    assert run.has_pairs
    assert TOKENS not in run.manifest.files
    copy = wt.TraceCallback(tmp_path / "copy", pairs, max_length=24)
    silent(tmp_path / "out2", copy, one, pairs)
    assert copy.run is not None
    np.testing.assert_array_equal(run.encoded.ids, copy.run.encoded.ids)
    assert copy.run.train.texts2 == plain.texts[::-1]


def test_tokens_that_no_text_would_give_again_are_kept(tmp_path: Path) -> None:
    """A training whose rows are cut in a way of its own: in the middle, without an end."""
    import datasets
    from transformers import DataCollatorWithPadding, Trainer, TrainingArguments

    from tests.huggingface.architectures import model_of

    tokens, examples = tokenizer("wordpiece"), make_examples(32)
    ids = [tokens(text)["input_ids"][2:9] for text in examples.texts]
    rows = datasets.Dataset.from_dict(
        {
            "input_ids": ids,
            "labels": examples.labels.tolist(),
            "id": [f"r{row}" for row in range(32)],
        }
    )
    callback = wt.TraceCallback(tmp_path / "live")
    trainer = Trainer(
        model_of(BERT, tokens, examples.label_names),
        TrainingArguments(
            str(tmp_path / "out"),
            **{**SETTINGS, "save_strategy": "no", "remove_unused_columns": False},
        ),
        train_dataset=rows,
        processing_class=tokens,
        data_collator=lambda some: DataCollatorWithPadding(tokens)(
            [{key: one for key, one in each.items() if key != "id"} for each in some]
        ),
        callbacks=[callback],
    )
    trainer.train()
    run = callback.run
    assert run is not None
    assert run.train.ids[:2] == ["r0", "r1"]
    assert [run.encoded[row].tolist() for row in range(32)] == ids
    assert TOKENS in run.manifest.files
    assert not run.check()
    assert any("32 of 32 training rows are kept" in note for note in run.manifest.notes or ())
    index = wt.build_index(run, top_k=None, workers=1)
    trace = index.trace(run.train.texts[3], label="sport", measure="tracin-we", top=32)
    # What is shown is not what the user wrote, and that is said beside it and of the run.
    said = "The texts of the training rows are as the tokenizer wrote them back from their tokens"
    assert any(note.startswith(said) for note in run.manifest.notes or ())
    trace.save(tmp_path / "trace.json")
    for shown in (trace, wt.load(tmp_path / "trace.json")):
        shown.save(tmp_path / "trace.html")
        assert said in (tmp_path / "trace.html").read_text()
    exact = wt.influence(run, [run.train.texts[3]], "tracin-we", label=["sport"])[0]
    for hit in (*trace.proponents, *trace.opponents):
        row = run.train.row_of(hit.id)
        assert hit.score == pytest.approx(float(exact[row]), rel=1e-3, abs=1e-6)
        assert sum(value for _, value in hit.words) == pytest.approx(hit.score, rel=1e-3, abs=1e-6)
        for word in hit.contributions or ():
            for field, start, end in word.spans:
                assert field == "text"
                assert hit.text[start:end].lower() == word.token.removeprefix("##")


def test_a_second_copy_gives_texts_and_ids_and_is_compared(tmp_path: Path) -> None:
    examples = make_examples(32)
    ids = [f"n{row}" for row in range(32)]
    copy = api.Examples.of(
        examples.texts, examples.labels, examples.label_names, ids=ids, source="mine.csv"
    )

    def refused(message: str, given: api.Examples) -> None:
        callback = wt.TraceCallback(tmp_path / "live", given, max_length=24)
        with pytest.raises(DataError, match=message):
            silent(tmp_path / "out", callback)
        assert not callback.folder.exists()

    texts = [*examples.texts[:5], "the other text", *examples.texts[6:]]
    refused(
        r"mine.csv: row 5 \('n5'\) is not what the Trainer trains on: its token \d+ is ",
        api.Examples.of(texts, examples.labels, examples.label_names, ids=ids, source="mine.csv"),
    )
    labels = examples.labels.copy()
    labels[7] = (labels[7] + 1) % 3
    refused(r"row 7 \('n7'\) has the label '\w+', the Trainer trains on", copy.with_labels(labels))
    refused("mine.csv has 31 rows, the Trainer trains on 32", copy.take(range(31)))
    callback = wt.TraceCallback(tmp_path / "live", copy, max_length=24)
    silent(tmp_path / "out", callback)
    assert callback.run is not None
    assert callback.run.train.ids == ids
    assert callback.run.manifest.source == "mine.csv"
    assert not any("wrote them back" in note for note in callback.run.manifest.notes or ())


def test_texts_in_place_of_tokens_name_the_way_that_there_is() -> None:
    """As sentence-transformers' CrossEncoder takes them, whose loss makes the tokens."""
    loader = SimpleNamespace(
        dataset=[{"first": "a goal", "second": "the team", "label": 1.0}],
        collate_fn=lambda rows: {
            "label": [1.0], **{name: [rows[0][name]] for name in ("first", "second")}
        },
    )  # fmt: skip
    with pytest.raises(InputError, match=r"CrossEncoder; let its Trainer save .* by wt\.record"):
        read_rows(loader, None, generates=False)
    loader.collate_fn = lambda rows: {"label": [1.0]}
    with pytest.raises(InputError, match=r"has no input_ids \(its batch has label\)"):
        read_rows(loader, None, generates=False)


def test_the_best_weights_are_those_that_predict(tmp_path: Path) -> None:
    """With load_best_model_at_end a Trainer ends with other weights than its last step's."""
    from transformers import DataCollatorWithPadding, Trainer, TrainingArguments

    from tests.huggingface.architectures import model_of

    tokens, examples = tokenizer("wordpiece"), make_examples(32)
    rows = [
        {**tokens(text, truncation=True, max_length=24), "labels": label}
        for text, label in zip(examples.texts, examples.labels.tolist(), strict=True)
    ]
    callback = wt.TraceCallback(tmp_path / "run", steps=(4,))
    # The highest loss is called the best, so that it is that of an early step.
    best = {"load_best_model_at_end": True, "metric_for_best_model": "eval_loss"}
    best |= {"greater_is_better": True}
    trainer = Trainer(
        model_of(BERT, tokens, examples.label_names),
        TrainingArguments(
            str(tmp_path / "out"),
            **{**SETTINGS, **best, "eval_strategy": "steps", "eval_steps": 2},
        ),
        train_dataset=rows,
        eval_dataset=rows[:8],
        processing_class=tokens,
        data_collator=DataCollatorWithPadding(tokens),
        callbacks=[callback],
    )
    trainer.train()
    step = int(Path(trainer.state.best_model_checkpoint).name.removeprefix("checkpoint-"))
    assert step < 8
    run = callback.run
    assert run is not None
    assert run.final.step == step
    expected = trainer.model.state_dict()
    for name, value in run.model(run.final).module.state_dict().items():
        torch.testing.assert_close(value, expected[name])


def test_the_recording_holds_what_the_trainer_logged(tmp_path: Path) -> None:
    callback = wt.TraceCallback(tmp_path / "run", steps=(2,), checkpoints=(3,))
    with pytest.warns(UserWarning, match="no run was made"):
        trainer = silent(tmp_path / "out", callback, logging_steps=1)
    states = {
        step: json.loads((callback.folder / f"checkpoint-{step}/trainer_state.json").read_text())
        for step in (2, 8)
    }
    assert states[8]["log_history"] == trainer.state.log_history
    assert [entry["step"] for entry in states[8]["log_history"][:-1]] == list(range(1, 9))
    assert states[2]["epoch"] == 0.5


def test_a_pad_token_that_ends_texts_does_not_count(tmp_path: Path) -> None:
    """The usual pad = eos: the collator masks the end token, and the run asks not for it."""
    from transformers import DataCollatorForLanguageModeling, Trainer, TrainingArguments

    tokens = tokenizer("bytes")
    tokens.eos_token = tokens.pad_token = "</s>"
    texts = make_examples(16).texts
    rows = [{"input_ids": [*tokens(text)["input_ids"][:15], tokens.eos_token_id]} for text in texts]
    callback = wt.TraceCallback(tmp_path / "run")
    Trainer(
        language_model(tokens),
        TrainingArguments(str(tmp_path / "out"), **{**SETTINGS, "save_strategy": "no"}),
        train_dataset=rows,
        processing_class=tokens,
        data_collator=DataCollatorForLanguageModeling(tokens, mlm=False),
        callbacks=[callback],
    ).train()
    run = callback.run
    assert run is not None
    counted = counted_tokens(run.encoded)
    for row, given in enumerate(rows):
        assert run.encoded[row].tolist() == given["input_ids"]
        here = counted[run.encoded.offsets[row] : run.encoded.offsets[row + 1]]
        assert here[1:].tolist() == [True] * (len(here) - 2) + [False]
        assert texts[row].startswith(run.train.texts[row])
    # The loss of a row is that of transformers with the end token masked.
    model = run.model(run.final)
    from wordtrace.models import predict

    found = predict.losses(model.outputs, predict.logits(model, run.encoded), run.train.labels)
    for row in (0, 7):
        ids = torch.tensor([rows[row]["input_ids"]])
        labels = ids.masked_fill(ids == tokens.eos_token_id, -100)
        expected = model.module(input_ids=ids, labels=labels).loss
        assert float(found[row]) == pytest.approx(float(expected), rel=1e-5)
    index = wt.build_index(run, top_k=None, workers=1)
    exact = wt.influence(run, ["the match of the team"], "tracin-we")[0]
    hit = index.trace("the match of the team", measure="tracin-we", top=1).proponents[0]
    assert hit.score == pytest.approx(float(exact[run.train.row_of(hit.id)]), rel=1e-3)

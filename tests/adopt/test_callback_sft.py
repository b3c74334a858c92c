"""TRL's SFTTrainer with nothing but the callback: completions, adapters and packed rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import wordtrace as wt
from tests.adopt.callbacks import language_model
from tests.conftest import make_examples
from tests.huggingface.architectures import SETTINGS, tokenizer, with_adapter
from wordtrace.errors import DataError
from wordtrace.run.kept_tokens import TOKENS

transformers = pytest.importorskip("transformers")
trl = pytest.importorskip("trl")
datasets = pytest.importorskip("datasets")

QUERY = ("the coach of the", " club wins a cup")


def rows() -> list[dict[str, str]]:
    words = [text.split(" ") for text in make_examples(24).texts]
    return [
        {
            "prompt": " ".join(one[: len(one) // 2]),
            "completion": " " + " ".join(one[len(one) // 2 :]),
        }
        for one in words
    ]


def sft(folder: Path, callback: Any, adapter: bool = False, **settings: Any) -> Any:
    tokens = tokenizer("bytes")
    tokens.eos_token, tokens.model_max_length = "</s>", 64
    model = language_model(tokens, "Llama")
    if adapter:
        model = with_adapter(
            *(model, tokens, folder / "base", transformers.AutoModelForCausalLM),
            task_type="CAUSAL_LM",
            target_modules="all-linear",
        )
    arguments = trl.SFTConfig(
        str(folder / "out"),
        **{**SETTINGS, "max_length": 48, "bf16": False, "completion_only_loss": True, **settings},
    )
    trainer = trl.SFTTrainer(
        model,
        arguments,
        train_dataset=datasets.Dataset.from_list(rows()),
        processing_class=tokens,
        callbacks=[callback] if callback else None,
    )
    trainer.train()
    return trainer


def data(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    datasets.Dataset.from_list(rows()).to_json(file := folder / "data.jsonl")
    return file


def test_prompts_and_completions_are_those_of_the_data(tmp_path: Path) -> None:
    callback = wt.TraceCallback(tmp_path / "live", steps=(2, 4))
    sft(tmp_path, callback)
    live = callback.run
    assert live is not None
    assert TOKENS not in live.manifest.files
    assert live.train.texts == [one["prompt"] for one in rows()]
    assert live.train.texts2 == [one["completion"] for one in rows()]
    run = wt.record(
        *(tmp_path / "out", data(tmp_path), tmp_path / "run"),
        max_length=48,
        checkpoints=tuple(one.step for one in live.checkpoints),
    )
    np.testing.assert_array_equal(live.encoded.ids, run.encoded.ids)
    assert [one.step for one in run.checkpoints] == [one.step for one in live.checkpoints]
    found = [wt.influence(one, [QUERY], "tracin-we") for one in (live, run)]
    np.testing.assert_allclose(found[0], found[1], rtol=1e-5)


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, wt.Run, Any]:
    """An adapter's training on packed rows, with the callback and without wordtrace's help."""
    folder = tmp_path_factory.mktemp("packed")
    callback = wt.TraceCallback(folder / "live", steps=(2, 4))
    settings = {"per_device_train_batch_size": 2, "gradient_accumulation_steps": 2}
    trainer = sft(folder, callback, adapter=True, packing=True, **settings)
    assert callback.run is not None
    return folder, callback.run, trainer


def test_packed_rows_are_the_examples_again(packed: tuple[Path, wt.Run, Any]) -> None:
    _, run, trainer = packed
    assert len(trainer.train_dataset) < 24
    found = sorted(zip(run.train.texts, run.train.texts2 or (), strict=True))
    assert found == sorted((one["prompt"], one["completion"]) for one in rows())
    assert TOKENS not in run.manifest.files
    notes = " ".join(run.manifest.notes or ())
    assert f"packed the 24 examples into {len(trainer.train_dataset)} rows" in notes
    assert "is it the training data?" not in notes
    trace = wt.build_index(run, top_k=None, workers=1).trace(QUERY, top=3)
    assert trace.proponents[0].words


def test_packing_raises_no_alarm_without_the_callback(packed: tuple[Path, wt.Run, Any]) -> None:
    folder, live, _ = packed
    run = wt.record(
        *(folder / "out", data(folder), folder / "run"),
        max_length=48,
        checkpoints=(2, 4),
    )
    notes = " ".join(run.manifest.notes or ())
    assert "is it the training data?" not in notes
    order = [live.train.texts.index(text) for text in run.train.texts]
    found = [wt.influence(one, [QUERY], "tracin-we")[0] for one in (live, run)]
    if [one.step for one in live.checkpoints] == [one.step for one in run.checkpoints]:
        np.testing.assert_allclose(found[0][order], found[1], rtol=1e-4)


def test_packed_rows_are_matched_with_a_second_copy_by_their_tokens(tmp_path: Path) -> None:
    file = data(tmp_path)
    callback = wt.TraceCallback(tmp_path / "run", file)
    sft(tmp_path, callback, packing=True, max_steps=2)
    assert callback.run is not None
    assert sorted(callback.run.train.ids, key=int) == [str(row) for row in range(24)]
    for id, text in zip(callback.run.train.ids, callback.run.train.texts, strict=True):
        assert rows()[int(id)]["prompt"] == text
    other = tmp_path / "other.jsonl"
    other.write_text(file.read_text().replace("the", "a"))
    with pytest.raises(DataError, match="has no row with the tokens of example 0 of the packed"):
        sft(tmp_path, wt.TraceCallback(tmp_path / "no", other), packing=True)


def test_packing_that_cuts_rows_is_said_and_trains_on(tmp_path: Path) -> None:
    callback = wt.TraceCallback(tmp_path / "run")
    with pytest.warns(UserWarning, match='packing_strategy="wrapped" cuts examples'):
        trainer = sft(tmp_path, callback, packing=True, packing_strategy="wrapped", max_steps=2)
    assert trainer.state.global_step == 2
    assert callback.run is None

"""The rates of an adopted training are those of that training, and of the embedding's group."""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

import wordtrace as wt
from tests.conftest import make_examples
from tests.huggingface.architectures import ARCHITECTURES, fine_tune, model_of, tokenizer
from wordtrace.adopt.learning_rates import rates_of
from wordtrace.adopt.trainer_folder import checkpoints_of

pytest.importorskip("transformers")

BERT = ARCHITECTURES[0]
STEPS = 12


def cosine(peak: float, step: int) -> float:
    """The rate that a cosine schedule without warm-up uses for a step, counted from 1."""
    return peak * (1 + math.cos(math.pi * (step - 1) / STEPS)) / 2


def two_groups(model: Any, embedding: float, rest: float, momentum: float = 0.9) -> Any:
    """An optimizer that trains the word embedding, listed last, at a rate of its own."""
    table = model.get_input_embeddings().weight
    others = [one for one in model.parameters() if one is not table and one.requires_grad]
    return torch.optim.SGD(
        [{"params": others, "lr": rest}, {"params": [table], "lr": embedding}], momentum=momentum
    )


def train(folder: Path, *, model: Any = None, optimizer: Any = None, **arguments: Any) -> Path:
    fine_tune(
        BERT,
        folder,
        make_examples(32),
        model=model,
        optimizers=(optimizer, None),
        **{
            "lr_scheduler_type": "cosine",
            "num_train_epochs": 3,
            "learning_rate": 3e-3,
            **arguments,
        },
    )
    return folder


@pytest.fixture(scope="module")
def grouped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    model = model_of(BERT, tokenizer("wordpiece"), make_examples(32).label_names)
    folder = tmp_path_factory.mktemp("grouped") / "out"
    return train(folder, model=model, optimizer=two_groups(model, 7e-3, 1e-3))


@pytest.fixture(scope="module")
def adapted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A LoRA adapter whose base was written by an old transformers."""
    peft = pytest.importorskip("peft")
    from transformers import AutoModelForSequenceClassification

    folder = tmp_path_factory.mktemp("adapted")
    tokens, base = tokenizer("wordpiece"), folder / "base"
    model_of(BERT, tokens, make_examples(32).label_names).save_pretrained(base)
    tokens.save_pretrained(base)
    settings = json.loads((base / "config.json").read_text())
    (base / "config.json").write_text(json.dumps({**settings, "transformers_version": "4.40.0"}))
    model = peft.get_peft_model(
        AutoModelForSequenceClassification.from_pretrained(base),
        peft.LoraConfig(task_type="SEQ_CLS", r=2, target_modules=["query", "value"]),
    )
    return train(folder / "out", model=model), base


def test_the_rate_is_that_of_the_group_that_holds_the_embedding(
    grouped: Path, tmp_path: Path
) -> None:
    run = wt.record(grouped, make_examples(32), tmp_path / "run", max_length=24)
    for point in run.manifest.history:
        assert point.learning_rate == pytest.approx(cosine(7e-3, point.step), rel=1e-6)
        total = sum(cosine(7e-3, step) for step in range(1, point.step + 1))
        assert point.learning_rate_sum == pytest.approx(total, rel=1e-6)
    assert "groups of parameters" not in " ".join(run.manifest.notes or ())


def test_where_no_optimizer_tells_the_group_the_first_is_taken_with_a_note(
    grouped: Path, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(grouped, tmp_path / "out"))
    for path in folder.glob("*/optimizer.pt"):
        path.unlink()
    run = wt.record(folder, make_examples(32), tmp_path / "run", max_length=24)
    for point in run.manifest.history:
        assert point.learning_rate == pytest.approx(cosine(1e-3, point.step), rel=1e-6)
    said = " ".join(run.manifest.notes or ())
    assert "The groups of parameters had different learning rates" in said
    assert "those of the first group are taken" in said


def test_groups_with_schedules_of_their_own_go_by_the_schedules_alone(
    grouped: Path, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(grouped, tmp_path / "out"))
    for path in folder.glob("*/scheduler.pt"):
        state = torch.load(path, weights_only=True)
        torch.save({**state, "_last_lr": [state["_last_lr"][0], 0.5]}, path)
    saved, _ = checkpoints_of(folder)
    rates = rates_of(saved, folder, None, group=1)
    assert rates is not None
    assert set(rates.used[1:]) == {0.5}
    assert rates.known == {3, 5, 7, 9, 11, 13}
    assert "rates are those of the saved schedules alone" in " ".join(rates.notes)


def test_an_adapters_rates_do_not_depend_on_who_wrote_its_base(
    adapted: tuple[Path, Path], tmp_path: Path
) -> None:
    output, _ = adapted
    names = make_examples(32).label_names
    run = wt.record(output, make_examples(32), tmp_path / "run", max_length=24, label_names=names)
    for point in run.manifest.history:
        assert point.learning_rate == pytest.approx(cosine(3e-3, point.step), rel=1e-6)


def test_an_adapters_model_card_tells_the_version_where_no_schedule_lies_there(
    adapted: tuple[Path, Path], tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(adapted[0], tmp_path / "out"))
    for path in folder.glob("*/scheduler.pt"):
        path.unlink()
    names = make_examples(32).label_names

    def rate_at(step: int) -> float:
        run = wt.record(
            folder,
            make_examples(32),
            tmp_path / "run",
            max_length=24,
            label_names=names,
            overwrite=True,
        )
        return next(one.learning_rate for one in run.manifest.history if one.step == step)

    assert rate_at(4) == pytest.approx(cosine(3e-3, 4), rel=1e-6)
    card = "### Framework versions\n\n- PEFT 0.14.0\n- Transformers {}\n"
    (folder / "checkpoint-12" / "README.md").write_text(card.format("4.46.3"))
    assert rate_at(4) == pytest.approx(cosine(3e-3, 3), rel=1e-6)
    (folder / "checkpoint-12" / "README.md").write_text(card.format("5.0.0"))
    assert rate_at(4) == pytest.approx(cosine(3e-3, 4), rel=1e-6)


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("every", [1, 2, 3, 4])
def test_the_schedules_tell_how_a_log_is_to_be_read(grouped: Path, every: int, late: bool) -> None:
    """Whatever the version says, and however sparse the log is."""
    saved, _ = checkpoints_of(grouped)
    saved[-1].state["log_history"] = [
        {"step": step, "learning_rate": cosine(1e-3, step + late)}
        for step in range(every, STEPS + 1, every)
    ]
    for version in ("4.40.0", "5.23.0", None):
        rates = rates_of(saved, grouped, version)
        assert rates is not None
        for step in rates.known - {STEPS + 1}:
            assert rates.used[step] == pytest.approx(cosine(1e-3, step), rel=1e-6)
        assert {step + late for step in range(every, STEPS + 1, every)} <= rates.known


def test_a_log_of_rates_that_rest_after_a_warm_up_is_not_taken_for_late(tmp_path: Path) -> None:
    folder = train(
        tmp_path / "out", lr_scheduler_type="constant_with_warmup", warmup_steps=5, save_steps=6
    )
    saved, _ = checkpoints_of(folder)
    for version in ("5.23.0", None):
        rates = rates_of(saved, folder, version)
        assert rates is not None
        assert rates.used[1:].tolist() == pytest.approx(
            [3e-3 * min(1, step / 5) for step in range(STEPS)]
        )

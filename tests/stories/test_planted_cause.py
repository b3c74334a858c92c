"""Rows whose label is wrong by design: a replay shows them, and not random rows.

``python -m benchmarks.planted`` does the same by each way to train again, on real news.
"""

from __future__ import annotations

import gc
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from benchmarks import planted as benchmark
from benchmarks.planted import Planted, Study, measure, plant, retrainer, shown

from tests.conftest import make_examples
from tests.huggingface.architectures import ARCHITECTURES, model_of, tokenizer

pytest.importorskip("datasets")
pytest.importorskip("accelerate")

TOPICS = {"sport": "Sports", "money": "Business", "film": "Films"}
SMALL = Study(
    rows=90,
    planted=15,
    draws=1,
    seeds=6,
    sequential=False,
    settings=(
        *("--max_length", "24", "--epochs", "24"),
        *("--batch_size", "16", "--learning_rate", "3e-3"),
    ),
)


def toy_news(count: int, **choices: Any) -> list[tuple[str, str]]:
    examples = make_examples(count)
    labels = [TOPICS[examples.label_names[label]] for label in examples.labels]
    return list(zip(examples.texts, labels, strict=True))


def tiny_encoder(folder: Path, texts: Sequence[str]) -> None:
    tokens = tokenizer("wordpiece")
    for one in (tokens, model_of(ARCHITECTURES[0], tokens, tuple(sorted(TOPICS.values())))):
        one.save_pretrained(folder)


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Planted:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(benchmark, "news", toy_news)
        patch.setattr(benchmark, "encoder", tiny_encoder)
        # The Trainer collects garbage at each end; what was imported need not be looked at again.
        gc.collect()
        gc.freeze()
        return plant(tmp_path_factory.mktemp("planted"), SMALL)


def test_a_replay_tells_the_planted_rows_from_random_ones(planted: Planted) -> None:
    cause, *random = measure(planted, retrainer(planted, "replay"), workers=1)["queries"]
    assert cause["predicted"] == "Business"
    assert cause["without"]["change"]["mean"] > 0.3
    # Of so few rows, a third of those of the same labels are planted: they are no fair control.
    of_random_rows = next(one for one in cause["controls"] if one["name"] == "random")
    assert of_random_rows["difference"]["low"] > 0
    assert [shown(query) for query in random] == [False]
    assert abs(random[0]["without"]["change"]["mean"]) < cause["without"]["change"]["mean"]

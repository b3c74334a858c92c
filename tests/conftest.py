"""Shared data: small, seeded, with learning rates that differ and are never 1."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, settings

from tests import a_browser
from tests.forked import forked_workers
from wordtrace import api

os.environ["WORDTRACE_PROGRESS"] = "0"
# Two threads that wait for each other on a busy core take ten times as long as one.
os.environ.setdefault("OMP_NUM_THREADS", "1")
torch.set_num_threads(1)
# The power does not fail in a test, and thousands of small files would each wait for the disk.
os.fsync = lambda descriptor: None
# Most workers of tests are forked: a hundred new ones would import PyTorch for ten minutes.
forked_workers.start()
# What is drawn is judged, not how fast: a busy machine is slow, not wrong.
settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any machine")

#: The files that take longest, longest first: no core is to be left alone with one at the end.
LONGEST = (
    *("torture/test_short.py", "execute/test_ray.py", "evaluation/test_study.py"),
    *("stories/test_proof_on_your_training.py",),
    *("huggingface/test_examples.py", "huggingface/test_train_pretrained.py"),
    *("cli/test_process.py", "cli/test_signals.py", "index/test_proof.py"),
    *("stories/test_planted_cause.py",),
    *("asking/test_searcher.py", "act/test_fix.py", "verification/test_other_retrainer.py"),
    *("stories/test_one_line_in_a_script.py", "adopt/test_proof.py", "adopt/test_matrix.py"),
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest files (`make unit` hands files out in this order)."""
    places = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get("/".join(item.path.parts[-2:]), len(LONGEST)))


SHARED = Path(__file__).resolve().parents[1].parent / "shared" / "data"

WORDS = {
    "sport": [
        "match",
        "team",
        "goal",
        "coach",
        "season",
        "player",
        "cup",
        "league",
        "win",
        "striker",
    ],
    "money": [
        "shares",
        "market",
        "profit",
        "bank",
        "stock",
        "price",
        "trade",
        "euro",
        "growth",
        "debt",
    ],
    "film": [
        "actor",
        "movie",
        "director",
        "award",
        "scene",
        "star",
        "oscar",
        "drama",
        "screen",
        "cast",
    ],
}
COMMON = ["the", "a", "of", "and", "in", "to", "for", "with", ",", "."]


def make_examples(count: int = 120, seed: int = 3) -> api.Examples:
    """Texts of class words among common words; a few rows are copies of others."""
    generator = np.random.default_rng(seed)
    names = tuple(sorted(WORDS))
    texts, labels = [], []
    for row in range(count):
        label = row % len(names)
        length = int(generator.integers(4, 16))
        words = [
            str(generator.choice(WORDS[names[label]] if generator.random() < 0.5 else COMMON))
            for _ in range(length)
        ]
        texts.append(" ".join([*words, str(generator.choice(WORDS[names[label]]))]))
        labels.append(label)
    texts[7], labels[7] = texts[1], labels[1]
    return api.Examples.of(
        texts, labels, names, ids=[f"row-{row}" for row in range(count)], source="the toy data"
    )


@pytest.fixture(scope="session")
def examples() -> api.Examples:
    return make_examples()


@pytest.fixture(scope="session")
def run(examples: api.Examples, tmp_path_factory: pytest.TempPathFactory) -> api.Run:
    """A small run whose rate falls linearly: each checkpoint has an η of its own."""
    folder = tmp_path_factory.mktemp("runs") / "toy"
    return api.train(
        examples,
        folder,
        eval_fraction=0.2,
        epochs=4,
        batch_size=8,
        learning_rate=0.09,
        schedule="linear",
        seed=5,
        max_length=14,
        dim=12,
        vocabulary=200,
        checkpoints=(9, 20, 33),
    )


@pytest.fixture
def own(run: api.Run, tmp_path: Path) -> api.Run:
    """A copy of the run, whose retrainings nobody else fills."""
    folder = tmp_path / "run"
    shutil.copytree(run.path, folder, ignore=shutil.ignore_patterns("*.sqlite*"))
    return api.Run.open(folder)


@pytest.fixture(scope="session")
def index(run: api.Run) -> api.Index:
    """Top-4 index of the run in exact float32, several shards a checkpoint."""
    return api.build_index(
        run, run.path.parent / "index-4", top_k=4, dtype="float32", shard_size=29, workers=1
    )


@pytest.fixture(scope="session")
def full_index(run: api.Run) -> api.Index:
    """Index of all positions, float32."""
    return api.build_index(
        run, run.path.parent / "index-all", top_k=None, dtype="float32", shard_size=40, workers=1
    )


@pytest.fixture(scope="session")
def queries() -> list[str]:
    return [
        "the striker and the coach win a match . the market of shares",
        "profit of the bank and the bank of growth",
        "actor of the season , a drama with [CLS] and [PAD]",
        "zebra",
    ]


def shared(name: str) -> Path:
    """Return a file of the real data, or skip saying why."""
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"the real data set {name} is not beside this checkout")
    return path


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """A browser, one for all tests of a process."""
    yield from a_browser.start()

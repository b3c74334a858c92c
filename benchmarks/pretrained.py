"""Retrainings of a pretrained encoder beside a plain loop on the same batches, in turn.

``python -m benchmarks pretrained``: the packaged encoder cut to one layer, 320 BBC paragraphs of at
most 48 tokens, one epoch in batches of 32, one thread. The plain loop is what a Trainer does: the
whole word table, ``torch.optim`` on every weight, the weights read anew for each training, 160
held-out rows asked about. Both give the same probabilities, or there is no figure. The first line
for each optimizer is of a study that shows no held-out rows, the second of one that does.
"""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks import corpus
from benchmarks.measure import in_turn, middle, ratio
from wordtrace import api
from wordtrace.retrainers.ask import said_by
from wordtrace.retrainers.own import own_retrainer
from wordtrace.retrainers.retrainer import Change, Said
from wordtrace.training.fit import Training, fit

ROWS, HELD_OUT, REPEATS = 320, 160, 5
OPTIMIZERS: dict[str, dict[str, Any]] = {
    "adamw": {"optimizer": "adamw", "learning_rate": 5e-5},
    "sgd": {"optimizer": "sgd", "learning_rate": 0.02},
}


def measure(out: Path) -> list[dict[str, Any]]:
    """Return how many times longer the plain loop takes, by optimizer."""
    torch.set_num_threads(1)
    texts = corpus.paragraphs(ROWS + HELD_OUT)
    found = []
    for name, choices in OPTIMIZERS.items():
        with tempfile.TemporaryDirectory(dir=out) as folder:
            run = api.train(
                texts.take(np.arange(ROWS)),
                Path(folder) / "run",
                eval_data=texts.take(np.arange(ROWS, ROWS + HELD_OUT)),
                model=str(corpus.encoder()),
                layers=1,
                max_length=48,
                epochs=1,
                **choices,
            )
            found += [_compared(run, name, held_out=shown) for shown in (False, True)]
    return found


def plain(run: api.Run, change: Change) -> Said:
    """Train and ask as one does without knowing what is asked of how many models."""
    model = run.start(change.seed)
    recipe = replace(run.recipe, seed=change.seed)
    encoded = run.tokenizer.encode(run.train.texts)
    fit(Training(model), encoded, change.labels, recipe, weights=change.weights)
    return said_by(run, model, change.probes)


def _compared(run: api.Run, name: str, *, held_out: bool) -> dict[str, Any]:
    own, seeds = own_retrainer(run, "verify"), iter(range(100, 10_000))
    probes = tuple((text, None) for text in corpus.queries(5))

    def change(seed: int) -> Change:
        weights = np.ones(len(run.train), np.float32)
        weights[np.random.default_rng(seed).permutation(len(weights))[:20]] = 0
        return Change("", seed, weights, run.train.labels, (), probes, held_out)

    both = own.train(run, change(1)), plain(run, change(1))
    assert np.abs(both[0].probes - both[1].probes).max() < 1e-4, name
    assert (both[0].held_out is not None) == held_out
    ways = {
        "ours": lambda: own.train(run, change(next(seeds))),
        "plain": lambda: plain(run, change(next(seeds))),
    }
    seconds = in_turn(ways, REPEATS, warm=False)
    shown = "held-out rows shown" if held_out else "no held-out rows shown"
    return {
        "what": f"retraining a one-layer encoder, {name}, {shown}",
        "seconds": middle(seconds["ours"]),
        "ratio": ratio(seconds["plain"], seconds["ours"]),
        "over": "a plain loop: times slower",
    }

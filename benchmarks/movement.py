"""How much of the word embedding's movement falls in rows of tokens that are not in the batch.

``python -m benchmarks movement``: the packaged encoder's first 2 layers, fine-tuned for one epoch
on 1,000 BBC paragraphs in batches of 32, by six optimizers. TracIn-WE takes the share to be 0.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import corpus
from wordtrace.api import Recipe, Settings
from wordtrace.training.fit import Training, batch_rows, fit
from wordtrace.training.start import start

ROWS, LAYERS = 1_000, 2
RECIPES = {
    "SGD 0.01": {"momentum": 0.0},
    "SGD 0.01, weight decay 0.01": {"momentum": 0.0, "weight_decay": 0.01},
    "SGD 0.01, momentum 0.9": {"momentum": 0.9},
    "SGD 0.01, momentum 0.9, weight decay 0.01": {"momentum": 0.9, "weight_decay": 0.01},
    "AdamW 5e-5": {"optimizer": "adamw", "learning_rate": 5e-5},
    "AdamW 5e-5, weight decay 0.01": {
        "optimizer": "adamw",
        "learning_rate": 5e-5,
        "weight_decay": 0.01,
    },
}


def measure(folder: Path) -> list[dict[str, Any]]:
    """Return the shares, of a row's length moved and of its square, a mean over the steps."""
    return [
        {"what": f"movement in rows of absent tokens, {name}", **share(folder, choices)}
        for name, choices in RECIPES.items()
    ]


def share(folder: Path, choices: dict[str, Any]) -> dict[str, Any]:
    """Train one epoch; compare the table before and after each step."""
    examples = corpus.paragraphs(ROWS)
    recipe = Recipe(
        **{"learning_rate": 0.01, "epochs": 1, "schedule": "constant", **choices}, seed=corpus.SEED
    )
    settings = Settings(model=str(corpus.encoder()), layers=LAYERS, max_length=corpus.MAX_LENGTH)
    part = folder / "movement"
    part.mkdir(parents=True, exist_ok=True)
    begun = start(part, examples, settings, recipe.seed)
    encoded = begun.tokenizer.encode(examples.texts)
    table = next(begun.model.embedding.parameters())
    before = table.detach().clone()
    lengths, squares = [], []

    def note(step: int, rate: float, loss: float) -> bool:
        moved = (table.detach() - before).double().norm(dim=1).numpy()
        before.copy_(table.detach())
        held = np.unique(
            np.concatenate([encoded[row] for row in batch_rows(recipe, ROWS, step - 1)])
        )
        absent = np.ones(len(moved), bool)
        absent[held] = False
        lengths.append(moved[absent].sum() / moved.sum())
        squares.append(np.square(moved[absent]).sum() / np.square(moved).sum())
        return False

    fit(Training(begun.model), encoded, examples.labels, recipe, after_step=note)
    # The first step has no past.
    return {
        "found": f"{np.mean(squares[1:]):.1%} of the squared length, {np.mean(lengths[1:]):.1%} of "
        "the lengths",
        "share": float(np.mean(squares[1:])),
        "share_of_lengths": float(np.mean(lengths[1:])),
        "last": float(squares[-1]),
        "steps": len(squares),
    }

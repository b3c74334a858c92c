"""How well scores weighted by Adam's step sizes foretell what a step of Adam does.

``python -m benchmarks adam``: the packaged encoder's first 2 layers, fine-tuned by AdamW on 2,000
BBC paragraphs. At three moments of that training the next step of AdamW on the embedding is taken
in full, in float64, momentum and all, with and without each row of its batch; what that changes in
the loss of unseen texts is compared with the scores of `--weighting rate` and `--weighting adam`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from scipy.stats import spearmanr

from benchmarks import corpus
from wordtrace import api
from wordtrace.gradients.embedding import embedding_gradients
from wordtrace.index.build import weights
from wordtrace.index.fidelity import compare, sample, scores
from wordtrace.models.protocol import to_batch
from wordtrace.run import adam
from wordtrace.training.fit import Training, batch_rows, fit

ROWS, LAYERS, QUERIES, BATCHES = 2_000, 2, 30, 1
BETA1 = 0.9


def measure(folder: Path) -> list[dict[str, Any]]:
    """Return rank correlations of scores with real steps, and of the two rankings."""
    run = api.train(
        corpus.paragraphs(ROWS),
        folder / f"adam-{ROWS}",
        eval_fraction=0,
        model=str(corpus.encoder()),
        layers=LAYERS,
        max_length=corpus.MAX_LENGTH,
        epochs=2,
        seed=corpus.SEED,
    )
    found: dict[str, list[float]] = {}
    for point, state in states(run):
        for name, values in one_moment(run, point, state).items():
            found[f"--weighting {name}, step {point.step}"] = values
    rows: list[dict[str, Any]] = [
        {
            "what": f"rank correlation with real steps of AdamW, {name}",
            "found": f"{np.mean(values):.3f} ({np.percentile(values, 5):.3f}–"
            f"{np.percentile(values, 95):.3f}, {len(values)} queries)",
            "mean": float(np.mean(values)),
            "low": float(np.percentile(values, 5)),
            "high": float(np.percentile(values, 95)),
        }
        for name, values in found.items()
    ]
    both = [run.weighted(weighting) for weighting in ("rate", "adam")]
    for top_k in (None, 10):
        one, other = (scores(weights(run), *sample(view, top_k).blocks()) for view in both)
        alike = compare(one, other)
        kept = "all positions" if top_k is None else f"top-{top_k}"
        said = f"rank correlation {alike.spearman:.3f}, top 20 shared {alike.overlap:.1%}"
        rows.append({"what": f"rate beside adam, {kept}", "found": said, **alike.document()})
    return rows


def states(run: api.Run) -> list[tuple[Any, dict[str, torch.Tensor]]]:
    """Train again by the run's recipe; return the table's state at each checkpoint."""
    model = run.start(run.recipe.seed)
    name = next(
        name
        for name, one in model.module.named_parameters()
        if one is next(model.embedding.parameters())
    )
    wanted = {point.step: point for point in run.checkpoints}
    training, found = Training(model), []

    def note(step: int, rate: float, loss: float) -> bool:
        if step in wanted:
            keys = ("exp_avg", "exp_avg_sq", "step")
            state = {key: training.state[f"{name}/{key}"].clone().double() for key in keys}
            found.append((wanted[step], state))
        return step == max(wanted)

    fit(training, run.encoded, run.train.labels, run.recipe, after_step=note)
    return found


def one_moment(run: api.Run, point: Any, state: dict[str, torch.Tensor]) -> dict[str, list[float]]:
    """Compare at one checkpoint; a correlation over the batch's rows for each query."""
    model = run.model(point)
    model.module.double()
    table = next(model.embedding.parameters())
    start = table.detach().clone()
    known = set(run.train.texts)
    unseen = [text for text in corpus.paragraphs(4_000).texts if text not in known][:QUERIES]
    asked = run.tokenizer.encode(unseen)
    labels = _labels(unseen, run)
    queries = to_batch(asked, labels, np.arange(len(unseen)))
    t, rate = float(state["step"]) + 1, point.learning_rate
    # What the past alone moves, everywhere; rows of the texts at hand are then set anew.
    drifted = start - rate * step_of(state, slice(None), 0.0, t)
    second = state["exp_avg_sq"] / (1 - adam.BETA2 ** (t - 1))
    sizes = torch.where(second > 0, 1 / (second.sqrt() + adam.EPSILON), 0.0)
    real, plain, weighted = [], [], []
    for following in range(BATCHES):
        rows = batch_rows(run.recipe, len(run.train), int(t) - 1 + following)
        batch = to_batch(run.encoded, run.train.labels, rows)
        held = torch.unique(torch.cat([batch.ids.flatten(), queries.ids.flatten()]))
        mine, theirs = dense(model, batch, held), dense(model, queries, held)
        whole = mine.sum(0) / len(rows)

        def losses(gradient: torch.Tensor, held: torch.Tensor = held) -> np.ndarray:
            with torch.no_grad():
                table.copy_(drifted)
                table[held] = start[held] - rate * step_of(state, held, gradient, t)
                found = F.cross_entropy(model.logits(queries), queries.labels, reduction="none")
                table.copy_(start)
            return found.numpy()

        with_all = losses(whole)
        for one in mine:
            real.append(losses(whole - one / len(rows)) - with_all)
            plain.append((one * theirs).sum((1, 2)).tolist())
            weighted.append((one * theirs * sizes[held]).sum((1, 2)).tolist())
    model.module.float()
    run._loaded.clear()
    found: dict[str, list[float]] = {}
    for name, given in (("rate", plain), ("adam", weighted)):
        found[name] = [
            float(spearmanr(np.array(given)[:, query], np.array(real)[:, query]).statistic)
            for query in range(len(unseen))
        ]
    return found


def step_of(
    state: dict[str, torch.Tensor], rows: Any, gradient: torch.Tensor | float, t: float
) -> torch.Tensor:
    """Return m̂/(√v̂ + ε) of the step to come, for some rows of the table."""
    m = BETA1 * state["exp_avg"][rows] + (1 - BETA1) * gradient
    v = adam.BETA2 * state["exp_avg_sq"][rows] + (1 - adam.BETA2) * gradient**2
    return (m / (1 - BETA1**t)) / ((v / (1 - adam.BETA2**t)).sqrt() + adam.EPSILON)


def dense(model: Any, batch: Any, held: torch.Tensor) -> torch.Tensor:
    """Return ∂ℓ/∂Θ of each example at some rows, float64, shape (batch, rows, dim)."""
    gradient = embedding_gradients(model, batch).gradient.double()
    found = torch.zeros(len(gradient), len(held), gradient.shape[2], dtype=torch.float64)
    for place, ids in enumerate(batch.ids):
        found[place].index_add_(0, torch.searchsorted(held, ids), gradient[place])
    return found


def _labels(texts: list[str], run: api.Run) -> np.ndarray:
    every = corpus.paragraphs(4_000)
    place = {text: int(label) for text, label in zip(every.texts, every.labels, strict=True)}
    assert every.label_names == run.label_names
    return np.array([place[text] for text in texts])

"""One retraining: the run's recipe with another seed and some rows left out of the loss."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from wordtrace.data.batches import Encoded
from wordtrace.disk import fingerprint
from wordtrace.errors import NumericalError, option
from wordtrace.models import predict
from wordtrace.models.cnn import CNN
from wordtrace.run.recipe import Recipe
from wordtrace.run.run import Run
from wordtrace.training.fit import Training, fit
from wordtrace.verification.refit import refit
from wordtrace.verification.removal import Rows

#: A text, and the second one of a pair or None.
Probe = tuple[str, str | None]


@dataclass(frozen=True)
class Retraining:
    """What is trained and what it is asked.

    Attributes
    ----------
    run, fingerprint
        The run's folder and what makes it this run.
    seed
        Of the initial weights and the order of the rows; the tokenizer, the order of the labels
        and pretrained embeddings stay the run's.
    removed
        Training rows of weight 0, rising.
    probes
        What the model is asked.
    relabelled
        (row, class) of training rows that get another label.
    blanked
        (row, position) of tokens that padding takes the place of; attention to them stays.
    """

    run: str
    fingerprint: str
    seed: int
    removed: Rows
    probes: tuple[Probe, ...]
    relabelled: tuple[tuple[int, int], ...] = ()
    blanked: tuple[tuple[int, int], ...] = ()

    @property
    def training(self) -> str:
        """The same for the same training, wherever the run lies and whatever it is asked."""
        document: dict[str, Any] = {
            "run": self.fingerprint,
            "seed": self.seed,
            "removed": list(self.removed),
        }
        for name in ("relabelled", "blanked"):
            if getattr(self, name):
                document[name] = [list(one) for one in getattr(self, name)]
        return fingerprint.of_document(document)

    @property
    def key(self) -> str:
        """The same for the same training and probes."""
        return f"{self.training}:{probes_key(self.probes)}"


@lru_cache(maxsize=8)
def probes_key(probes: tuple[Probe, ...]) -> str:
    """Name a list of probes by its content."""
    return fingerprint.of_document({"probes": [list(probe) for probe in probes]})


@dataclass(frozen=True)
class Material:
    """A run's data; of a CNN with its vocabulary cut to the tokens that occur."""

    run: Run
    train: Encoded
    held_out: Encoded | None
    probes: Encoded
    tokens: np.ndarray[tuple[int], np.dtype[np.int64]] | None
    embeddings: torch.Tensor | None
    blank: int | None


def retrain(task: Retraining) -> dict[str, Any]:
    """Train once and return what the model says of the probes; runs in a worker process.

    Rows of the embedding whose tokens occur nowhere never change and are never read, so they are
    left out: the result is the same, with less to update.

    Returns
    -------
    dict
        probabilities, shape (probes, classes); accuracy on the held-out rows, or None; seconds.
    """
    start = time.perf_counter()
    material = material_of(task.run, task.probes)
    recipe = replace(material.run.recipe, seed=task.seed)
    weights = np.ones(len(material.train), np.float32)
    weights[list(task.removed)] = 0
    labels = relabelled(material, task.relabelled)
    says = _trained(material, recipe, blanked(material, task.blanked), labels, weights)
    held_out = None if material.held_out is None else says(material.held_out)
    return answer(material, says(material.probes), held_out, time.perf_counter() - start)


def answer(
    material: Material,
    probes: predict.FloatArray,
    held_out: predict.FloatArray | None,
    seconds: float,
) -> dict[str, Any]:
    """Return a retraining's result from its model's class scores, shape (texts, classes).

    Raises
    ------
    NumericalError
        When a score is NaN or infinite: the last step broke the model.
    """
    if not np.isfinite(probes).all():
        raise NumericalError(
            f"a retrained model's scores are not finite; a lower {option('learning_rate')} "
            "usually mends it."
        )
    accuracy = None
    if held_out is not None and material.run.held_out is not None:
        accuracy = float((held_out.argmax(1) == material.run.held_out.labels).mean())
    return {
        "probabilities": predict.probabilities(probes).tolist(),
        "accuracy": accuracy,
        "seconds": seconds,
    }


def _trained(
    material: Material,
    recipe: Recipe,
    encoded: Encoded,
    labels: npt.NDArray[np.int64],
    weights: npt.NDArray[np.float32],
) -> Callable[[Encoded], npt.NDArray[np.float32]]:
    """Train, and return what maps texts to class scores: fast where it can be exact."""
    run, last = material.run, material.run.manifest.steps
    if material.tokens is None:
        start = run.start(recipe.seed)
    else:
        start = initial_model(run, recipe.seed, material.embeddings, material.tokens)
        if recipe.optimizer == "sgd":
            return refit(start, encoded, labels, recipe, weights, last).predict
    fit(Training(start), encoded, labels, recipe, weights=weights, last_step=last)
    return partial(predict.logits, start)


def initial_model(
    run: Run,
    seed: int,
    embeddings: torch.Tensor | None,
    tokens: np.ndarray[tuple[int], np.dtype[np.int64]],
) -> CNN:
    """Draw the weights of `seed` for the whole vocabulary and keep the rows of `tokens`."""
    whole = CNN(run.config)
    whole.initialise(seed, embeddings)
    model = CNN(replace(run.config, vocabulary=len(tokens)))
    weights = whole.state_dict()
    weights["embedding.weight"] = weights["embedding.weight"][torch.from_numpy(tokens)]
    model.load_state_dict(weights)
    return model


@lru_cache(maxsize=2)
def material_of(folder: str, probes: tuple[Probe, ...]) -> Material:
    """Return what all retrainings of a run share that are asked the same."""
    run = Run.open(folder)
    asked = run.tokenizer.encode(
        [text for text, _ in probes],
        [text2 or "" for _, text2 in probes] if run.has_pairs else None,
    )
    held = run.held_out
    parts: list[Encoded | None] = [
        run.tokenizer.encode(run.train.texts, run.train.texts2),
        asked,
        run.tokenizer.encode(held.texts, held.texts2) if held is not None else None,
    ]
    blank = blank_token(run)
    if not run.is_cnn:
        train, probes_cut, held_out = parts
        assert train is not None
        assert probes_cut is not None
        return Material(run, train, held_out, probes_cut, None, None, blank)
    extra = [np.array([blank], np.int32)] if blank is not None else []
    tokens = np.unique(np.concatenate([part.ids for part in parts if part is not None] + extra))
    train, probes_cut, held_out = (_cut(part, tokens) for part in parts)
    start = run.weights(0)["embedding.weight"] if run.manifest.pretrained_embeddings else None
    assert train is not None
    assert probes_cut is not None
    place = None if blank is None else int(np.searchsorted(tokens, blank))
    return Material(run, train, held_out, probes_cut, tokens.astype(np.int64), start, place)


def blank_token(run: Run) -> int | None:
    """Return the id that takes a blanked word's place: padding, else the mask; None for neither."""
    ids = (run.tokenizer.inner.token_to_id(name) for name in ("[PAD]", "<pad>", "[MASK]", "<mask>"))
    return next((id for id in ids if id is not None), None)


def relabelled(material: Material, changes: tuple[tuple[int, int], ...]) -> npt.NDArray[np.int64]:
    """Return the training rows' labels with (row, class) changed."""
    labels = material.run.train.labels.copy()
    for row, label in changes:
        labels[row] = label
    return labels


def blanked(material: Material, places: tuple[tuple[int, int], ...]) -> Encoded:
    """Return the training texts with padding in the place of (row, position)."""
    if not places:
        return material.train
    assert material.blank is not None
    ids = material.train.ids.copy()
    for row, position in places:
        ids[material.train.offsets[row] + position] = material.blank
    return replace(material.train, ids=ids)


def _cut(part: Encoded | None, tokens: np.ndarray[Any, np.dtype[Any]]) -> Encoded | None:
    """Number the tokens by their place among those that occur."""
    if part is None:
        return None
    return replace(part, ids=np.searchsorted(tokens, part.ids).astype(np.int32))

"""Several trainings of the same rows as one run: what must be alike, and whose a checkpoint is."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from wordtrace.errors import MismatchError
from wordtrace.models import chat_template
from wordtrace.models import tokenizer as tokens
from wordtrace.models.seq2seq_tokenizer import TARGET_FILE
from wordtrace.run.checkpoint import Checkpoint
from wordtrace.run.kept_tokens import TOKENS
from wordtrace.run.manifest import RunManifest

# The files that decide how a text becomes tokens.
_TOKENS = (tokens.FILE, TARGET_FILE, chat_template.FILE, TOKENS)


class Training(Protocol):
    """What is known of a recorded training."""

    path: Path
    manifest: RunManifest
    fingerprint: str


@dataclass(frozen=True, kw_only=True)
class OfAnother(Checkpoint):
    """A checkpoint of another training than the first, in a run that is joined of several.

    Attributes
    ----------
    training
        The place of its training among the others, from 0.
    called
        What its training is called beside the first.
    """

    training: int
    called: str

    @property
    def name(self) -> str:
        """What it is called among the checkpoints of all trainings."""
        return f"step {self.step} of {self.called}"


def of_others(first: Path, others: Sequence[Training]) -> list[Checkpoint]:
    """Return the checkpoints of the other trainings, training by training.

    They are called by their folders, seen from the folder that `first` lies in.
    """
    beside = first.resolve().parent
    return [
        OfAnother(**vars(point), training=place, called=os.path.relpath(one.path.resolve(), beside))
        for place, one in enumerate(others)
        for point in one.manifest.checkpoints
    ]


def check_alike(first: Training, others: Sequence[Training]) -> None:
    """Refuse trainings whose scores have no mean, and one that is there twice.

    Raises
    ------
    MismatchError
        When one was trained on other rows, with other tokens, another model or another recipe than
        the first, or with the same seed as one before it.
    """
    before = [first]
    for one in others:
        _check_pair(first, one)
        for other in before:
            if _same(one, other):
                raise MismatchError(
                    f"{one.path} is the same training as {other.path}, with the same seed; give "
                    "trainings with other seeds."
                )
        before.append(one)


def _check_pair(first: Training, one: Training) -> None:
    mine, other = first.manifest, one.manifest
    if other.train.fingerprint != mine.train.fingerprint:
        raise MismatchError(
            f"{one.path} was trained on other rows than {first.path}; a mean over trainings needs "
            "the same ids, texts and labels in the same order."
        )
    if _tokenizing(other) != _tokenizing(mine):
        raise MismatchError(
            f"{one.path} cuts texts into other tokens than {first.path}; a mean over trainings "
            "needs the same tokenizer and the same largest number of tokens."
        )
    if other.model.document() != mine.model.document():
        raise MismatchError(
            f"{one.path} has another kind or size of model than {first.path}; a mean over "
            "trainings needs the same."
        )
    if mine.recipe is None or other.recipe is None:
        return
    theirs = other.recipe.document()
    for name, value in mine.recipe.document().items():
        if name != "seed" and theirs[name] != value:
            raise MismatchError(
                f"{one.path} was trained with {name.replace('_', ' ')} = {theirs[name]}, but "
                f"{first.path} with {value}; a mean over trainings is one over seeds alone."
            )


def _tokenizing(run: RunManifest) -> dict[str, Any]:
    """Return what decides how the run's texts become tokens."""
    files = {name: run.files[name] for name in _TOKENS if name in run.files}
    return {"max_length": run.max_length, **files}


def _same(one: Training, other: Training) -> bool:
    if one.fingerprint == other.fingerprint:
        return True
    recipe = one.manifest.recipe
    return recipe is not None and recipe == other.manifest.recipe

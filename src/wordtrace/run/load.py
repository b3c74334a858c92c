"""Models of a run from its files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from wordtrace.errors import CorruptError, option
from wordtrace.models.protocol import TextModel


def pretrained_model(run: Path, folder: str, document: Mapping[str, Any], base: Path) -> TextModel:
    """Read a model of transformers.

    Parameters
    ----------
    folder
        Of its weights, within `run`, which holds its configuration.
    document
        What the run's manifest says of the model.
    base
        The folder of the model that adapters were trained on, where there is one.
    """
    from wordtrace.models import pretrained
    from wordtrace.models.loss import TrainingLoss

    return pretrained.load(
        run / folder,
        pretrained.read_config(run),
        base if base.is_dir() else None,
        TrainingLoss.of(document.get("loss")),
    )


def started(model: TextModel, drawn: Sequence[str], seed: int) -> TextModel:
    """Draw the named parameters of a pretrained classifier, its head, by `seed`."""
    from wordtrace.models import pretrained
    from wordtrace.models.huggingface import HuggingFaceClassifier

    assert isinstance(model, HuggingFaceClassifier)
    pretrained.draw(model, drawn, seed)
    return model


def into(model: torch.nn.Module, weights: Mapping[str, torch.Tensor], where: Path) -> None:
    """Copy a CNN's weights into `model`.

    Parameters
    ----------
    where
        Names the checkpoint in an error.

    Raises
    ------
    CorruptError
        When they don't fit the model, or hold NaN or infinity.
    """
    for name, value in weights.items():
        if not torch.isfinite(value).all():
            raise CorruptError(
                f"{where}: {name} holds NaN or infinity; train again with a lower "
                f"{option('learning_rate')}."
            )
    try:
        model.load_state_dict(weights)
    except RuntimeError as error:
        raise CorruptError(f"{where} does not fit the model in run.json: {error}") from None

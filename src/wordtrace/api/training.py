"""Training a model on a user's data, whatever its form."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from wordtrace.data.examples import Examples
from wordtrace.data.readers import read_examples
from wordtrace.errors import InputError, option
from wordtrace.run.recipe import Recipe, defaults
from wordtrace.run.run import Run
from wordtrace.training import train as training
from wordtrace.training.settings import Settings


def train(
    data: Any,
    out: str | Path,
    *,
    text: str = "text",
    text2: str | None = None,
    label: str = "label",
    id: str | Literal[False] | None = None,
    split: str | None = None,
    eval_data: Any = None,
    eval_split: str | None = None,
    eval_label: str | None = None,
    eval_fraction: float = 0.1,
    recipe: Recipe | None = None,
    settings: Settings | None = None,
    device: str = "cpu",
    resume: bool = True,
    overwrite: bool = False,
    epochs: int | None = None,
    batch_size: int | None = None,
    optimizer: str | None = None,
    learning_rate: float | None = None,
    momentum: float | None = None,
    weight_decay: float | None = None,
    schedule: str | None = None,
    freeze_embeddings: bool | None = None,
    seed: int | None = None,
    model: str | None = None,
    layers: int | None = None,
    dim: int | None = None,
    filters: int | None = None,
    max_length: int | None = None,
    vocabulary: int | None = None,
    embeddings: Path | None = None,
    checkpoints: int | tuple[int, ...] | None = None,
    early_stopping: int | None = None,
) -> Run:
    """Train a model on a file, a folder, a table or Examples, and record the run.

    Parameters
    ----------
    data
        Examples, or whatever :func:`read_examples` reads.
    out
        The run's folder.
    eval_data
        The held-out examples. Without them, the share `eval_fraction` of the data is held out: the
        same share of each label, with all copies of a text on the same side; 0 for none.
    split, eval_split
        Names of splits of a ``DatasetDict`` or a data set on the hub. If only `eval_split` is
        given, the held-out examples are taken from `data`.
    eval_label
        The label column of `eval_data`, where it has another name.
    recipe, settings
        The complete recipe and settings, instead of the single fields below.
    epochs, batch_size, optimizer, learning_rate, momentum, weight_decay, schedule, \
    freeze_embeddings, seed
        Fields of the recipe: see :class:`wordtrace.Recipe`. A pretrained model has other defaults:
        AdamW, a learning rate that falls from 5e-5 to 0, and 3 epochs.
    model, layers, dim, filters, max_length, vocabulary, embeddings, checkpoints, early_stopping
        Fields of the settings: see :class:`wordtrace.Settings`.

    Raises
    ------
    InputError
        For unusable data, settings or folder.
    TypeError
        When a recipe or settings are given both completely and by their fields.

    Examples
    --------
    >>> run = wt.train("news.csv", "runs/short", text="text", label="label", epochs=1)
    >>> run.label_names
    ('Business', 'Film', 'Sport')
    """
    recipe, settings = _whole(
        recipe,
        settings,
        {
            "epochs": epochs,
            "batch_size": batch_size,
            "optimizer": optimizer,
            "learning_rate": learning_rate,
            "momentum": momentum,
            "weight_decay": weight_decay,
            "schedule": schedule,
            "freeze_embeddings": freeze_embeddings,
            "seed": seed,
        },
        {
            "model": model,
            "layers": layers,
            "dim": dim,
            "filters": filters,
            "max_length": max_length,
            "vocabulary": vocabulary,
            "embeddings": embeddings,
            "checkpoints": checkpoints,
            "early_stopping": early_stopping,
        },
    )

    def read(
        source: Any, column: str, part: str | None, label_names: tuple[str, ...] | None = None
    ) -> Examples:
        if isinstance(source, Examples):
            return source
        return read_examples(
            source,
            text=text,
            text2=text2,
            label=column,
            id=id,
            split=part,
            label_names=label_names,
        )

    examples = read(data, label, split)
    held_out = None
    if eval_data is None and eval_split is not None:
        eval_data = data
    if eval_data is not None:
        held_out = read(eval_data, eval_label or label, eval_split, examples.label_names)
    elif not 0 <= eval_fraction < 1:
        raise InputError(f"{option('eval_fraction')} is {eval_fraction}; it must be in [0, 1).")
    elif eval_fraction:
        # Not the recipe's seed, so that runs with different seeds are judged on the same rows.
        examples, held_out = examples.split(eval_fraction, seed=0)
    return training.train(
        examples,
        out,
        held_out=held_out,
        recipe=recipe,
        settings=settings,
        device=device,
        resume=resume,
        overwrite=overwrite,
    )


def _whole(
    recipe: Recipe | None,
    settings: Settings | None,
    of_recipe: dict[str, Any],
    of_settings: dict[str, Any],
) -> tuple[Recipe, Settings]:
    """Return recipe and settings, as given or made from the given fields."""
    of_recipe = {name: one for name, one in of_recipe.items() if one is not None}
    of_settings = {name: one for name, one in of_settings.items() if one is not None}
    if (recipe and of_recipe) or (settings and of_settings):
        raise TypeError("give train() recipe= and settings= in full, or their fields, not both.")
    settings = settings or Settings(**of_settings)
    return recipe or Recipe(**{**defaults(settings.model), **of_recipe}), settings

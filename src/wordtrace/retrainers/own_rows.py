"""A run's training rows as a folder of ``datasets``, for a training whose own file is not there."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np

from wordtrace.data.conversations import Conversation
from wordtrace.data.origin import Origin
from wordtrace.data.rewrite_tables import quiet
from wordtrace.disk import atomic
from wordtrace.errors import InputError
from wordtrace.models.library import library
from wordtrace.retrainers.kept_models import FOLDER
from wordtrace.retrainers.training_file import TrainingFile, content_of
from wordtrace.run.run import Run

_DONE = "dataset_info.json"


def own_rows(run: Run) -> TrainingFile:
    """Return a folder of ``datasets`` with a run's training rows, in the run's order.

    It has the columns text, text2 (of pairs) and label, with classes in the order of the model's
    outputs; of a language model text, or prompt and completion, or what its conversations are made
    of. It is written once, into the run's folder.

    Raises
    ------
    InputError
        When the package `datasets` is missing.
    """
    place = run.path / FOLDER / f"rows-{run.manifest.train.fingerprint}"
    if not atomic.holds(place, _DONE):
        _write(run, place)
    pair = ("prompt", "completion") if run.generates else ("text", "text2")
    origin = Origin(
        pair[0] if run.has_pairs else "text",
        pair[1] if run.has_pairs else None,
        None if run.generates else "label",
        None,
        kind=run.labelling.kind,
        path=str(place.absolute()),
    )
    return TrainingFile(origin, content_of(place), own=True)


def given_rows(run: Run, data: Any) -> Path:
    """Write a ``datasets.Dataset``, a DataFrame or the like as a folder, and return its place.

    Raises
    ------
    InputError
        For what is no such table.
    """
    datasets = library("datasets")
    if hasattr(data, "save_to_disk"):
        made = data
    elif hasattr(data, "to_dict") and hasattr(data, "columns"):
        made = datasets.Dataset.from_pandas(data, preserve_index=False)
    elif isinstance(data, list | tuple):
        made = datasets.Dataset.from_list(list(data))
    else:
        raise InputError(
            f"{type(data).__name__} can't be given as training data; give a path, a "
            "datasets.Dataset, a DataFrame or a list of dicts."
        )
    (run.path / FOLDER).mkdir(exist_ok=True)
    with quiet(datasets), atomic.exclusive(run.path / FOLDER / "given") as part:
        atomic.empty(part)
        made.save_to_disk(str(part))
        place = run.path / FOLDER / f"given-{content_of(part)}"
        if place.exists():
            shutil.rmtree(part)
        else:
            part.rename(place)
    return place


def _write(run: Run, place: Path) -> None:
    datasets = library("datasets")
    columns, features = _columns(run, datasets)
    made = datasets.Dataset.from_dict(columns)
    if features:
        made = made.cast(datasets.Features({**made.features, **features}))
    place.parent.mkdir(exist_ok=True)
    with quiet(datasets), atomic.exclusive(place) as part:
        atomic.empty(part)
        made.save_to_disk(str(part))
        atomic.commit_folder(place)


def _columns(run: Run, datasets: Any) -> tuple[dict[str, list[Any]], dict[str, Any]]:
    """Return the columns, and the features of those that are no plain texts."""
    train = run.train
    if run.chats:
        return _messages(train.texts), {}
    if run.generates:
        if train.texts2 is None:
            return {"text": train.texts}, {}
        return {"prompt": train.texts, "completion": train.texts2}, {}
    columns: dict[str, list[Any]] = {"text": train.texts}
    if train.texts2 is not None:
        columns["text2"] = train.texts2
    if run.labelling.kind == "class":
        columns["label"] = train.labels.tolist()
        return columns, {"label": datasets.ClassLabel(names=list(run.label_names))}
    labels = np.asarray(train.labels, np.float32)
    if run.labelling.kind == "number":
        columns["label"] = labels[:, 0].tolist()
        return columns, {"label": datasets.Value("float32")}
    columns["label"] = labels.tolist()
    return columns, {"label": datasets.Sequence(datasets.Value("float32"))}


def _messages(texts: list[str]) -> dict[str, list[Any]]:
    """Return conversations by the names that TRL gives their parts."""
    read = [Conversation.of(text) for text in texts]
    if any(one.prompt for one in read):
        columns: dict[str, list[Any]] = {
            "prompt": [list(one.prompt) for one in read],
            "completion": [list(one.rest) for one in read],
        }
    else:
        columns = {"messages": [list(one.rest) for one in read]}
    if any(one.tools is not None for one in read):
        columns["tools"] = [one.tools for one in read]
    if any(one.settings for one in read):
        columns["chat_template_kwargs"] = [one.settings for one in read]
    return columns

"""What a training by a command and one by a function of the user's have in common."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from wordtrace.data.examples import Examples
from wordtrace.errors import CorruptError, InputError, TrainingError, option
from wordtrace.retrainers.kept_models import Room
from wordtrace.retrainers.retrainer import Change, FloatArray, Probe, Said
from wordtrace.retrainers.trained_model import find_model, load
from wordtrace.retrainers.training_file import TrainingFile
from wordtrace.run.run import Run

#: From texts, or pairs of texts, to an array of shape (texts, outputs).
Predictor = Callable[[list[Any]], Any]
#: Takes the data, the folder for the model and the log; returns the model's folder, or a predictor.
Train = Callable[[Path, Path, Path], Path | Predictor]


def trained(run: Run, change: Change, file: TrainingFile, train: Train, *, keep: bool) -> Said:
    """Train in this training's own room, and ask the model; one that is kept is only asked.

    Parameters
    ----------
    file
        What the data are made from.
    keep
        Whether the model stays, so that another question of it costs no training.

    Raises
    ------
    TrainingError
        When the training fails, or leaves no model that can be asked.
    """
    room = Room.of(run, change.key)
    folder = room.kept()
    if folder is not None:
        try:
            said = load(run, folder).said(run, change.probes)
            return replace(said, seconds=room.seconds)
        except CorruptError:
            room.clear()
    try:
        return _trained(run, change, file, train, room, keep=keep)
    except (InputError, CorruptError) as error:
        told = f" What the training wrote is in {room.log}." if room.log.exists() else ""
        raise TrainingError(f"{error}{told}") from None


def _trained(
    run: Run, change: Change, file: TrainingFile, train: Train, room: Room, *, keep: bool
) -> Said:
    start = time.perf_counter()
    with room.training() as out:
        data = room.path.absolute() / file.name()
        try:
            file.write(run, change, data)
            found = train(data, out.absolute(), room.log)
        finally:
            shutil.rmtree(data, ignore_errors=True)
            data.unlink(missing_ok=True)
        kept = keep and isinstance(found, Path)
        if isinstance(found, Path):
            weights = find_model(found)
            model = load(run, weights)
            if keep:
                room.keep(weights, time.perf_counter() - start)
            said = model.said(run, change.probes)
        else:
            said = asked(run, found, change.probes)
    if not kept:
        room.clear()
    return said


def asked(run: Run, predict: Predictor, probes: Sequence[Probe]) -> Said:
    """Return what a callable says of probes, and of the run's held-out rows.

    Raises
    ------
    InputError
        When it gives no probabilities of the right shape.
    """
    texts: list[Any] = [(text, text2 or "") if run.has_pairs else text for text, text2 in probes]
    held = run.held_out
    return Said(
        _values(run, predict, texts), None if held is None else _values(run, predict, _texts(held))
    )


def _texts(examples: Examples) -> list[Any]:
    if examples.texts2 is None:
        return examples.texts
    return list(zip(examples.texts, examples.texts2, strict=True))


def _values(run: Run, predict: Predictor, texts: list[Any]) -> FloatArray:
    try:
        answer = predict(texts)
    except Exception as error:
        raise TrainingError(
            f"what {option('retrain')} returned failed when it was asked about {len(texts):,} "
            f"texts ({type(error).__name__}: {error})."
        ) from error
    try:
        found = np.asarray(answer, np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"what {option('retrain')} returned gives no array of numbers for {len(texts):,} texts "
            f"({error})."
        ) from None
    outputs = max(1, len(run.label_names))
    if found.shape != (len(texts), outputs):
        raise InputError(
            f"what {option('retrain')} returned gives an array of the shape {found.shape} for "
            f"{len(texts):,} texts; {(len(texts), outputs)} is needed, {_columns(run)}."
        )
    if not np.isfinite(found).all():
        raise InputError(
            f"what {option('retrain')} returned gives NaN or infinity for text "
            f"{int((~np.isfinite(found)).any(axis=1).argmax())}; the training may have diverged."
        )
    kind = run.labelling.kind
    if kind != "number" and not ((found >= 0) & (found <= 1.000001)).all():
        raise InputError(
            f"what {option('retrain')} returned gives values from {found.min():.3g} to "
            f"{found.max():.3g}, which are no probabilities; put scores through a "
            "softmax, or with several labels a text through a sigmoid."
        )
    if kind == "class" and not run.generates and not np.allclose(found.sum(axis=1), 1, atol=1e-3):
        raise InputError(
            f"what {option('retrain')} returned gives probabilities that do not add up to 1; put "
            "scores through a softmax."
        )
    return found


def _columns(run: Run) -> str:
    if run.generates:
        return "the probability of each answer in one column"
    if run.labelling.kind == "number":
        return "one number a text"
    return f"in the order {', '.join(run.label_names)}"

"""Training a model and recording it as a run."""

from __future__ import annotations

import shutil
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import torch

import wordtrace
from wordtrace.data.examples import Examples
from wordtrace.disk import atomic, fingerprint
from wordtrace.errors import DataError, InputError, NumericalError, option
from wordtrace.execute.progress import track
from wordtrace.execute.threads import one_thread
from wordtrace.models import predict
from wordtrace.models.cnn import CNN
from wordtrace.models.protocol import TextModel
from wordtrace.run import checkpoint as checkpoints
from wordtrace.run.checkpoint import Checkpoint
from wordtrace.run.choose import choose
from wordtrace.run.device import find_device
from wordtrace.run.recipe import Recipe
from wordtrace.run.run import FORMAT, HELD_OUT, MANIFEST, TRAIN, VERSION, Run
from wordtrace.training import recorder as record
from wordtrace.training.fit import Training, fit
from wordtrace.training.recorder import Labelled, Recorder
from wordtrace.training.settings import Settings
from wordtrace.training.start import sources, start

PLAN = "plan.json"


def train(
    examples: Examples,
    out: str | Path,
    *,
    held_out: Examples | None = None,
    recipe: Recipe | None = None,
    settings: Settings | None = None,
    device: str = "cpu",
    resume: bool = True,
    overwrite: bool = False,
) -> Run:
    """Train a model on `examples` and record the run in the folder `out`.

    The folder grows as ``out.part``; a killed training goes on from its last candidate checkpoint
    when it is started again with the same settings, and ends with the same weights.

    Parameters
    ----------
    held_out
        Examples to evaluate on; never trained on.
    overwrite
        Replace a finished run at `out`, at the very end.

    Raises
    ------
    InputError
        When the settings don't fit the data or the folder.
    MismatchError
        When `out` holds a run with other settings; names the first that differs, with both values.
    NumericalError
        When the loss is NaN or infinite.
    """
    recipe, settings = recipe or Recipe(), settings or Settings()
    folder = Path(out)
    total = recipe.steps(len(examples))
    _check(examples, held_out, settings, total)
    device = find_device(device)
    atomic.check_replaceable(folder, MANIFEST, "run")
    plan = _plan(examples, held_out, recipe, settings)
    if (folder / MANIFEST).exists() and not overwrite:
        fingerprint.require_same(
            atomic.read_json(folder / MANIFEST)["plan"],
            plan,
            str(folder),
            f"choose another {option('out')}, or add {option('overwrite', True)} to replace it",
        )
        return Run.open(folder, device)
    with atomic.exclusive(folder) as part:
        done = part / MANIFEST
        if not (done.exists() and atomic.read_json(done).get("plan") == plan):
            _prepare(part, plan, resume=resume)
            try:
                _train_in(part, examples, held_out, recipe, settings, plan, total, device)
            except (InputError, NumericalError):
                # It would fail again: nothing of it is worth going on from.
                atomic.empty(part)
                part.rmdir()
                raise
        (part / PLAN).unlink(missing_ok=True)
        atomic.commit_folder(folder)
    return Run.open(folder, device)


def _train_in(
    part: Path,
    examples: Examples,
    held_out: Examples | None,
    recipe: Recipe,
    settings: Settings,
    plan: dict[str, Any],
    total: int,
    device: str,
) -> None:
    """Train in the folder `part`; the manifest comes last."""
    begun = start(part, examples, settings, recipe.seed)
    tokenizer, model = begun.tokenizer, begun.model
    encoded = tokenizer.encode(examples.texts, examples.texts2, "Tokenizing")
    model.module.to(device)
    training = Training(model)
    held = (
        None
        if held_out is None
        else Labelled(tokenizer.encode(held_out.texts, held_out.texts2), held_out.labels)
    )
    # The CNN's steps are too small for threads; of a larger model each is worth them.
    threads = one_thread() if isinstance(model, CNN) else nullcontext()
    with threads, track("Training", total, "steps") as advance:
        recorder = Recorder(
            part,
            training,
            recipe,
            Labelled(encoded, examples.labels),
            held,
            settings.checkpoints if isinstance(settings.checkpoints, tuple) else None,
            settings.early_stopping,
            advance,
        )
        recorder.resume()
        advance(training.step)
        if not recorder.stopped:
            fit(training, encoded, examples.labels, recipe, after_step=recorder.after_step)
    final = recorder.best if settings.early_stopping else recorder.candidates[-1]
    chosen = _choose(recorder.candidates, settings, final)
    if final.step != training.step:
        weights = part / final.folder / checkpoints.WEIGHTS
        model.module.load_state_dict(checkpoints.load_tensors(weights))
    model.module.eval()
    measured = _evaluate(model, held)
    _keep(part, recorder.candidates, [recorder.candidates[0], *chosen, final])
    examples.write_parquet(part / TRAIN)
    if held_out is not None:
        held_out.write_parquet(part / HELD_OUT)
    manifest: dict[str, Any] = {
        "format": FORMAT,
        "version": VERSION,
        "made_with": {"wordtrace": wordtrace.__version__, "torch": torch.__version__},
        "plan": plan,
        "model": begun.document,
        "pretrained_embeddings": settings.model != "cnn" or settings.embeddings is not None,
        "max_length": settings.max_length,
        "label_names": list(examples.label_names),
        "has_pairs": examples.has_pairs,
        "source": Path(examples.source).name,
        "recipe": recipe.document(),
        "steps": final.step,
        "checkpoints": [checkpoint.document() for checkpoint in chosen],
        "final": final.document(),
        "history": [checkpoint.document() for checkpoint in recorder.candidates],
        "train": {
            "rows": len(examples),
            "fingerprint": plan["train"],
            "truncated": encoded.truncated,
            "contradictions": len(examples.contradictions()),
        },
        "held_out": measured,
    }
    files = sorted(path for path in part.rglob("*") if path.is_file() and _lasting(path))
    manifest["files"] = {
        path.relative_to(part).as_posix(): fingerprint.of_file(path) for path in files
    }
    atomic.write_json(part / MANIFEST, manifest)


def _check(examples: Examples, held_out: Examples | None, settings: Settings, total: int) -> None:
    for data in (examples, held_out):
        if data is not None and (data.labels < 0).any():
            bare = data.ids[int((data.labels < 0).argmax())]
            raise DataError(
                f"{data.source}: the example {bare!r} has no label; remove or label it."
            )
    if len(np.unique(examples.labels)) < 2:
        raise DataError(f"{examples.source}: training needs at least two different labels.")
    if held_out is not None and held_out.label_names != examples.label_names:
        raise DataError(
            f"{held_out.source}: its labels are {', '.join(held_out.label_names)}, those of "
            f"{examples.source} are {', '.join(examples.label_names)}; they must be the same."
        )
    if held_out is not None and held_out.has_pairs != examples.has_pairs:
        raise DataError(f"{held_out.source}: give two text columns in both files or in neither.")
    if settings.early_stopping is not None and held_out is None:
        raise InputError(
            f"{option('early_stopping')} needs held-out examples: give "
            f"{option('eval_data')} or {option('eval_fraction', 0.1)}."
        )
    if isinstance(settings.checkpoints, tuple) and max(settings.checkpoints) > total:
        raise InputError(
            f"there is no step {max(settings.checkpoints)} for a checkpoint: the training has "
            f"{total} steps."
        )


def _plan(
    examples: Examples, held_out: Examples | None, recipe: Recipe, settings: Settings
) -> dict[str, Any]:
    chosen = settings.checkpoints
    return {
        **recipe.document(),
        **sources(settings),
        "max_length": settings.max_length,
        "checkpoints": chosen if isinstance(chosen, int) else sorted(set(chosen)),
        "early_stopping": settings.early_stopping,
        "train": examples.fingerprint(),
        "held_out": None if held_out is None else held_out.fingerprint(),
    }


def _prepare(part: Path, plan: dict[str, Any], *, resume: bool) -> None:
    if resume and (part / PLAN).exists():
        fingerprint.require_same(
            atomic.read_json(part / PLAN),
            plan,
            f"the interrupted training in {part}",
            "repeat it with the old value to go on, or add "
            f"{option('resume', False)} to start anew",
        )
        return
    if not (part / PLAN).exists():
        atomic.refuse_foreign(part, ())
    atomic.empty(part)
    atomic.write_json(part / PLAN, plan)


def _choose(
    candidates: list[Checkpoint], settings: Settings, final: Checkpoint
) -> list[Checkpoint]:
    if isinstance(settings.checkpoints, tuple):
        steps = [step for step in sorted(set(settings.checkpoints)) if step <= final.step]
        if not steps:
            raise InputError(
                f"early stopping kept step {final.step}, before every step for a checkpoint; "
                "name earlier ones."
            )
    else:
        losses = [(candidate.step, candidate.loss) for candidate in candidates]
        steps = choose(losses, settings.checkpoints, final.step)
    return [candidate for candidate in candidates if candidate.step in set(steps)]


def _evaluate(model: TextModel, held: Labelled | None) -> dict[str, Any] | None:
    if held is None:
        return None
    scores = predict.logits(model, held.encoded)
    return {
        "rows": len(held.encoded),
        "accuracy": float((scores.argmax(1) == held.labels).mean()),
        "loss": float(predict.cross_entropy(scores, held.labels).mean()),
    }


def _lasting(path: Path) -> bool:
    """Tell what belongs to the run from what a kill or this attempt leaves behind."""
    return path.name not in (PLAN, MANIFEST) and not path.name.startswith(".")


def _keep(part: Path, candidates: list[Checkpoint], kept: list[Checkpoint]) -> None:
    # The state first: killed from here on, the training starts anew instead of going on from
    # candidates that are gone.
    shutil.rmtree(part / record.STATE)
    for candidate in candidates:
        if candidate not in kept:
            shutil.rmtree(part / candidate.folder, ignore_errors=True)

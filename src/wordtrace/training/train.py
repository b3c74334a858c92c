"""Training a model and recording it as a run."""

from __future__ import annotations

import shutil
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

import wordtrace
from wordtrace.data.examples import Examples
from wordtrace.data.origin import file_of
from wordtrace.disk import atomic
from wordtrace.errors import DataError, InputError, option
from wordtrace.execute.progress import track
from wordtrace.execute.threads import one_thread
from wordtrace.models import predict
from wordtrace.models.cnn import CNN
from wordtrace.models.protocol import TextModel
from wordtrace.run import checkpoint as checkpoints
from wordtrace.run.check import checksums, samples, sizes
from wordtrace.run.checkpoint import Checkpoint
from wordtrace.run.choose import choose
from wordtrace.run.device import find_device
from wordtrace.run.existing import find_same
from wordtrace.run.manifest import HELD_OUT, TRAIN, HeldOut, RunManifest, TrainingRows
from wordtrace.run.place import MANIFEST
from wordtrace.run.plan_words import WORDS, require_same_plan, same, words_of
from wordtrace.run.recipe import Recipe
from wordtrace.run.run import Run
from wordtrace.training.fit import Training, fit
from wordtrace.training.recorder import STATE, STATE_FILE, Labelled, Recorder
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
    _check(examples, held_out, settings, recipe.steps(len(examples)))
    device = find_device(device)
    atomic.check_replaceable(folder, MANIFEST, "run")
    plan = _plan(examples, held_out, recipe, settings)
    there = None if overwrite else find_same(folder, plan, examples, held_out, device)
    if there is not None:
        return there
    job = _Job(examples, held_out, recipe, settings, plan, device)
    with atomic.exclusive(folder) as part:
        done = part / MANIFEST
        if not (done.exists() and same(atomic.read_json(done).get("plan"), plan)):
            _prepare(part, plan, resume=resume)
            with atomic.worth_keeping(part, PLAN, (part / STATE).exists):
                _train_in(part, job)
        (part / PLAN).unlink(missing_ok=True)
        atomic.commit_folder(folder)
    return Run.open(folder, device)


@dataclass(frozen=True)
class _Job:
    """What is to be trained, on what and where."""

    examples: Examples
    held_out: Examples | None
    recipe: Recipe
    settings: Settings
    plan: dict[str, Any]
    device: str


def _train_in(part: Path, job: _Job) -> None:
    """Train in the folder `part`; the manifest comes last."""
    begun = start(part, job.examples, job.settings, job.recipe.seed)
    encoded = begun.tokenizer.encode(job.examples.texts, job.examples.texts2, "Tokenizing")
    held = (
        None
        if job.held_out is None
        else Labelled(
            begun.tokenizer.encode(job.held_out.texts, job.held_out.texts2), job.held_out.labels
        )
    )
    recorder = _followed(part, job, begun.model, Labelled(encoded, job.examples.labels), held)
    candidates = recorder.candidates
    final = recorder.best if job.settings.early_stopping else candidates[-1]
    chosen = _choose(candidates, job.settings, final)
    if final.step != recorder.training.step:
        weights = part / final.folder / checkpoints.WEIGHTS
        begun.model.module.load_state_dict(checkpoints.load_tensors(weights))
    begun.model.module.eval()
    measured = _evaluate(begun.model, held)
    _keep(part, candidates, [candidates[0], *chosen, final])
    job.examples.write_parquet(part / TRAIN)
    if job.held_out is not None:
        job.held_out.write_parquet(part / HELD_OUT)
    files = checksums(part, (PLAN, MANIFEST))
    manifest = RunManifest(
        made_with={"wordtrace": wordtrace.__version__, "torch": torch.__version__},
        plan=job.plan,
        model=begun.description,
        pretrained_embeddings=job.settings.model != "cnn" or job.settings.embeddings is not None,
        max_length=job.settings.max_length,
        label_names=job.examples.label_names,
        has_pairs=job.examples.has_pairs,
        source=Path(job.examples.source).name,
        recipe=job.recipe,
        steps=final.step,
        checkpoints=tuple(chosen),
        final=final,
        history=tuple(candidates),
        train=TrainingRows.of(job.examples, encoded),
        held_out=measured,
        files=files,
        sizes=sizes(part, files),
        samples=samples(part, files),
        read_from=file_of(job.examples.origin),
    )
    atomic.write_json(part / MANIFEST, manifest.document())


def _followed(
    part: Path, job: _Job, model: TextModel, train: Labelled, held: Labelled | None
) -> Recorder:
    """Train from the beginning, or from where an earlier attempt was ended, to the end."""
    model.module.to(job.device)
    training, steps = Training(model), job.settings.checkpoints
    # The CNN's steps are too small for threads; of a larger model each is worth them.
    threads = one_thread() if isinstance(model, CNN) else nullcontext()
    total = job.recipe.steps(len(train.encoded))
    with threads, track("Training", total, "steps") as advance:
        recorder = Recorder(
            part,
            training,
            job.recipe,
            train,
            held,
            steps if isinstance(steps, tuple) else None,
            job.settings.early_stopping,
            advance,
        )
        recorder.resume()
        advance(training.step)
        if not recorder.stopped:
            fit(training, train.encoded, train.labels, job.recipe, after_step=recorder.after_step)
    return recorder


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
        WORDS: words_of(
            examples,
            held_out,
            model=Path(settings.model).name,
            embeddings=settings.embeddings and settings.embeddings.name,
        ),
    }


def _prepare(part: Path, plan: dict[str, Any], *, resume: bool) -> None:
    recorded = None
    if (part / PLAN).exists():
        recorded = atomic.read_json(part / PLAN)
    elif (part / MANIFEST).exists():  # it was killed at its very end
        recorded = atomic.read_json(part / MANIFEST).get("plan")
    if resume and recorded is not None:
        require_same_plan(
            recorded,
            plan,
            f"the interrupted training in {part}",
            "repeat it with the old value to go on, or add "
            f"{option('resume', False)} to start anew",
        )
        return
    if not (part / PLAN).exists() and not (part / MANIFEST).exists():
        atomic.refuse_foreign(part, ())
    atomic.empty(part, PLAN)
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
        rates = {candidate.step: candidate.learning_rate for candidate in candidates}
        steps = choose(losses, settings.checkpoints, final.step, rates)
    return [candidate for candidate in candidates if candidate.step in set(steps)]


def _evaluate(model: TextModel, held: Labelled | None) -> HeldOut | None:
    if held is None:
        return None
    scores = predict.logits(model, held.encoded)
    return HeldOut(
        rows=len(held.encoded),
        accuracy=float((scores.argmax(1) == held.labels).mean()),
        loss=float(predict.cross_entropy(scores, held.labels).mean()),
    )


def _keep(part: Path, candidates: list[Checkpoint], kept: list[Checkpoint]) -> None:
    # The state first: killed from here on, the training starts anew instead of going on from
    # candidates that are gone; of it first what names the rest.
    (part / STATE / STATE_FILE).unlink(missing_ok=True)
    shutil.rmtree(part / STATE)
    for candidate in candidates:
        if candidate not in kept:
            shutil.rmtree(part / candidate.folder, ignore_errors=True)

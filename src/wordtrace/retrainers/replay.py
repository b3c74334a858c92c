"""Training again as the recorded Trainer did, by a plain Trainer."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import torch

from wordtrace.disk import fingerprint
from wordtrace.errors import CorruptError, InputError, NumericalError, option
from wordtrace.execute.child import share_of_cores
from wordtrace.execute.ledger import Ledger
from wordtrace.models import adapters
from wordtrace.models.configs import read_config
from wordtrace.models.library import library
from wordtrace.models.pretrained import as_text_model, quiet
from wordtrace.retrainers.ask import said_by
from wordtrace.retrainers.kept_models import Room
from wordtrace.retrainers.replay_changes import changed_rows
from wordtrace.retrainers.replay_pace import seconds_of
from wordtrace.retrainers.replay_proof import ReplayProof, prove
from wordtrace.retrainers.replay_trainer import Recorded, threads, trained
from wordtrace.retrainers.retrain import LEDGER
from wordtrace.retrainers.retrainer import Change, Said
from wordtrace.retrainers.trained_model import load
from wordtrace.run.check import check_files
from wordtrace.run.device import find_device
from wordtrace.run.manifest import for_replay
from wordtrace.run.pretrained_model import PretrainedModel
from wordtrace.run.replay_record import REPLAY, ReplayRecord, versions
from wordtrace.run.run import Run


@dataclass(frozen=True)
class Replay:
    """Repeats the training of a run that :class:`wordtrace.TraceCallback` recorded.

    A plain ``Trainer`` is made of what the callback kept: arguments, the weights before the first
    step, the rows as the collator joined them, and the state of the random generators. Before
    anything is measured it proves itself: on the unchanged data, with the recorded seed, it must
    give the losses that the training logged.

    A row is left out by weight 0 in the loss. All else is as it was: the order of the other rows,
    the draws of dropout, and what the loss is divided by (the rows of a batch; of a language model,
    the tokens that count). A batch of nothing but rows that are left out has gradient 0, and the
    optimizer takes its step all the same.

    Another seed draws the order of the rows and dropout anew. The weights before the first step
    stay the recorded ones, those of a new head included: what such trainings differ in is less than
    what trainings from the start would.

    Parameters
    ----------
    device
        Where it trains; by default on the kind of device that was recorded. On another kind dropout
        is drawn otherwise, so that a training with dropout does not prove itself.
    keep
        Keep each model (an adapter alone) in the run's folder, so that another question about the
        same training costs no training.

    Examples
    --------
    >>> tracing = wt.TraceCallback("runs/tuned")
    >>> trainer = Trainer(
    ...     model, arguments, train_dataset=rows, processing_class=tokenizer, callbacks=[tracing]
    ... )
    >>> _ = trainer.train()
    >>> print(wt.Replay().proof(tracing.run).told())
    The replay repeats the recorded training: ...
    """

    device: str = "recorded"
    keep: bool = True

    @property
    def settings(self) -> Mapping[str, Any]:
        """What tells its models from those of another retrainer."""
        return {"retrainer": "replay", "device": self.device}

    def refusal(self, run: Run) -> str | None:
        """Say why a run can't be replayed; None where it can, as far as its files tell."""
        return _refusal(run)

    def trains_first(self, run: Run) -> bool:
        """Tell whether the replay has to prove itself yet, by one training."""
        with Ledger(run.path / LEDGER) as ledger:
            return ledger.get(self._key(run, _recorded(run))) is None

    def prepare(self, run: Run) -> str | None:
        """Say why a run can't be replayed; None where the replay has proved itself, here or before.

        The proof is kept in the run's folder, and made again where libraries have changed.
        """
        refused = _refusal(run)
        return refused if refused is not None else self.proof(run).refusal(run.path)

    def proof(self, run: Run) -> ReplayProof:
        """Return the proof: as it is kept, else made by one training.

        Raises
        ------
        InputError
            For a run that can't be replayed.
        """
        if (refused := _refusal(run)) is not None:
            raise InputError(refused)
        recorded = _recorded(run)
        key = self._key(run, recorded)
        with Ledger(run.path / LEDGER) as ledger:
            if (kept := ledger.get(key)) is not None:
                return ReplayProof.of(kept)
            proof = prove(recorded, self._device(recorded))
            if proof.holds:
                ledger.record(key, proof.document())
            return proof

    def _key(self, run: Run, recorded: Recorded) -> str:
        """Name the proof by what it depends on."""
        known = {
            "replay": run.manifest.files[REPLAY],
            "run": run.fingerprint,
            "device": self._device(recorded),
            "versions": versions(adapter=bool(recorded.record.model["adapter"])),
        }
        return f"replay:{fingerprint.of_document(known)}"

    def pace(self, run: Run, count: int) -> float | None:
        """Return the seconds of a training by `count` threads, by its first steps.

        None for a run that can't be replayed.
        """
        if _refusal(run) is not None:
            return None
        recorded = _recorded(run)
        return seconds_of(recorded, self._device(recorded), count)

    def train(self, run: Run, change: Change) -> Said:
        """Train once; see :class:`.Retrainer`.

        Raises
        ------
        InputError
            For a run that can't be replayed.
        """
        if (refused := _refusal(run)) is not None:
            raise InputError(refused)
        room = Room.of(run, change.key)
        if (folder := room.kept()) is not None:
            try:
                return replace(load(run, folder).said(run, change.probes), seconds=room.seconds)
            except CorruptError:
                room.clear()
        start = time.perf_counter()
        recorded = _recorded(run)
        changed = changed_rows(run, recorded.rows, change)
        with threads(share_of_cores()):
            model = trained(recorded, change.seed, change.weights, changed, self._device(recorded))
        _check_finite(run, model)
        if self.keep:
            with room.training() as out, quiet(library("transformers")):
                model.save_pretrained(out, safe_serialization=True)
                room.keep(out, time.perf_counter() - start)
        return _asked(run, model, change)

    def place(self, run: Run) -> str:
        """Return the device on which a run is trained again (InputError where it is not here)."""
        return self._device(_recorded(run))

    def _device(self, recorded: Recorded) -> str:
        """Return the device (InputError where it is not here)."""
        return find_device(recorded.record.device if self.device == "recorded" else self.device)


def _asked(run: Run, model: Any, change: Change) -> Said:
    """Ask a trained model, in the precision in which the run's own models are asked."""
    described = run.manifest.model
    assert isinstance(described, PretrainedModel)
    model = model.eval().float().requires_grad_(False)
    if hasattr(model, "merge_and_unload"):
        model = adapters.merge(model, f"the adapter of {run.path}")
    config = read_config(run.path)
    whole = as_text_model(model, config, described.loss, described.tokens_a_row)
    return said_by(run, whole, change.probes, held_out=change.held_out)


def _check_finite(run: Run, model: Any) -> None:
    for name, value in model.named_parameters():
        if not torch.isfinite(value).all():
            raise NumericalError(
                f"the replay of {run.path} diverged: {name} holds NaN or infinity."
            )


def _refusal(run: Run) -> str | None:
    """Say why a run can't be replayed; None where it can, as far as its files tell."""
    if run.manifest.recipe is not None:
        return (
            f"{run.path} was trained by `wordtrace train`, which repeats its own trainings; leave "
            "the replay out."
        )
    if REPLAY not in run.manifest.files:
        return (
            f"{run.path} holds nothing that a replay could start from: it was made of a Trainer's "
            "folder, or recorded with replay=False; give the training itself by "
            f"{option('retrain')}, or train again with wordtrace.TraceCallback."
        )
    return _refusal_of(run)


@lru_cache(maxsize=4)
def _refusal_of(run: Run) -> str | None:
    """Say what is wrong with a replay's files, or not standard; looked at once in a process."""
    files = {name: digest for name, digest in run.manifest.files.items() if for_replay(name)}
    if wrong := check_files(run.path, files):
        return f"{wrong[0]}, so that it can't be replayed; make the run again."
    record = ReplayRecord.read(run.path / REPLAY)
    if record.not_standard:
        return (
            f"{run.path} can't be replayed by a plain Trainer, since its training had "
            f"{', and '.join(record.not_standard)}; give the training itself by "
            f"{option('retrain')}."
        )
    return None


@lru_cache(maxsize=1)
def _recorded(run: Run) -> Recorded:
    """Return what a replay starts from, read once in a process for all its trainings."""
    recorded = Recorded.of(run)
    if len(recorded.rows) != run.manifest.train.rows:
        raise InputError(
            f"{run.path} has {run.manifest.train.rows:,} rows, and its Trainer had "
            f"{len(recorded.rows):,}; record the training again."
        )
    return recorded

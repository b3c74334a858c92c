"""Whether a replay repeats its training: the losses that were logged, against its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from wordtrace.execute.progress import track
from wordtrace.retrainers.replay_trainer import Recorded, threads, trained
from wordtrace.run.replay_record import ReplayRecord, machine_of, versions

#: The part of a loss by which a replay may differ from the log.
TOLERANCE = 1e-4
#: The same in half precision, and on a GPU, which adds up in no fixed order.
WIDER = 1e-2


@dataclass(frozen=True)
class ReplayProof:
    """What was compared.

    Attributes
    ----------
    tolerance
        The largest part of a loss by which the two may differ.
    losses
        (step, logged, replayed), up to the first that differs by more.
    whole
        Whether the last of them is the mean of all steps, logged at the end.
    differs
        What is not as it was when the training was recorded, in words.
    """

    tolerance: float
    losses: tuple[tuple[int, float, float], ...]
    whole: bool
    differs: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """Whether there is something to compare, and all of it fits."""
        return bool(self.losses) and all(self.fits(*one[1:]) for one in self.losses)

    def fits(self, logged: float, replayed: float) -> bool:
        """Whether two losses are the same within the tolerance, and a rounded log's digits."""
        rounded = 5.1e-5 if round(logged, 4) == logged else 0.0
        return bool(abs(logged - replayed) <= self.tolerance * abs(logged) + rounded)

    def document(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {
            "tolerance": self.tolerance,
            "losses": [list(one) for one in self.losses],
            "whole": self.whole,
            "differs": list(self.differs),
        }

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> ReplayProof:
        """Read what :meth:`document` wrote."""
        losses = tuple((int(step), float(a), float(b)) for step, a, b in document["losses"])
        differs = tuple(document["differs"])
        return cls(document["tolerance"], losses, document["whole"], differs)

    def refusal(self, where: object) -> str | None:
        """Say what does not fit; None where all does."""
        if self.holds:
            return None
        if not self.losses:
            return (
                f"the Trainer of {where} logged no loss of a whole training, so that a replay "
                "can't prove itself; train again with logging_steps."
            )
        step, logged, replayed = self.losses[-1]
        place = (
            f"the mean loss of all {step:,} steps is"
            if self.whole
            else f"at step {step:,} it logged"
        )
        now = "; ".join(self.differs) or (
            "libraries, processor and threads are the same, so something is not recorded that the "
            "training depends on"
        )
        return (
            f"the replay of {where} does not repeat its training: {place} {_shown(logged)}, and "
            f"the replay gives {_shown(replayed)} (they may differ by {self.tolerance:.2%} of it); "
            f"{now}."
        )

    def told(self) -> str:
        """Say what was shown."""
        largest = max(abs(a - b) / max(abs(a), 1e-12) for _, a, b in self.losses)
        step, logged, replayed = self.losses[-1]
        return (
            "The replay repeats the recorded training: "
            f"{len(self.losses):,} logged losses differ by {largest:.1e} of themselves at most "
            f"({self.tolerance:.0e} is allowed); the last, at step {step:,}, was "
            f"{_shown(logged)} and is {_shown(replayed)}."
        )


def prove(recorded: Recorded, device: str) -> ReplayProof:
    """Train on the unchanged data with the recorded seed and random states, and compare losses."""
    record, last = recorded.record, recorded.run.manifest.steps
    exact = torch.device(device).type == "cpu" and not _is_half(record)
    proof = ReplayProof(TOLERANCE if exact else WIDER, (), False, _differs(recorded, device))
    wanted = {step: loss for step, loss in record.logged if step <= last}
    found: list[tuple[int, float, float]] = []
    whole = False
    with track("Repeating the training", last, "steps") as advance:
        done = 0

        def compare(name: str, step: int, loss: float) -> bool:
            nonlocal done, whole
            advance(step - done)
            done = step
            logged = wanted.get(step)
            if name == "train_loss":
                fresh = record.whole is not None and record.whole[0] == step and not record.resumed
                logged = record.whole[1] if fresh and record.whole is not None else None
            if logged is None:
                return False
            found.append((step, logged, loss))
            whole = name == "train_loss"
            return not proof.fits(logged, loss)

        with threads(record.threads):
            trained(
                recorded,
                record.seed,
                np.ones(len(recorded.rows), np.float32),
                {},
                device,
                compare,
            )
    return ReplayProof(proof.tolerance, tuple(found), whole, proof.differs)


def _is_half(record: ReplayRecord) -> bool:
    mixed = bool(record.arguments.get("bf16") or record.arguments.get("fp16"))
    return mixed or record.model.get("dtype") not in (None, "float32")


def _differs(recorded: Recorded, device: str) -> tuple[str, ...]:
    record = recorded.record
    now = versions(adapter=bool(record.model["adapter"]))
    found = [
        f"it was recorded with {name} {record.made_with.get(name)}, here is {version}"
        for name, version in now.items()
        if record.made_with.get(name) != version
    ]
    if record.resumed:
        steps = ", ".join(f"{step:,}" for step in record.resumed)
        found.append(f"it was interrupted and taken up again after step {steps}")
    here = torch.device(device).type
    if record.device != here:
        found.append(f"it was recorded on {record.device}, this is {here}")
    elif record.machine != machine_of(device):
        found.append(f"it was recorded on {record.machine}, this is {machine_of(device)}")
    return tuple(found)


def _shown(loss: float) -> str:
    return f"{loss:.6g}"

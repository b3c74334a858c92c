"""The retrainings of a study: all of one run, by one retrainer, with the same probes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from wordtrace.data.examples import Examples
from wordtrace.disk import fingerprint
from wordtrace.execute.protocol import Executor
from wordtrace.retrainers.kept_models import Room
from wordtrace.retrainers.retrain import Retraining, Rows
from wordtrace.retrainers.retrainer import Probe, Retrainer, is_foreign
from wordtrace.run.run import Run
from wordtrace.verification.plan import Plan, at_once
from wordtrace.verification.store import Store
from wordtrace.verification.tasks import run_tasks


@dataclass(frozen=True)
class Retrainings:
    """What is trained, by which retrainer, where, and what the models are asked.

    Attributes
    ----------
    workers, executor, address
        See :func:`.tasks.run_tasks`.
    held_out
        Whether the study shows what the models do on the held-out rows.
    """

    on: Run
    probes: tuple[Probe, ...]
    retrainer: Retrainer
    workers: int | None = None
    executor: str | Executor = "processes"
    address: str | None = None
    held_out: bool = True

    @property
    def at_once(self) -> int:
        """How many models are trained at a time, as far as that is known here."""
        return at_once(self.on, self.retrainer, self.executor, self.workers)

    def task(
        self,
        seed: int,
        removed: Rows = (),
        relabelled: tuple[tuple[int, int | str], ...] = (),
        blanked: tuple[tuple[int, int], ...] = (),
        again: int = 0,
    ) -> Retraining:
        """Return one retraining; see :class:`.Retraining`."""
        return Retraining(
            *(str(self.on.path), self.training, seed, removed, self.probes),
            *(relabelled, blanked, again, self.held_out, self.device),
        )

    @property
    def device(self) -> str:
        """Where the library's own training repeats a pretrained model: where the run was opened.

        A retrainer of the user's says itself where it trains, and of the CNN one core is faster.
        """
        foreign = is_foreign(self.retrainer)
        return "cpu" if foreign or self.on.is_cnn else self.on.device

    @property
    def training(self) -> str:
        """What identifies the training: the run, the retrainer's settings, and a GPU."""
        document: dict[str, Any] = {"run": self.on.fingerprint}
        if self.retrainer.settings:
            document["retrainer"] = dict(self.retrainer.settings)
        if (kind := torch.device(self.device).type) != "cpu":
            # It rounds otherwise, so the models of a pair are trained on the same kind.
            document["device"] = kind
        return fingerprint.of_document(document) if len(document) > 1 else self.on.fingerprint

    def run(
        self,
        tasks: Sequence[Retraining],
        failed: dict[int, str] | None = None,
        plan: Plan | None = None,
        *,
        begun: bool = False,
    ) -> dict[str, dict[str, Any]]:
        """Return each retraining's result by its key; see :func:`.tasks.run_tasks`."""
        return run_tasks(
            self.on,
            tasks,
            self.retrainer,
            self.workers,
            executor=self.executor,
            address=self.address,
            failed=failed,
            plan=plan,
            begun=begun,
        )

    def planned(
        self,
        rounds: Sequence[Sequence[Retraining]],
        surely: int,
        store: Store,
        *,
        proving: bool = False,
    ) -> Plan:
        """Return the plan of rounds of models; see :meth:`.Plan.of`.

        Parameters
        ----------
        rounds
            Of different retrainings; those whose model or result is kept are not trained.
        proving
            Whether one training comes before all of them.
        """
        counts = [sum(not self._kept(task, store) for task in some) for some in rounds]
        kept = sum(map(len, rounds)) - sum(counts)
        first = [1] if proving else []
        timed = store.seconds(self.training)
        return Plan.of(
            *(self.on, self.retrainer, [*first, *counts], surely + len(first), timed),
            *(self.executor, self.workers, kept),
        )

    def _kept(self, task: Retraining, store: Store) -> bool:
        """Tell whether a retraining's result is known, or its model is there to be asked."""
        return store.get(task) is not None or Room.of(self.on, task.training).kept() is not None


def probes_of(examples: Examples) -> tuple[Probe, ...]:
    """Return the texts of some examples as probes."""
    if examples.texts2 is None:
        return tuple((text, None) for text in examples.texts)
    return tuple(zip(examples.texts, examples.texts2, strict=True))


def seeds_of(run: Run, repeats: int) -> list[int]:
    """Return seeds for retrainings; never the run's own, with which its queries were picked."""
    return [(run.seed + 1 + place) % 2**31 for place in range(repeats)]

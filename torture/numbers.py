"""Numbers at their ends: trainings that diverge, degenerate data, gradients without size."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping
from typing import Any

from torture.attempts import Attempt, End, Plan, at_once
from torture.number_cases import CASES
from torture.sandbox import Command

TITLE = "Numbers at their ends"
PROMISE = """\
From training to index, trace, words and verification: learning rates, weights, texts, labels and
sizes at their ends. Each step gives an answer without NaN or infinity, and scores that are those of
plain automatic differentiation as closely as the index is stored, or says in a sentence why there
is none. What can't be told apart (scores that are all zero) is told as zero, not as a cause."""

#: No step takes this long on a healthy machine.
_PATIENCE = 400.0


def attacks(plan: Plan) -> Iterator[Attempt]:
    """Take each case through all steps in a process of its own."""
    names = list(CASES)
    if plan.short:
        quick = [name for name in names if not CASES[name].dear]
        names = random.Random(plan.seed).sample(quick, 5)

    def attack(name: str) -> list[Attempt]:
        folder = plan.work / name.replace(" ", "-")
        folder.mkdir()
        command = Command((name,), folder, target="torture.number_cases:run", patience=_PATIENCE)
        ended = command.run()
        steps: dict[str, Any] = json.loads(ended.out) if ended.status == 0 and ended.out else {}
        if not steps:
            end: End = "hung" if ended.status is None else "crashed"
            return [Attempt(CASES[name].group, name, end, ended.said())]
        return [_judged(CASES[name].group, f"{name}: {step}", said) for step, said in steps.items()]

    yield from at_once(attack, names, plan.workers)


def _judged(group: str, what: str, said: Mapping[str, Any]) -> Attempt:
    if "bug" in said:
        return Attempt(group, what, "crashed", said["bug"])
    if "refused" in said:
        sentence = said["refused"]
        whole = sentence.endswith(".") and 20 < len(sentence) < 600
        return Attempt(group, what, "refused" if whole else "wrong", sentence)
    if "wrong" in said:
        return Attempt(group, what, "wrong", said["wrong"])
    return Attempt(group, what, "right")

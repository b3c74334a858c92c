"""Whether the checkpoints in one folder are those of one training.

A Trainer that writes into the folder of an earlier training replaces checkpoints of the same steps
and leaves the others.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from wordtrace.adopt.trainer_folder import Saved
from wordtrace.errors import InputError


def check_one_training(saved: Sequence[Saved]) -> None:
    """Refuse checkpoints of several trainings, naming those of each (InputError).

    A training that was interrupted and went on, be it for more epochs, is one.

    Parameters
    ----------
    saved
        By rising step.
    """
    trainings: list[list[Saved]] = []
    for one in saved:
        earlier = next((part for part in trainings if _goes_on(part[-1], one)), None)
        if earlier is None:
            trainings.append([one])
        else:
            earlier.append(one)
    if len(trainings) > 1:
        first, *others = trainings
        strangers = ", and ".join(_named(part) for part in others)
        raise InputError(
            f"{saved[0].folder.parent}: {strangers} {_is(others[-1])} of another training than "
            f"{_named(first)}; move the checkpoints of the training that you do not mean to "
            "another folder."
        )


def _goes_on(earlier: Saved, later: Saved) -> bool:
    """Tell whether the later of two checkpoints may belong to the training of the earlier one."""
    before, after = (_entries(one) for one in (earlier, later))
    if before:
        # A training that goes on keeps what was logged; two trainings don't log the same losses.
        return after[: len(before)] == before
    # With nothing logged the plan tells: steps, epochs and batch size.
    names = ("max_steps", "num_train_epochs", "train_batch_size")
    plans = [[one.state.get(name) for name in names] for one in (earlier, later)]
    return plans[0] == plans[1] or any(plan[0] is None for plan in plans)


def _entries(one: Saved) -> list[str]:
    # As text, so that NaN equals itself.
    return [json.dumps(entry, sort_keys=True) for entry in one.state.get("log_history") or []]


def _named(part: Sequence[Saved]) -> str:
    names = [one.folder.name for one in part]
    if len(names) > 4:
        names = [*names[:2], "…", names[-1]]
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else names[0]


def _is(part: Sequence[Saved]) -> str:
    return "is" if len(part) == 1 else "are"

"""The learning rate that a Trainer used at each step, from what it left on disk.

Nothing is unpickled: ``training_args.bin`` is never opened, schedules and optimizers by
``torch.load(weights_only=True)`` alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from wordtrace.adopt.choices import Choices
from wordtrace.adopt.schedules import group_of, log_is_late, ratio_of, scheduled, version_of
from wordtrace.adopt.trainer_folder import Saved
from wordtrace.adopt.trainer_output import TrainerOutput
from wordtrace.disk.json_text import parse_json
from wordtrace.disk.lines import read_lines
from wordtrace.errors import InputError, option
from wordtrace.run.adam import Place

#: Written by wordtrace's TraceCallback: the rate used at each step, for the embedding's group.
RATES = "wordtrace_rates.jsonl"


@dataclass(frozen=True)
class Rates:
    """The learning rate used at each step.

    Attributes
    ----------
    used
        float64, shape (last step + 1,); element s is the rate of the step that made the weights
        "after s steps"; element 0 is 0.
    known
        The steps with a rate that was written down; between them it is a straight line.
    notes
        What was taken for granted.
    """

    used: npt.NDArray[np.float64]
    known: frozenset[int]
    notes: tuple[str, ...] = ()


def rates_used(output: TrainerOutput, choices: Choices) -> Rates:
    """Return the rate of every step: given, or as the Trainer wrote it down (InputError).

    It is that of the group of parameters which holds the word embedding.
    """
    last = output.saved[-1].step
    if choices.learning_rate is not None:
        return Rates(
            np.concatenate([[0.0], np.full(last, choices.learning_rate)]),
            frozenset(range(1, last + 1)),
        )
    group: int | None = 0
    if any(len(set(rates)) > 1 for rates in scheduled(output.saved).values()):
        group = group_of(output.saved, Place.of(output.model(output.saved[-1])))
    # An adapter's configuration is that of its base, which is of another training.
    version = output.config.get("transformers_version")
    if output.base is not None:
        version = version_of([output.saved[-1].folder, output.folder])
    found = rates_of(output.saved, output.folder, version, group)
    if found is None and output.alone:
        # One checkpoint's rate is a factor of all scores.
        return Rates(
            np.concatenate([[0.0], np.ones(last)]),
            frozenset(range(1, last + 1)),
            (
                "The learning rate of the one checkpoint is not known: 1 is taken, so scores are "
                "right up to one factor; give the rate where their size matters.",
            ),
        )
    if found is None:
        raise InputError(
            f"{output.folder}: no learning rate was logged and there is no scheduler.pt; give "
            f"{option('learning_rate')} for all checkpoints."
        )
    return found


def rates_of(
    saved: Sequence[Saved], output: Path, version: str | None, group: int | None = 0
) -> Rates | None:
    """Return the rates used, from the Trainer's log, its schedules, and our callback's file.

    None where nothing is known. Between known steps the rate is a straight line.

    Parameters
    ----------
    version
        The version of transformers that wrote the log: up to 4.50 an entry is the next step's rate.
        It is believed only where log and schedules do not tell.
    group
        The number of the group of parameters whose rates are meant; None where it is not known.
    """
    last, notes = saved[-1], []
    following = scheduled(saved)
    logged = _logged(last)
    late = log_is_late(logged, {step: rates[0] for step, rates in following.items()}, version)
    if group is None:
        apart = next(one for one in following.values() if len(set(one)) > 1)
        notes.append(
            "The groups of parameters had different learning rates "
            f"({', '.join(f'{rate:g}' for rate in apart)}), and no optimizer.pt tells which of "
            "them holds the word embedding: those of the first group are taken."
        )
        group = 0
    points = {step: rates[group] for step, rates in following.items() if group < len(rates)}
    ratio = ratio_of(following, group)
    if ratio is not None:
        points |= {step + late: rate * ratio for step, rate in logged.items()}
    elif logged:
        notes.append(
            "The Trainer logged the rate of another group of parameters than the word "
            "embedding's: rates are those of the saved schedules alone."
        )
    points |= _recorded(output / RATES, last.step)
    known = sorted(step for step in points if 1 <= step <= last.step + 1)
    if not known:
        return None
    steps = np.arange(1, last.step + 1)
    used = np.interp(steps, known, [points[step] for step in known])
    return Rates(np.concatenate([[0.0], used]), frozenset(known), tuple(notes))


def _logged(last: Saved) -> dict[int, float]:
    """Return the rates in the log, by their entries' steps."""
    found = {}
    for entry in last.state.get("log_history") or []:
        rate, step = entry.get("learning_rate"), entry.get("step")
        if isinstance(rate, int | float) and isinstance(step, int) and np.isfinite(rate):
            found[step] = float(rate)
    return found


def _recorded(path: Path, last: int) -> dict[int, float]:
    if not path.is_file():
        return {}
    found = {}
    for line in read_lines(path):
        try:
            entry = parse_json(line)
            found[int(entry["step"])] = float(entry["learning_rate"])
        except (ValueError, KeyError, TypeError):
            continue  # the last line of a killed training
    return {step: rate for step, rate in found.items() if step <= last}

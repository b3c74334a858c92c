"""Running situations: each training once, then all that is adopted of it."""

from __future__ import annotations

import contextlib
import io
import json
import re
import tempfile
import time
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import wordtrace as wt
from benchmarks.adopt import material
from benchmarks.adopt.compare import differences
from benchmarks.adopt.folders import copied
from benchmarks.adopt.situations import Situation
from benchmarks.adopt.trainings import Trained, train


@dataclass(frozen=True)
class Outcome:
    """What came of a situation.

    Attributes
    ----------
    verdict
        "right": adopted, and equal to the training. "refused": in one sentence, as is right.
        "wrong": adopted in silence, but not equal. "unexpected": anything else.
    said
        The refusal, the first differences, or the error.
    """

    situation: Situation
    verdict: str
    said: str
    seconds: float

    def document(self) -> dict[str, Any]:
        """Return it for JSON."""
        one = self.situation
        return {
            "group": one.group,
            "training": one.training.name,
            "by": one.training.by,
            "reading": one.reading,
            "expected": one.expected,
            "verdict": self.verdict,
            "said": self.said,
            "seconds": round(self.seconds, 2),
        }


def run(situations: Sequence[Situation]) -> Iterator[Outcome]:
    """Yield the outcome of each; those of one training must follow each other."""
    for training, group in groupby(situations, key=lambda one: one.training):
        with tempfile.TemporaryDirectory() as place:
            folder, begun = Path(place), time.perf_counter()
            mine = list(group)
            try:
                with _silence():
                    trained = train(training, folder / "training")
            except Exception:
                for one in mine:
                    yield Outcome(one, "unexpected", traceback.format_exc(), 0.0)
                continue
            spent = (time.perf_counter() - begun) / len(mine)
            for number, one in enumerate(mine):
                begun = time.perf_counter()
                with _silence():
                    verdict, said = _judge(one, trained, folder / str(number))
                yield Outcome(one, verdict, said, spent + time.perf_counter() - begun)


def _judge(one: Situation, trained: Trained, folder: Path) -> tuple[str, str]:
    try:
        found = _adopted(one, trained, folder)
    except wt.WordtraceError as error:
        return _refused(one, str(error))
    except Exception:
        return "unexpected", traceback.format_exc()
    if isinstance(found, str):
        return _refused(one, found)
    try:
        apart = differences(found, trained.truth)
    except Exception:
        return "unexpected", traceback.format_exc()
    if apart:
        return "wrong", "; ".join(apart)
    return ("right" if one.expected == "right" else "unexpected"), ""


def _refused(one: Situation, said: str) -> tuple[str, str]:
    right = one.expected == "refused" and re.search(one.says, said) is not None
    return ("refused" if right else "unexpected"), said


def _adopted(one: Situation, trained: Trained, folder: Path) -> wt.Run | str:
    """Return the run, or why the callback made none."""
    folder.mkdir()
    if one.reading == "callback":
        if trained.error is not None:
            raise trained.error
        return trained.run or " ".join(trained.said)
    output = trained.output
    if one.folder == "two trainings":
        output = _over(one, trained, folder)
    elif one.folder is not None:
        output = copied(trained, one.folder, folder)
    rows = material.rows() if one.data is None else material.texts(one.data)
    if one.other:
        rows = material.of_other_texts(*(one.data or "text + annotated_label").split(" + "))
    file = folder / "train.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return wt.record(output, file, folder / "run", **one.choices)


def _over(one: Situation, trained: Trained, folder: Path) -> Path:
    """Train for fewer steps and by another seed into the folder of a training."""
    import shutil
    from dataclasses import replace

    shutil.copytree(trained.output, folder / "out")
    shorter = (*one.training.settings, ("max_steps", 36), ("seed", 11))
    train(replace(one.training, settings=shorter), folder, callback=False)
    return folder / "out"


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Keep back what libraries print."""
    import warnings

    with (
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        yield

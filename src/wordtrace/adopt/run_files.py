"""The files of an adopted run: weights linked, what belongs to them written beside."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from wordtrace.adopt.logged import Logged
from wordtrace.adopt.trainer_output import TrainerOutput
from wordtrace.disk import atomic
from wordtrace.models import chat_template, configs
from wordtrace.models import tokenizer as tokens
from wordtrace.models.seq2seq_tokenizer import TARGET_FILE
from wordtrace.models.weight_files import weight_files
from wordtrace.run import adam
from wordtrace.run.checkpoint import Checkpoint
from wordtrace.run.kept_tokens import TOKENS
from wordtrace.run.manifest import BASE, HELD_OUT, TRAIN
from wordtrace.run.place import MANIFEST
from wordtrace.run.replay_record import REPLAY, START, ReplayRecord

#: All that an adopted run's folder holds at its top.
OURS = (
    MANIFEST,
    TRAIN,
    HELD_OUT,
    BASE,
    tokens.FILE,
    TARGET_FILE,
    TOKENS,
    chat_template.FILE,
    configs.CONFIG,
    "checkpoints",
    REPLAY,
    START,
)


def write_files(part: Path, output: TrainerOutput, kept: Sequence[Checkpoint], copy: bool) -> None:
    """Write the checkpoints, the last of which is the final model, configuration and tokenizer.

    Weights are linked, or copied where `copy` says so or the file system can't link.
    """
    saved = {one.step: one for one in output.saved}
    place = adam.Place.of(output.model(output.saved[-1]))
    for one in {one.step: one for one in kept}.values():
        target = part / one.folder
        target.mkdir(parents=True)
        for path in weight_files(saved[one.step].weights):
            _link(path, target / path.name, copy)
        folder = saved[one.step].folder
        if (folder / adam.FILE).is_file():
            _link(folder / adam.FILE, target / adam.FILE, copy)
        elif one in kept[:-1]:
            adam.keep_from(folder, target, place)
        atomic.write_json(target / "step.json", one.document())
    if output.base is not None:
        (part / BASE).mkdir()
        for path in [*weight_files(output.base), output.base / configs.CONFIG]:
            _link(path, part / BASE / path.name, copy)
    atomic.write_json(part / configs.CONFIG, output.config)
    output.tokenizer.save(part / tokens.FILE)


def write_replay(part: Path, recording: Path, logged: Logged, copy: bool) -> None:
    """Write what a replay of the training needs, where the recording holds it."""
    if not (recording / REPLAY).is_file():
        return
    record = replace(
        ReplayRecord.read(recording / REPLAY),
        logged=tuple((one.to, one.loss) for one in logged.windows),
        whole=None if logged.whole is None else (logged.whole.to, logged.whole.loss),
    )
    (part / START).mkdir()
    for path in sorted((recording / START).iterdir()):
        _link(path, part / START / path.name, copy)
    atomic.write_json(part / REPLAY, record.document())


def _link(source: Path, target: Path, copy: bool) -> None:
    if not copy:
        try:
            os.link(source.resolve(), target)
            return
        except OSError:
            pass  # another file system, or one without links
    shutil.copyfile(source, target)

"""The command that makes a run of a recording, for a message."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from inspect import signature
from pathlib import Path
from typing import Any

from wordtrace.adopt.record import record

#: What the command line calls a parameter, where it is not the parameter's own name.
_NAMES = {"kind": "labels", "eval_data": "eval", "learning_rate": "lr"}
#: What tells how data are read, which a recording holds already.
READ = ("text", "text2", "label", "id", "split", "eval_data", "eval_split")


def as_command(recording: Path, out: Path, choices: Mapping[str, Any]) -> str:
    """Return the ``wordtrace record`` that makes the run `out` of a recording.

    Parameters
    ----------
    choices
        Parameters of :func:`wordtrace.record`.
    """
    words = ["wordtrace", "record", str(recording), "--out", str(out)]
    usual = {name: one.default for name, one in signature(record).parameters.items()}
    for name, value in choices.items():
        if name in READ or value == usual.get(name):
            continue
        flag = "--" + _NAMES.get(name, name).replace("_", "-")
        if name == "checkpoints" and not isinstance(value, int):
            flag = "--checkpoint-steps"
        if isinstance(value, bool):
            words.append(flag if value else flag.replace("--", "--no-", 1))
        elif isinstance(value, tuple | list):
            words += [flag, _listed(value)]
        else:
            words += [flag, str(value)]
    return shlex.join(words)


def _listed(values: Sequence[Any]) -> str:
    """Return values with commas between; as JSON where one holds a comma."""
    if any("," in str(one) for one in values):
        return json.dumps(list(values), ensure_ascii=False)
    return ",".join(map(str, values))

"""What train and record have in common: held-out data, checkpoints, and their last words."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wordtrace.cli.effect import excludes
from wordtrace.cli.output import say
from wordtrace.cli.places import numbers

if TYPE_CHECKING:
    from wordtrace.run.run import Run

_held_out = partial(typer.Option, rich_help_panel="Held-out examples")
_recording = partial(typer.Option, rich_help_panel="Recording")

Data = (
    "CSV, TSV, JSONL, JSON or Parquet (also gzipped), or a folder saved by `datasets`; where there "
    "is none, a data set's name on the Hugging Face hub."
)
RunOut = Annotated[Path, typer.Option(help="The run's folder.")]
EvalData = Annotated[Path | None, _held_out("--eval", help="File of held-out examples.")]
EvalSplit = Annotated[
    str | None, _held_out(help="Split of --eval, or, without it, of the training data.")
]
Overwrite = Annotated[bool, _recording("--overwrite", help="Replace a finished run, at the end.")]


@dataclass(frozen=True)
class Chosen:
    """Which checkpoints are kept."""

    checkpoints: Annotated[
        int, _recording(help="How many to choose, where the loss has not saturated.")
    ] = 3
    checkpoint_steps: Annotated[
        str | None, _recording(help="Or the very steps, such as 39,78,117.")
    ] = None

    def library(self) -> int | tuple[int, ...]:
        """Return their number, or their steps (InputError)."""
        if self.checkpoint_steps is None:
            return self.checkpoints
        excludes("--checkpoint-steps", True, "checkpoints")
        return tuple(numbers(self.checkpoint_steps, "--checkpoint-steps", int)) or self.checkpoints


def finish(run: Run, existed: bool, as_json: bool) -> None:
    """Show a run, say whether it was there before, and what comes next."""
    from wordtrace.cli.show import show_run
    from wordtrace.run.describe import describe_run

    if existed:
        say(f"{run.path} holds this very run already; nothing was done.")
    show_run(describe_run(run), as_json)
    if not as_json:
        say(f"Next: wordtrace index {run.path}")


def exists(out: Path, overwrite: bool) -> bool:
    """Whether a finished run stands at a place and is to be kept."""
    return (out / "run.json").exists() and not overwrite

"""The folder beside a run in which our callback keeps what it sees until the run is made."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wordtrace.adopt.learning_rates import RATES
from wordtrace.adopt.recorded_rows import MARK, mark
from wordtrace.adopt.trainer_folder import STATE, checkpoints_of
from wordtrace.disk import atomic, fingerprint
from wordtrace.disk.json_text import parse_json
from wordtrace.disk.lines import read_lines
from wordtrace.errors import InputError
from wordtrace.models.weight_files import weight_files
from wordtrace.run import adam
from wordtrace.run.place import MANIFEST

#: What of a Trainer's state is written beside weights.
_STATE = (
    "global_step",
    "epoch",
    "max_steps",
    "num_train_epochs",
    "logging_steps",
    "train_batch_size",
    "log_history",
)
#: Stands in the mark of a recording whose training has ended.
_ENDED = "ended"


@dataclass(frozen=True)
class Recording:
    """``OUT.recording``: weights at some steps, the rate of every step, and the rows.

    Attributes
    ----------
    folder
        Its place.
    """

    folder: Path

    @classmethod
    def beside(cls, out: Path) -> Recording:
        """Return the recording of a run."""
        return cls(out.with_name(out.name + ".recording"))

    @property
    def exists(self) -> bool:
        """Whether something was recorded here."""
        return (self.folder / MARK).exists()

    @property
    def ended(self) -> bool:
        """Whether it holds a whole training, of which no run was made."""
        return self.exists and bool(atomic.read_json(self.folder / MARK).get(_ENDED))

    def begin(self, step: int) -> None:
        """Make the folder, or go on with it where the Trainer goes on after `step`.

        Raises
        ------
        InputError
            When the folder holds other files.
        """
        if self.folder.exists() and not self.exists and atomic.foreign_in(self.folder, ()):
            raise InputError(f"{self.folder} holds other files; choose another folder.")
        if self.exists and not step:
            self.remove()
        self.folder.mkdir(parents=True, exist_ok=True)
        atomic.write_json(self.folder / MARK, mark())
        # The Trainer repeats the steps after the checkpoint from which it goes on.
        rates = self.folder / RATES
        if rates.exists():
            lines = [line for line in read_lines(rates) if _step_of(line) <= step]
            atomic.write_text(rates, "".join(f"{line}\n" for line in lines))

    def note_rate(self, step: int, rate: float) -> None:
        """Note the rate of a step that is about to be taken."""
        line = json.dumps({"step": step, "learning_rate": rate})
        with open(self.folder / RATES, "a", encoding="utf-8") as file:
            file.write(line + "\n")

    def save(
        self, state: Any, arguments: Any, model: Any, optimizer: Any, step: int | None = None
    ) -> None:
        """Write the weights after a step, once, and what the Trainer has logged so far.

        Parameters
        ----------
        state, arguments
            The Trainer's.
        optimizer
            None where its state is not that of this step.
        step
            By default the one that the Trainer has taken last.
        """
        step = int(state.global_step) if step is None else step
        folder = self.folder / f"checkpoint-{step}"
        if not (folder / STATE).exists():
            model.save_pretrained(folder, safe_serialization=True)
            if optimizer is not None:
                table = next(iter(model.get_input_embeddings().parameters()))
                adam.keep_live(folder, optimizer, table)
        self._write_state(folder, step, state, arguments)

    def note_log(self, state: Any, arguments: Any) -> None:
        """Write what the Trainer has logged beside the last weights."""
        steps = (one.name.removeprefix("checkpoint-") for one in self.folder.glob("checkpoint-*"))
        last = max(int(step) for step in steps if step.isdigit())
        self._write_state(self.folder / f"checkpoint-{last}", last, state, arguments)

    def _write_state(self, folder: Path, step: int, state: Any, arguments: Any) -> None:
        document = {name: getattr(state, name, None) for name in _STATE}
        document |= {
            "global_step": step,
            "epoch": _epoch(state, step),
            "train_batch_size": arguments.train_batch_size,
            "log_history": [one for one in state.log_history if one.get("step", 0) <= step],
        }
        if getattr(arguments, "load_best_model_at_end", False):
            document["best_model_checkpoint"] = state.best_model_checkpoint
        atomic.write_json(folder / STATE, json.loads(json.dumps(document, default=_number)))

    def made(self, run: Path) -> bool:
        """Whether a run was made of this recording: a kill may come while it is removed."""
        if not (run / MANIFEST).exists() or not self.folder.is_dir():
            return False
        if not any(self.folder.iterdir()):
            return True
        if not self.ended:
            return False
        plan = atomic.read_json(run / MANIFEST).get("plan")
        output = plan.get("output") if isinstance(plan, dict) else None
        saved, _ = checkpoints_of(self.folder)
        return isinstance(output, list) and all(
            [one.step, *(fingerprint.of_file(path) for path in weight_files(one.weights))] in output
            for one in saved
        )

    def end(self) -> None:
        """Note that the training has ended."""
        document = atomic.read_json(self.folder / MARK)
        atomic.write_json(self.folder / MARK, {**document, _ENDED: True})

    def remove(self) -> None:
        """Delete the folder; of what is needed the run has links of its own."""
        atomic.empty(self.folder, MARK)
        self.folder.rmdir()


def _epoch(state: Any, step: int) -> float:
    """Return how many passes over the data a step ended."""
    if step == state.global_step or not state.global_step:
        return float(state.epoch or 0.0)
    return float(state.epoch or 0.0) * step / float(state.global_step)


def _number(value: Any) -> Any:
    """Return a logged value as JSON has it: metrics may be NumPy's numbers."""
    item = getattr(value, "item", None)
    return item() if item is not None else str(value)


def _step_of(line: str) -> int:
    try:
        return int(parse_json(line)["step"])
    except (ValueError, KeyError, TypeError):
        return 1 << 62  # the last line of a killed training

"""The rows of a training that our callback saw, kept with its weights until the run is made."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from wordtrace.adopt.choices import Choices
from wordtrace.adopt.trainer_output import TrainerOutput
from wordtrace.data.batches import Encoded
from wordtrace.data.conversations import Form
from wordtrace.data.examples import Examples
from wordtrace.data.origin import Origin
from wordtrace.disk import atomic
from wordtrace.errors import CorruptError
from wordtrace.models import configs
from wordtrace.run.kept_tokens import counted_tokens, read_tokens, second_of, write_tokens

#: The file that makes a folder a recording of ours.
MARK = "wordtrace.json"
_EXAMPLES = "wordtrace_rows.parquet"
_HELD_OUT = "wordtrace_held_out.parquet"
_TOKENS = "wordtrace_tokens.safetensors"


@dataclass(frozen=True)
class RecordedRows:
    """What a Trainer trained on, and on what else the model is to be measured.

    Attributes
    ----------
    examples, encoded
        The training examples and their token ids.
    held_out
        Held-out examples, or None.
    packed
        How many rows held the examples, where several examples were packed into a row; else None.
    max_length
        How many tokens an example has at most.
    end
        For a causal language model: whether completions end with the end token.
    preparation, counts
        For a causal language model: how its texts become tokens, and which of them count, as
        :class:`.run.pretrained_model.PretrainedModel` has it.
    origin
        The file that holds the same rows, where the user gave it beside.
    """

    examples: Examples
    encoded: Encoded
    held_out: Examples | None
    packed: int | None
    max_length: int
    end: bool
    preparation: str = "own"
    counts: str | None = None
    origin: Origin | None = None

    def write(self, folder: Path) -> None:
        """Write them into a recording's folder, the mark that tells of them last."""
        self.examples.write_parquet(folder / _EXAMPLES)
        write_tokens(folder / _TOKENS, self.encoded)
        if self.held_out is not None:
            self.held_out.write_parquet(folder / _HELD_OUT)
        facts = {
            "source": self.examples.source,
            "packed": self.packed,
            "max_length": self.max_length,
            "end": self.end,
            "preparation": self.preparation,
            "counts": self.counts,
            "read_from": None if self.origin is None else self.origin.document(),
        }
        atomic.write_json(folder / MARK, {**mark(), "rows": facts})

    def told(self, choices: Choices) -> Choices:
        """Return what the user said of the training, with what was seen of it."""
        return replace(
            choices,
            max_length=choices.max_length or self.max_length,
            end=choices.end and self.end,
            preparation=self.preparation,
            counts=self.counts,
            form=self._form,
        )

    @property
    def _form(self) -> Form | None:
        """The form of data from which a training makes such examples."""
        if self.preparation == "chat":
            return "messages"
        return "prompt and completion" if self.examples.has_pairs else "text"

    def fingerprint(self) -> str:
        """Return a hash of the token ids and of what counts of them."""
        counted = self.encoded.counted
        where = self.encoded.second if counted is None else counted
        digest = hashlib.blake2b(digest_size=20)
        for array in (self.encoded.ids, self.encoded.offsets, where):
            digest.update(b"" if array is None else np.ascontiguousarray(array).data)
        return digest.hexdigest()

    @classmethod
    def of(cls, folder: Path) -> RecordedRows | None:
        """Read what :meth:`write` wrote; None where a folder holds no rows.

        Raises
        ------
        CorruptError
            When a file of them is missing or not whole.
        """
        if not (folder / MARK).is_file():
            return None
        facts = atomic.read_json(folder / MARK).get("rows")
        if facts is None:
            return None
        held = folder / _HELD_OUT
        examples, encoded = (
            Examples.read_parquet(folder / _EXAMPLES),
            read_tokens(folder / _TOKENS),
        )
        if len(examples) != len(encoded):
            raise CorruptError(
                f"{folder} holds {len(examples)} texts and the tokens of {len(encoded)}; record "
                "the training again."
            )
        return cls(
            replace(examples, source=facts["source"]),
            encoded,
            Examples.read_parquet(held) if held.is_file() else None,
            facts["packed"],
            facts["max_length"],
            facts["end"],
            facts["preparation"],
            facts["counts"],
            Origin.of(facts["read_from"]) if facts.get("read_from") else None,
        )


def trained_on(made: Encoded, recorded: Encoded, output: TrainerOutput) -> Encoded:
    """Return the token ids of a training: `made` from its texts where they are the recorded ones.

    Returns
    -------
    Encoded
        `made`, or `recorded` where a row differs from it.
    """
    generates = configs.is_generator(output.config)
    rows = sum(1 for _ in differing(made, recorded, generates))
    if not rows:
        return made
    output.notes.append(
        f"The tokens of {rows:,} of {len(made):,} training rows are kept as the Trainer had them; "
        "their texts, read back from these tokens, would give others."
    )
    return recorded


def differing(one: Encoded, other: Encoded, generates: bool) -> Iterator[int]:
    """Yield the rows whose tokens differ, a language model's also where others count.

    What stands in a row's first place does not count in any case: nothing predicts it.
    """
    for row in range(len(one)):
        same = np.array_equal(one[row], other[row])
        if same and generates:
            same = np.array_equal(_asked(one, row), _asked(other, row))
        elif same:
            same = second_of(one, row) == second_of(other, row)
        if not same:
            yield row


def _asked(encoded: Encoded, row: int) -> npt.NDArray[np.bool_]:
    return counted_tokens(encoded.between(row, row + 1))[1:]


def mark() -> dict[str, object]:
    """Return what marks a folder as a recording of ours."""
    return {"format": "wordtrace-recording", "version": 1}

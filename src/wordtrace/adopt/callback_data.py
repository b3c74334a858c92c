"""What our callback is given of the data, and what it reads of them at the start of a training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from wordtrace.adopt.choices import Choices
from wordtrace.adopt.record import read_trained
from wordtrace.adopt.recorded_rows import RecordedRows
from wordtrace.adopt.second_copy import checked
from wordtrace.adopt.trainer_examples import examples_of
from wordtrace.adopt.trainer_output import tokenizer_of
from wordtrace.adopt.trainer_rows import TrainerRows, read_rows, require_whole_rows
from wordtrace.data.examples import Examples
from wordtrace.data.labelling import KINDS, Kind
from wordtrace.data.readers import read_examples
from wordtrace.errors import DataError, InputError
from wordtrace.models import configs
from wordtrace.models.completions import CompletionTokenizer
from wordtrace.models.pretrained_tokenizer import USUAL_LENGTH, limit_of
from wordtrace.models.protocol import TextTokenizer

_COLUMNS = ("text", "text2", "label", "id", "split")


@dataclass(frozen=True)
class Given:
    """A second copy of the data, if there is one, and what else the callback was told.

    Attributes
    ----------
    data
        Examples, or whatever :func:`read_examples` reads; None where there is no second copy.
    choices
        Parameters of :func:`wordtrace.record`.
    """

    data: Any
    choices: dict[str, Any]

    @classmethod
    def checked(cls, data: Any, choices: Mapping[str, Any]) -> Given:
        """Check the names of files and columns, before there is a training.

        Raises
        ------
        InputError
            For a file that does not exist, a column that it lacks, a choice out of range, or
            columns of data that were not given.
        """
        found = cls(data, dict(choices))
        _ = found.as_choices
        there = data is not None or choices.get("eval_data") is not None
        if unread := [name for name in _COLUMNS if name in choices and not there]:
            raise InputError(
                f"TraceCallback was given {unread[0]}={choices[unread[0]]!r}, which tells how data "
                "are read, but no data; leave it out, or give the data, too."
            )
        for source, split in (
            (data, choices.get("split")),
            (choices.get("eval_data"), choices.get("eval_split")),
        ):
            if source is not None and not isinstance(source, Examples):
                found.look_at(source, split)
        return found

    @property
    def as_choices(self) -> Choices:
        """What `record` needs to know beside the data (InputError)."""
        names = {one.name for one in fields(Choices)}
        return Choices(**{name: one for name, one in self.choices.items() if name in names})

    def look_at(self, source: Any, split: str | None) -> None:
        """Read a first row, to see that there are data with the columns named."""
        columns = {
            "text": self.choices.get("text", "text"),
            "text2": self.choices.get("text2"),
            "id": self.choices.get("id"),
        }
        read_examples(source, **columns, label=None, split=split, require_labels=False, limit=1)
        label = self.choices.get("label")
        if not isinstance(label, str) or "," in label:
            return
        kinds = [self.choices["kind"]] if self.choices.get("kind") else list(KINDS)
        reasons = []
        for kind in kinds:
            try:
                read_examples(
                    *(source,),
                    **columns,
                    label=label,
                    split=split,
                    require_labels=False,
                    limit=1,
                    kind=kind,
                )
                return
            except DataError as error:
                reasons.append(error)
        raise reasons[0]

    def read(self, source: Any, trained_on: Kind | None, split: str | None) -> Examples:
        """Read data as the training does; `trained_on`: its labels, None for none (InputError)."""
        return read_trained(
            source,
            trained_on,
            split,
            text=self.choices.get("text", "text"),
            text2=self.choices.get("text2"),
            label=self.choices.get("label", "label"),
            id=self.choices.get("id"),
            choices=self.as_choices,
        )


def rows_of(
    arguments: Any, model: Any, kept: Mapping[str, Any], given: Given, folder: Path
) -> RecordedRows:
    """Read the Trainer's rows, and compare them with the second copy where there is one.

    Parameters
    ----------
    arguments, model
        The Trainer's.
    kept
        What else a callback is given: the loader of the training batches, the tokenizer.
    folder
        The recording's, in which the tokenizer is saved.

    Raises
    ------
    Unreadable
        For a training of a form that can't be recorded.
    InputError
        Where there is no tokenizer, or the second copy is not what the Trainer trains on.
    """
    require_whole_rows(arguments)
    loader = kept.get("train_dataloader")
    processing = kept.get("processing_class") or kept.get("tokenizer")
    processing = processing or getattr(getattr(loader, "collate_fn", None), "tokenizer", None)
    if processing is not None:
        processing.save_pretrained(folder)
    config, choices = _config_of(model), given.as_choices
    generates = configs.is_generator(config)
    tokenizer, _ = tokenizer_of([choices.tokenizer or folder], config, choices)
    rows = read_rows(loader, tokenizer, generates)
    trained = examples_of(rows, tokenizer, config, choices.kind, choices.label_names)
    kind = None if generates else trained.kind
    if given.data is not None:
        data = given.read(given.data, kind, given.choices.get("split"))
        trained = checked(data, trained, rows, tokenizer)
    source, split = given.choices.get("eval_data"), given.choices.get("eval_split")
    if source is None and split is not None:
        source = given.data
    return RecordedRows(
        examples=trained,
        encoded=rows.encoded,
        held_out=None if source is None else given.read(source, kind, split),
        packed=rows.packed,
        max_length=choices.max_length or _longest(arguments, rows, config, processing),
        end=_ended(rows, tokenizer),
    )


def _config_of(model: Any) -> dict[str, Any]:
    """Return a model's configuration as it will be written beside its weights."""
    inner = model.get_base_model() if hasattr(model, "get_base_model") else model
    config: dict[str, Any] = inner.config.to_dict()
    return {**config, "architectures": [type(inner).__name__]}


def _longest(arguments: Any, rows: TrainerRows, config: Mapping[str, Any], processing: Any) -> int:
    """Return how many tokens a text may have: where the training cut, else what the model takes."""
    lengths = rows.encoded.lengths
    if configs.is_sequence_to_sequence(config):
        # A prompt, the token that the decoder starts with, and a completion.
        assert rows.encoded.second is not None
        prompts = rows.encoded.second
        lengths = np.maximum(prompts, lengths - prompts - 1)
    longest = int(lengths.max())
    most = limit_of(config, processing) if processing is not None else longest
    told = getattr(arguments, "max_length", None)
    if isinstance(told, int):
        return min(max(longest, told), most)
    # Where several rows are as long as the longest, they were cut there.
    if int((lengths == longest).sum()) > 1:
        return min(longest, most)
    return min(max(longest, USUAL_LENGTH), most)


def _ended(rows: TrainerRows, tokenizer: TextTokenizer) -> bool:
    """Whether completions end with the end token, which then counts."""
    if not isinstance(tokenizer, CompletionTokenizer) or tokenizer.end is None:
        return True
    filled = rows.encoded.lengths > 0
    last = rows.encoded.offsets[1:][filled] - 1
    ends = rows.encoded.ids[last] == tokenizer.end
    if rows.encoded.counted is not None:
        ends &= rows.encoded.counted[last]
    return bool(np.any(ends))

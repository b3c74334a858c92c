"""What our callback is given of the data, and what it reads of them at the start of a training."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from wordtrace.adopt.choices import Choices
from wordtrace.adopt.dialogues import Training, read_training
from wordtrace.adopt.record import read_labelled
from wordtrace.adopt.recorded_rows import RecordedRows
from wordtrace.adopt.recovered import recover
from wordtrace.adopt.second_copy import checked
from wordtrace.adopt.trainer_examples import examples_of
from wordtrace.adopt.trainer_output import tokenizer_of
from wordtrace.adopt.trainer_rows import TrainerRows, read_rows, require_whole_rows
from wordtrace.data.examples import Examples
from wordtrace.data.labelling import KINDS, Kind
from wordtrace.data.origin import file_of
from wordtrace.data.readers import read_dialogues, read_examples
from wordtrace.errors import DataError, InputError
from wordtrace.models import configs
from wordtrace.models.chat_tokenizer import LOSSES, ChatTokenizer
from wordtrace.models.completions import CompletionTokenizer
from wordtrace.models.plain_tokenizer import PlainTokenizer
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
        for source, split in found._sources:
            if source is not None and not isinstance(source, Examples):
                found.look_at(source, split)
        return found

    @property
    def as_choices(self) -> Choices:
        """What `record` needs to know beside the data (InputError)."""
        names = {one.name for one in fields(Choices)}
        told = {name: one for name, one in self.choices.items() if name in names}
        return Choices(**told, counts=self.choices.get("loss"))

    def look_at(self, source: Any, split: str | None) -> None:
        """Read a first row, to see that there are data with the columns named."""
        columns: dict[str, Any] = {name: self.choices.get(name) for name in ("text", "text2", "id")}
        label = self.choices.get("label")
        if label is None:
            # Whether they are labelled texts or a language model's is not known yet.
            with suppress(DataError):
                read_dialogues(source, **columns, split=split, limit=1)
                return
        columns["text"] = columns["text"] or "text"
        names = None if not isinstance(label, str) or "," in label else label
        kinds = [self.choices["kind"]] if self.choices.get("kind") else list(KINDS)
        reasons = []
        for kind in kinds:
            try:
                read_examples(
                    *(source,),
                    **columns,
                    label=names,
                    split=split,
                    require_labels=False,
                    limit=1,
                    kind=kind,
                )
            except DataError as error:
                reasons.append(error)
            else:
                return
        raise reasons[0]

    def read(self, trained_on: Kind | None) -> tuple[Examples | None, Examples | None]:
        """Read the second copy and the held-out data as a classifier's training does.

        Parameters
        ----------
        trained_on
            The kind of the labels; None for a sequence-to-sequence model, which has none.
        """
        if trained_on is None:
            mine, held_out = self.dialogues()
            return None if mine is None else mine.examples, held_out
        found = [
            None
            if source is None
            else read_labelled(
                *(source, trained_on, split),
                text=self.choices.get("text"),
                text2=self.choices.get("text2"),
                label=self.choices.get("label", "label"),
                id=self.choices.get("id"),
                choices=self.as_choices,
            )
            for source, split in self._sources
        ]
        return found[0], found[1]

    def dialogues(self) -> tuple[Training | None, Examples | None]:
        """Read the second copy and the held-out data as a language model's training does."""
        columns = {name: self.choices.get(name) for name in ("text", "text2", "id")}
        mine, held_out = (
            None if source is None else read_training(source, split=split, **columns)
            for source, split in self._sources
        )
        return mine, None if held_out is None else held_out.examples

    @property
    def _sources(self) -> list[tuple[Any, str | None]]:
        """The second copy and the held-out data, each with its split."""
        held_out, split = self.choices.get("eval_data"), self.choices.get("eval_split")
        if held_out is None and split is not None:
            held_out = self.data
        return [(self.data, self.choices.get("split")), (held_out, split)]


def rows_of(
    arguments: Any,
    model: Any,
    kept: Mapping[str, Any],
    given: Given,
    folder: Path,
    seen: Callable[[Any, Mapping[str, Any]], None] | None = None,
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
    seen
        Called with each row and what the collator makes of it alone.

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
    places = [choices.tokenizer or folder]
    generates = configs.is_generator(config)
    tokenizer, _ = tokenizer_of(places, config, replace(choices, preparation="own", counts=None))
    rows = read_rows(loader, tokenizer, generates, seen)
    longest = choices.max_length or _longest(arguments, rows, config, processing)
    choices = replace(choices, max_length=longest, end=choices.end and _ended(rows, tokenizer))
    if generates and not configs.is_sequence_to_sequence(config):
        facts = {"trl": hasattr(arguments, "packing"), "end": getattr(tokenizer, "end", None)}
        trained, held_out, choices = _of_texts(rows, places, config, choices, given, facts)
    else:
        trained = examples_of(rows, tokenizer, config, choices.kind, choices.label_names)
        kind = None if generates else trained.kind
        mine, held_out = given.read(kind)
        if mine is not None:
            tokenizer, _ = tokenizer_of(places, config, choices)
            trained = checked(mine, trained, rows, tokenizer)
    return RecordedRows(
        examples=trained,
        encoded=rows.encoded,
        held_out=held_out,
        packed=rows.packed,
        max_length=longest,
        end=choices.end,
        preparation=choices.preparation,
        counts=choices.counts,
        origin=file_of(trained.origin),
    )


def _of_texts(
    rows: TrainerRows,
    places: list[Path],
    config: dict[str, Any],
    choices: Choices,
    given: Given,
    facts: dict[str, Any],
) -> tuple[Examples, Examples | None, Choices]:
    """Return a causal model's examples, held-out examples, and how texts became tokens."""
    mine, held_out = given.dialogues()
    if mine is None:
        trained, choices = recover(rows, places, config, choices, **facts)
        return trained, held_out, choices
    # As the rows that the Trainer has: of the losses that its form of data may have, the one whose
    # tokens fit; where none does, the first difference from the usual one is said.
    told = replace(choices, preparation=mine.preparation, form=mine.form)
    tokenizer, _ = tokenizer_of(places, config, told)
    assert isinstance(tokenizer, ChatTokenizer | PlainTokenizer | CompletionTokenizer)
    blank = examples_of(rows, tokenizer, config, choices.kind)
    losses = LOSSES if isinstance(tokenizer, ChatTokenizer) else ("completion", "all")
    for loss in (told.counts, *losses):
        try:
            asking = tokenizer_of(places, config, replace(told, counts=loss))[0]
            found = checked(mine.examples, blank, rows, asking)
        except DataError:
            continue
        return found, held_out, replace(told, counts=loss)
    return checked(mine.examples, blank, rows, tokenizer), held_out, told


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

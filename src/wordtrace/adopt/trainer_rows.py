"""The rows that a running Trainer trains on: token ids and labels, from its own loader."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from wordtrace.adopt.random_state import nothing_drawn
from wordtrace.data.batches import Encoded
from wordtrace.data.labelling import Labels
from wordtrace.errors import InputError
from wordtrace.execute.progress import track
from wordtrace.models.protocol import TextTokenizer
from wordtrace.models.seq2seq_tokenizer import Seq2SeqTokenizer

#: The label of a token that a loss does not ask for.
_IGNORED = -100
_CHUNK = 4096
_ONE_TEXT = (
    "rows of one text with its label or its own loss are traced, no pairs of a chosen and a "
    "rejected answer"
)


class Unreadable(InputError):
    """A training of a form that can't be recorded; the training itself may be right."""


@dataclass(frozen=True)
class TrainerRows:
    """What a Trainer trains on.

    Attributes
    ----------
    encoded
        The examples' token ids. A language model's have `second` where all that counts is what
        stands from there on, else `counted`.
    labels
        A classifier's labels, in the order of its outputs; None for a language model.
    ids
        One for each example.
    packed
        How many rows held the examples, where several examples were packed into a row; else None.
    """

    encoded: Encoded
    labels: Labels | None
    ids: list[str]
    packed: int | None


def require_whole_rows(arguments: Any) -> None:
    """Refuse packing that cuts examples (Unreadable).

    Parameters
    ----------
    arguments
        The Trainer's; TRL's know of packing.
    """
    if getattr(arguments, "packing", False) and arguments.packing_strategy == "wrapped":
        raise Unreadable(
            'packing_strategy="wrapped" cuts examples where a row is full, so that no row of the '
            'training is an example of the data; use "bfd".'
        )


def read_rows(
    loader: Any,
    tokenizer: TextTokenizer,
    generates: bool,
    seen: Callable[[Any, Mapping[str, Any]], None] | None = None,
) -> TrainerRows:
    """Read the rows of a Trainer's loader, each as its collator makes it, in the data's order.

    Parameters
    ----------
    loader
        The loader of the training batches; it is not iterated, so that nothing is drawn from it.
    tokenizer
        The run's.
    generates
        Whether the model is a language model.
    seen
        Called with each row and what the collator made of it alone.

    Raises
    ------
    Unreadable
        For data without a length, token ids or labels.
    """
    data = _sized(loader)
    gathered = _Gathered(generates, isinstance(tokenizer, Seq2SeqTokenizer), tokenizer)
    with nothing_drawn(), track("Reading training rows", len(data), "rows") as advance:
        for row in range(len(data)):
            given = data[row]
            copied = dict(given) if isinstance(given, Mapping) else given
            batch = loader.collate_fn([copied])
            gathered.add(row, given, batch)
            if seen is not None:
                seen(given, batch)
            advance(1)
    return gathered.rows()


def _sized(loader: Any) -> Any:
    data = getattr(loader, "dataset", None)
    if data is None or not hasattr(data, "__len__") or not hasattr(data, "__getitem__"):
        raise Unreadable(
            "the training data is a stream without a length, so that its rows have no numbers; "
            "give the Trainer a data set that is held in memory or on disk (streaming=False)."
        )
    return data


class _Gathered:
    """Examples as they come in, a few thousand to an array."""

    def __init__(self, generates: bool, decodes: bool, tokenizer: TextTokenizer) -> None:
        self._generates, self._decodes, self._tokenizer = generates, decodes, tokenizer
        self._ids: list[npt.NDArray[np.int32]] = []
        self._counted: list[npt.NDArray[np.bool_]] = []
        self._all_ids: list[npt.NDArray[np.int32]] = []
        self._all_counted: list[npt.NDArray[np.bool_]] = []
        self._lengths: list[int] = []
        self._second: list[int] = []
        self._labels: list[npt.NDArray[Any]] = []
        self._names: list[str] = []
        self._packed, self._rows = False, 0

    def add(self, row: int, given: Any, batch: Mapping[str, Any]) -> None:
        """Add one row of the data, as the collator made a batch of it alone."""
        self._rows += 1
        named = str(given["id"]) if isinstance(given, Mapping) and "id" in given else str(row)
        if "input_ids" not in batch:
            if any(isinstance(one, list) and one == [*map(str, one)] for one in batch.values()):
                raise Unreadable(
                    f"row {row} of the training data is texts where a Trainer has token ids, as it "
                    "is of sentence-transformers' CrossEncoder; let its Trainer save checkpoints, "
                    "and make the run of their folder and the data by wt.record, or `wordtrace "
                    "record`."
                )
            what = ", ".join(sorted(map(str, batch))) or "nothing"
            raise Unreadable(
                f"row {row} of the training data has no input_ids (its batch has {what}); "
                f"{_ONE_TEXT}."
            )
        ids = np.atleast_2d(_array(batch["input_ids"]))
        if len(ids) != 1:
            raise Unreadable(f"row {row} of the training data makes {len(ids)} texts; {_ONE_TEXT}.")
        ids = ids.reshape(-1)
        kept = self._kept(ids, given, batch)
        ids = ids[kept].astype(np.int32)
        labels = batch.get("labels", batch.get("label"))
        if labels is None:
            raise Unreadable(f"row {row} of the training data has no labels; {_ONE_TEXT}.")
        if not self._generates:
            self._one(named, ids)
            self._labels.append(_array(labels).reshape(-1))
            if self._tokenizer.types:
                kinds = batch.get("token_type_ids")
                types = np.zeros(len(ids)) if kinds is None else _array(kinds).reshape(-1)[kept]
                self._second.append(int((types == 0).sum()))
        elif self._decodes:
            self._decoded(named, ids, _array(labels).reshape(-1))
        else:
            counted = _array(labels).reshape(-1)[kept] != _IGNORED
            lengths = given.get("seq_lengths") if isinstance(given, Mapping) else None
            self._language(named, ids, counted, lengths)
        self._fold()

    def rows(self) -> TrainerRows:
        """Return all that was added."""
        if not self._lengths:
            raise Unreadable("the training data is empty.")
        self._fold(1)
        ids = np.concatenate(self._all_ids)
        self._all_ids.clear()
        offsets = np.zeros(len(self._lengths) + 1, np.int64)
        np.cumsum(self._lengths, out=offsets[1:])
        second = np.array(self._second, np.int64) if self._second else None
        counted = np.concatenate(self._all_counted) if self._all_counted else None
        if counted is not None:
            encoded = _in_one_piece(Encoded(ids, offsets, counted=counted))
        else:
            encoded = Encoded(ids, offsets, second=second)
        names = self._names
        if len(set(names)) < len(names):
            names = [str(row) for row in range(len(names))]
        return TrainerRows(
            encoded,
            np.stack(self._labels) if self._labels else None,
            names,
            self._rows if self._packed else None,
        )

    def _kept(
        self, ids: npt.NDArray[np.int64], given: Any, batch: Mapping[str, Any]
    ) -> npt.NDArray[np.bool_]:
        """Return which positions are no padding."""
        if "attention_mask" in batch and _array(batch["attention_mask"]).size == len(ids):
            return _array(batch["attention_mask"]).reshape(-1).astype(bool)
        own = given.get("input_ids") if isinstance(given, Mapping) else None
        return np.arange(len(ids)) < (len(ids) if own is None else len(own))

    def _one(self, name: str, ids: npt.NDArray[np.int32]) -> None:
        self._names.append(name)
        self._ids.append(ids)
        self._lengths.append(len(ids))

    def _decoded(
        self, name: str, prompt: npt.NDArray[np.int32], labels: npt.NDArray[np.int64]
    ) -> None:
        """Add a prompt and what the decoder reads, in the order of the run's own tokenizer."""
        assert isinstance(self._tokenizer, Seq2SeqTokenizer)
        answer = labels[labels != _IGNORED].astype(np.int32)
        start = self._tokenizer.decoding.start
        first = answer[-1:] if start is None else np.array([start], np.int32)
        self._one(name, np.concatenate([prompt, first, answer]))
        self._second.append(len(prompt))

    def _language(
        self,
        name: str,
        ids: npt.NDArray[np.int32],
        counted: npt.NDArray[np.bool_],
        lengths: Any,
    ) -> None:
        """Add the examples of a row: one, or those that were packed into it."""
        if lengths is None:
            self._one(name, ids)
            self._counted.append(counted)
            return
        bounds = np.concatenate([[0], np.cumsum(np.asarray(lengths, np.int64))])
        if bounds[-1] != len(ids):
            raise Unreadable(
                f"row {name} of the training data holds {len(ids)} tokens, its seq_lengths add up "
                f"to {bounds[-1]}; the examples in it can't be told apart."
            )
        self._packed = True
        for start, end in pairwise(bounds):
            self._one(str(len(self._names)), ids[start:end])
            self._counted.append(counted[start:end])

    def _fold(self, least: int = _CHUNK) -> None:
        """Join what has come in, so that a million rows are not a million arrays."""
        for small, large in (
            (self._ids, self._all_ids),
            (self._counted, self._all_counted),
        ):
            if len(small) >= least:
                large.append(np.concatenate(small))
                small.clear()


def _array(value: Any) -> npt.NDArray[Any]:
    return value.detach().cpu().numpy() if isinstance(value, torch.Tensor) else np.asarray(value)


def _in_one_piece(encoded: Encoded) -> Encoded:
    """Say by one place where each example's counted tokens begin, if all count from there on."""
    second = []
    for start in range(0, len(encoded), _CHUNK):
        some = encoded.between(start, min(start + _CHUNK, len(encoded)))
        begins = _begins(some)
        if begins is None:
            return encoded
        second.append(begins)
    return Encoded(encoded.ids, encoded.offsets, second=np.concatenate(second))


def _begins(encoded: Encoded) -> npt.NDArray[np.int64] | None:
    """Return where each example's counted tokens begin; None where others follow that don't."""
    assert encoded.counted is not None
    lengths, counted = encoded.lengths, encoded.counted.copy()
    # A first token is predicted by nothing: whether it counts makes no difference.
    counted[encoded.offsets[:-1][lengths > 0]] = False
    sums = np.concatenate([[0], np.cumsum(counted)])
    how_many = sums[encoded.offsets[1:]] - sums[encoded.offsets[:-1]]
    begins = lengths - how_many
    place = np.arange(len(counted)) - np.repeat(encoded.offsets[:-1], lengths)
    if not np.array_equal(place >= np.repeat(np.maximum(begins, 1), lengths), counted):
        return None
    found: npt.NDArray[np.int64] = np.where(begins <= 1, 0, begins)
    return found

"""Token ids on disk: those of a training that its texts alone would not give again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from wordtrace.data.batches import Encoded
from wordtrace.data.examples import Examples
from wordtrace.errors import CorruptError
from wordtrace.execute.once import once
from wordtrace.models.ids_as_text import IdsAsText
from wordtrace.models.protocol import TextTokenizer
from wordtrace.models.tokenizer import TokenAt
from wordtrace.run.checkpoint import load_tensors, save_tensors

#: The file of a run that holds its training examples' token ids, where it has one.
TOKENS = "tokens.safetensors"


def write_tokens(path: Path, encoded: Encoded) -> None:
    """Write token ids, and what counts of them, as safetensors."""
    arrays = {
        "ids": encoded.ids,
        "offsets": encoded.offsets,
        "second": encoded.second,
        "counted": encoded.counted,
    }
    save_tensors(
        path, {name: torch.from_numpy(one) for name, one in arrays.items() if one is not None}
    )


def read_tokens(path: Path) -> Encoded:
    """Read what :func:`write_tokens` wrote.

    Raises
    ------
    CorruptError
        When the file is missing or not whole.
    """
    arrays = {name: one.numpy() for name, one in load_tensors(path).items()}
    try:
        ids, offsets = arrays["ids"], arrays["offsets"]
        second, counted = arrays.get("second"), arrays.get("counted")
        whole = (
            offsets[0] == 0
            and offsets[-1] == len(ids)
            and bool((np.diff(offsets) >= 0).all())
            and (second is None or len(second) == len(offsets) - 1)
            and (counted is None or len(counted) == len(ids))
        )
    except (KeyError, IndexError) as error:
        raise CorruptError(f"{path} lacks {error}; make it again.") from None
    if not whole:
        raise CorruptError(f"{path} holds token ids that do not fit together; make it again.")
    return Encoded(ids, offsets, second=second, counted=counted)


def counted_tokens(encoded: Encoded) -> npt.NDArray[np.bool_]:
    """Return which tokens count in a language model's loss, bool, shape (positions,)."""
    if encoded.counted is not None:
        return encoded.counted
    starts = np.zeros(len(encoded), np.int64) if encoded.second is None else encoded.second
    place = np.arange(len(encoded.ids)) - np.repeat(encoded.offsets[:-1], encoded.lengths)
    found: npt.NDArray[np.bool_] = place >= np.repeat(starts, encoded.lengths)
    return found


def second_of(encoded: Encoded, row: int) -> int:
    """Return where an example's second text begins, a language model's its completion."""
    if encoded.second is not None:
        return int(encoded.second[row])
    if encoded.counted is None:
        return 0
    # The first token is predicted by nothing, so that it never counts.
    here = encoded.counted[encoded.offsets[row] + 1 : encoded.offsets[row + 1]]
    if not here.any():
        return len(encoded[row])
    first = int(here.argmax()) + 1
    return 0 if first == 1 else first


class KeptTokens:
    """A run's training examples as token ids that were kept, to be asked by example.

    Parameters
    ----------
    examples, encoded
        The training examples and their token ids.
    tokenizer
        The run's; for examples that are not of the training, such as those added to an index.
    """

    def __init__(self, examples: Examples, encoded: Encoded, tokenizer: TextTokenizer) -> None:
        self._examples, self.encoded, self._tokenizer = examples, encoded, tokenizer

    @once
    def _reader(self) -> IdsAsText:
        return IdsAsText(self._tokenizer, self._examples.has_pairs)

    @once
    def _rows(self) -> dict[str, int]:
        return {id: row for row, id in enumerate(self._examples.ids)}

    def encode(self, examples: Examples) -> Encoded:
        """Return the token ids of examples: as kept, else as the tokenizer makes them."""
        rows = self._rows_of(examples)
        if (rows >= 0).all():
            return self.encoded.take(rows)
        made = self._tokenizer.encode(examples.texts, examples.texts2)
        sides = [(self.encoded, row) if row >= 0 else (made, at) for at, row in enumerate(rows)]
        ids = [side[row] for side, row in sides]
        offsets = np.concatenate([[0], np.cumsum([len(one) for one in ids])]).astype(np.int64)
        if self.encoded.counted is None:
            second = None
            if self.encoded.second is not None:
                second = np.array([second_of(side, row) for side, row in sides], np.int64)
            return Encoded(np.concatenate(ids), offsets, second=second)
        counted = {id(one): counted_tokens(one) for one in (self.encoded, made)}
        parts = [
            counted[id(side)][side.offsets[row] : side.offsets[row + 1]] for side, row in sides
        ]
        return Encoded(np.concatenate(ids), offsets, counted=np.concatenate(parts))

    def positions(self, examples: Examples) -> list[list[TokenAt]]:
        """Say where in the examples' texts each token stands: as many as :meth:`encode` gives."""
        texts, texts2 = examples.texts, examples.texts2
        found = self._tokenizer.positions(texts, texts2)
        for at, row in enumerate(self._rows_of(examples).tolist()):
            if row >= 0 and [one.token for one in found[at]] != self.encoded[row].tolist():
                ids = self.encoded[row].tolist()
                mine = texts[at], "" if texts2 is None else texts2[at]
                found[at] = self._reader.positions(ids, second_of(self.encoded, row), *mine)
        return found

    def _rows_of(self, examples: Examples) -> npt.NDArray[np.int64]:
        """Return the training row of each example; -1 for one that is none."""
        rows = [self._rows.get(id, -1) for id in examples.ids]
        kept = self._examples.take([row for row in rows if row >= 0])
        same = iter(zip(kept.texts, kept.texts2 or kept.texts, strict=True))
        mine = zip(examples.texts, examples.texts2 or examples.texts, strict=True)
        return np.array(
            [
                row if row >= 0 and next(same) == pair else -1
                for row, pair in zip(rows, mine, strict=True)
            ],
            np.int64,
        )

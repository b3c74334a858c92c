"""What other libraries' interfaces hand over, as queries of a run; and self-influence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from wordtrace.api.index import Index
from wordtrace.asking.asker import Asker
from wordtrace.asking.own import FloatArray, self_influence
from wordtrace.data.batches import Encoded
from wordtrace.data.labelling import Labelling, Labels
from wordtrace.errors import InputError
from wordtrace.measures.options import Options
from wordtrace.measures.protocol import Queries, Scores, make_queries
from wordtrace.run.run import Run

IntArray = npt.NDArray[np.int64]


class OneMeasure:
    """A run and one of its measures.

    Parameters
    ----------
    source
        A run, its folder, or an index of it.
    name, options
        Options of the measure: the fields of :class:`Options`.

    Raises
    ------
    InputError
        For an unknown measure or option, or an index that holds other rows than the run: what
        calls us knows the training data by its place.
    """

    def __init__(
        self, source: Run | Index | str | Path, name: str, options: Mapping[str, Any]
    ) -> None:
        known = [one.name for one in fields(Options)]
        if unknown := [one for one in options if one not in known]:
            raise InputError(f"there is no option {unknown[0]!r}; give {', '.join(known)}.")
        if isinstance(source, Index):
            self.run, folder = source.run, source.folder
            if folder.manifest.examples != len(self.run.train) or len(folder.removed):
                raise InputError(
                    f"{folder.path} does not hold the very rows of its run (some were added or "
                    "removed); give the run."
                )
            self._asker = source.asker
        else:
            self.run = source if isinstance(source, Run) else Run.open(source)
            self._asker = Asker(self.run)
        self._way = self._asker.way(name, **options)
        self.name, self._options = name, dict(options)

    def score(self, inputs: Any, labels: Any) -> Scores:
        """Return influences, float32, shape (queries, training rows)."""
        return self._way.ask(self._queries(inputs, labels)).scores()

    def self_influence(self, batch: tuple[Any, Any] | None = None) -> FloatArray:
        """Return the influence of examples on themselves, float32, shape (examples,).

        Parameters
        ----------
        batch
            Inputs and labels; the training rows by default, which every measure knows.

        Raises
        ------
        InputError
            For other examples than the training rows and a measure that is not TracIn-WE or a part
            of it.
        """
        queries = None if batch is None else self._queries(*batch)
        return self_influence(self._asker, self.name, queries, **self._options)

    def _queries(self, inputs: Any, labels: Any) -> Queries:
        texts, ids = _features(inputs)
        count = len(texts[0]) if ids is None else len(ids[0])
        asked = _labels(labels, count, self.run.labelling)
        if ids is None:
            second = texts[1] if len(texts) > 1 else None
            return make_queries(self.run, texts[0], asked, second)
        encoded = _encoded(*ids, pairs=self.run.encoded.second is not None)
        if len(encoded.ids) and not 0 <= encoded.ids.min() <= encoded.ids.max() < self._size:
            raise InputError(
                f"the token ids reach {int(encoded.ids.max())}; the run's tokenizer has "
                f"{self._size:,} tokens: encode the texts with it."
            )
        empty = [""] * count
        empty2 = None if self.run.train.texts2 is None else empty
        return Queries(empty, empty2, asked, encoded, has_texts=False)

    @property
    def _size(self) -> int:
        return int(self.run.tokenizer.size)


_Ids = tuple[IntArray, npt.NDArray[np.bool_], IntArray | None]


def _features(inputs: Any) -> tuple[list[list[str]], _Ids | None]:
    """Tell texts from token ids."""
    if isinstance(inputs, Mapping):
        wanted = ("input_ids", "attention_mask", "token_type_ids")
        if "input_ids" not in inputs:
            raise InputError(f"inputs have {', '.join(map(str, inputs))}; input_ids are needed.")
        parts = [inputs[name] for name in wanted if name in inputs]
    else:
        parts = list(inputs) if isinstance(inputs, tuple) else [inputs]
    if all(_is_text(part) for part in parts) and 1 <= len(parts) <= 2:
        return [list(part) for part in parts], None
    if not 1 <= len(parts) <= 3 or any(np.ndim(part) != 2 for part in parts):
        raise InputError(
            "inputs are texts (a list, or two for pairs), or token ids and their attention mask, "
            "each of shape (batch, length)."
        )
    if len(parts) == 1:
        raise InputError("token ids need their attention mask: give (ids, mask).")
    ids, mask, *types = (np.asarray(part) for part in parts)
    return [], (ids, mask.astype(np.bool_), types[0] if types else None)


def _is_text(part: Any) -> bool:
    return (
        isinstance(part, Sequence)
        and not isinstance(part, str)
        and all(isinstance(one, str) for one in part)
    )


def _labels(labels: Any, count: int, labelling: Labelling) -> Labels:
    listed = labels.tolist() if hasattr(labels, "tolist") else list(labels)
    if len(listed) != count:
        raise InputError(f"there are {count} inputs but {len(listed)} labels.")
    found = labelling.none(count)
    for place, one in enumerate(listed):
        if isinstance(one, str):
            found[place] = labelling.parse(one)
        elif np.size(one) != np.size(found[place]):
            raise InputError(f"the label {one!r} does not fit the model's outputs.")
        else:
            found[place] = one
        names = labelling.names
        if labelling.kind == "class" and not 0 <= found[place] < len(names):
            raise InputError(f"there is no label {one}; the run has {len(names)}, from 0.")
    return found


def _encoded(
    ids: IntArray, mask: npt.NDArray[np.bool_], types: IntArray | None, *, pairs: bool
) -> Encoded:
    if ids.shape != mask.shape:
        raise InputError(f"ids have the shape {ids.shape} but their mask {mask.shape}.")
    lengths = mask.sum(1)
    if (lengths == 0).any():
        raise InputError(f"input {int(lengths.argmin())} is empty: its mask is 0 throughout.")
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    second = None
    if pairs:
        # Where the second text starts: its tokens have type 1.
        first = lengths if types is None else lengths - (types * mask).sum(1)
        second = first.astype(np.int64)
    return Encoded(ids[mask].astype(np.int32), offsets, second=second)

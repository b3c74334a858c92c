"""How an open index changes: examples are added, hidden and deleted.

The functions are methods of :class:`wordtrace.Index`, which names them.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from wordtrace.data.examples import Examples
from wordtrace.data.readers import read_dialogues, read_examples
from wordtrace.execute.named import named
from wordtrace.execute.protocol import Executor
from wordtrace.index import change
from wordtrace.index import merge as merging

if TYPE_CHECKING:
    from wordtrace.api.index import Index


def add(
    self: Index,
    data: Any,
    *,
    text: str = "text",
    text2: str | None = None,
    label: str | Sequence[str] = "label",
    id: str | Literal[False] | None = None,
    split: str | None = None,
    workers: int | None = None,
    executor: str | Executor = "processes",
    address: str | None = None,
) -> Index:
    """Add further examples, indexed with the run's checkpoints; returns this index.

    The model was not trained on them: their influence is the one that training on them would
    have had, to first order.

    Parameters
    ----------
    data
        Examples, or whatever :func:`read_examples` reads; their ids must be new. For a language
        model, `label` is not read.
    executor, address
        See :func:`build_index`.

    Raises
    ------
    InputError
        For unusable data, an id that the index holds already, or a label that the run does not
        have.

    Examples
    --------
    >>> later = [{"id": "new", "text": "the coach wins the cup", "label": "Sport"}]
    >>> index.add(later, workers=1).ids[-1]
    'new'
    """
    if self.run.chats and not isinstance(data, Examples):
        data = read_dialogues(
            data,
            text=None if text == "text" else text,
            text2=text2,
            id=id,
            split=split,
            label_names=self.run.label_names,
        ).examples
    elif not isinstance(data, Examples):
        data = read_examples(
            data,
            text=text,
            text2=text2,
            label=None if self.run.generates else label,
            id=id,
            split=split,
            label_names=self.run.label_names or None,
            require_labels=not self.run.generates,
            kind=self.run.labelling.kind,
        )
    if self.run.generates:
        data = data.with_labels(np.zeros(len(data), np.int64))
    runs = named(executor, address, workers, gpus=self.run.gpus)
    folder = change.add(self.folder.path, self.run, data, workers=workers, executor=runs)
    return self._changed(folder)


def remove(self: Index, ids: Collection[str]) -> Index:
    """Hide examples, by id, at once; :meth:`merge` deletes them. Returns this index.

    Examples
    --------
    >>> first = index.ids[0]
    >>> first in index.remove([first]).ids
    False
    """
    return self._changed(change.remove(self.folder.path, self.run, list(ids)))


def merge(self: Index, shard_size: int | None = None) -> Index:
    """Delete removed examples, and join additions and shards; returns this index.

    Examples
    --------
    >>> index.remove(index.ids[:2]).merge()
    Index('runs/news/index', 52 examples, top-k 10)
    """
    return self._changed(merging.merge(self.folder.path, self.run, shard_size))

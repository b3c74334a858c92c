"""A lock on a model, since the hooks of one thread's pass would also run in another's."""

from __future__ import annotations

from threading import Lock, RLock
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from torch import nn

if TYPE_CHECKING:
    from wordtrace.models.protocol import TextModel

_locks: WeakKeyDictionary[nn.Module, RLock] = WeakKeyDictionary()
_making = Lock()


def alone(model: TextModel) -> RLock:
    """Return the lock that is held while a batch goes through a model, and its gradient back.

    Gradients at an embedding or a layer are taken by hooks, which hang on the module and not on the
    pass: without the lock a thread would find the numbers of another in its own.
    """
    with _making:
        return _locks.setdefault(model.module, RLock())

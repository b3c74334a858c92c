"""A stand-in for a GPU: tensors that refuse to meet those of the CPU, computed on the CPU."""

from __future__ import annotations

from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

#: What far tensors call their device. Its own tensors have no values; those here keep theirs apart.
NAME = "meta"


class Far(torch.Tensor):
    """A tensor whose values are not to be had without copying it to the CPU."""

    held: torch.Tensor

    @staticmethod
    def __new__(cls, held: torch.Tensor) -> Far:
        """Wrap values."""
        made = torch.Tensor._make_wrapper_subclass(  # type: ignore[attr-defined]
            cls,
            held.shape,
            strides=held.stride(),
            storage_offset=held.storage_offset(),
            dtype=held.dtype,
            device=NAME,
        )
        made.held = held
        return made  # type: ignore[no-any-return]

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Compute on the values."""
        return _dispatch(func, args, kwargs or {})


class FarDevice(TorchDispatchMode):
    """Within, the device ``NAME`` works."""

    def __init__(self) -> None:
        super().__init__()
        #: Operations computed there.
        self.operations = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Compute on the values."""
        found = _dispatch(func, args, kwargs or {})
        self.operations += any(isinstance(one, Far) for one in tree_leaves(found))
        return found


def _dispatch(func: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    leaves = tree_leaves((args, kwargs))
    far = [one for one in leaves if isinstance(one, Far)]
    near = [one for one in leaves if isinstance(one, torch.Tensor) and not isinstance(one, Far)]
    wanted = kwargs.get("device")
    there = bool(far) if wanted is None else torch.device(wanted).type == NAME
    if not far and not there:
        return func(*args, **kwargs)
    moves = func in (torch.ops.aten._to_copy.default, torch.ops.aten.copy_.default)
    if far and not moves and any(one.dim() for one in near):
        raise RuntimeError(f"{func}: tensors are on two devices")
    if "device" in kwargs:
        kwargs = {**kwargs, "device": "cpu"}
    args, kwargs = tree_map(lambda one: one.held if isinstance(one, Far) else one, (args, kwargs))
    found = func(*args, **kwargs)
    known = {id(one.held): one for one in far}

    def out(one: Any) -> Any:
        if not isinstance(one, torch.Tensor) or not there:
            return one
        return known[id(one)] if id(one) in known else Far(one)

    return tree_map(out, found)

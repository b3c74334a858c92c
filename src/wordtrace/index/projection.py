"""Gradients in fewer dimensions: an orthonormal basis for each checkpoint."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from wordtrace.errors import CorruptError, InputError, option
from wordtrace.index.postings import Block
from wordtrace.run.checkpoint import load_tensors, save_tensors

FILE = "projection.safetensors"
KINDS = ("pca", "random")


def check(kind: str, size: int | None, dim: int) -> None:
    """Refuse an unknown kind, or a size that does not fit (InputError)."""
    if kind not in KINDS:
        raise InputError(f"{option('projection')} is {kind!r}; it must be {' or '.join(KINDS)}.")
    if size is not None and not 1 <= size < dim:
        raise InputError(
            f"{option('project')} is {size}; the gradients have {dim} dimensions: give 1 to "
            f"{dim - 1}."
        )


def fit(kind: str, size: int, samples: Sequence[Block], seed: int = 0) -> list[Tensor]:
    """Return a basis for each checkpoint, float32, shape (dim, size).

    "pca" keeps the directions in which the sampled token gradients are largest: the leading
    eigenvectors of Σ g gᵀ. They are not centred, since dot products have to be kept. "random" keeps
    a random subspace and enlarges lengths by √(dim/size), so that dot products are right on
    average.

    Parameters
    ----------
    samples
        For each checkpoint, the exact postings of some examples.
    """
    found = []
    for block in samples:
        gradient = (block.direction.float() * block.norm.unsqueeze(1)).double()
        dim = gradient.shape[1]
        if kind == "pca":
            _, vectors = torch.linalg.eigh(gradient.T @ gradient)
            basis = vectors.flip(1)[:, :size]
        else:
            drawn = torch.randn(dim, dim, generator=torch.Generator().manual_seed(seed)).double()
            basis = torch.linalg.qr(drawn).Q[:, :size] * (dim / size) ** 0.5
        found.append(basis.float().contiguous())
    return found


def save(folder: Path, bases: Sequence[Tensor]) -> None:
    """Write the bases into an index."""
    save_tensors(folder / FILE, {f"checkpoint-{place}": basis for place, basis in enumerate(bases)})


def load(folder: Path, count: int) -> list[Tensor]:
    """Read the bases of an index with `count` checkpoints (CorruptError)."""
    arrays = load_tensors(folder / FILE)
    names = [f"checkpoint-{place}" for place in range(count)]
    if set(names) != set(arrays) or any(arrays[name].ndim != 2 for name in names):
        raise CorruptError(f"{folder / FILE} is of other checkpoints; build the index again.")
    return [arrays[name] for name in names]

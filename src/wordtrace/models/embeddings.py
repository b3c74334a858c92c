"""A pretrained encoder's word embeddings, reduced to the size of a small model."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from wordtrace.errors import InputError, option

FILE = "model.safetensors"
_NAMES = ("word_embeddings.weight", "tok_embeddings.weight", "embed_tokens.weight", "wte.weight")


def reduced(folder: Path, dim: int, deviation: float = 0.3) -> Tensor:
    """Read the word embeddings of an encoder and keep their `dim` strongest directions.

    The reduction is the truncated singular value decomposition of the centred table, rescaled so
    that its entries have standard deviation `deviation`; each direction's sign is fixed (its
    largest entry is positive), so that the result does not depend on the library's choice.

    Parameters
    ----------
    folder
        Holds ``model.safetensors`` (with word embeddings under one of the usual names).

    Returns
    -------
    Tensor
        float32, shape (vocabulary, dim).

    Raises
    ------
    InputError
        When the file can't be read, or the embeddings are missing or have fewer than `dim` columns.
    """
    path = folder / FILE
    try:
        with safe_open(path, "pt") as file:
            names = [name for name in file.keys() if name.endswith(_NAMES)]  # noqa: SIM118
            if len(names) != 1:
                raise InputError(
                    f"{path} should hold one word embedding (a tensor whose name ends in "
                    f"{', '.join(_NAMES)}), found {names or 'none'}."
                )
            table = file.get_tensor(names[0]).float()
    except (OSError, SafetensorError) as error:
        raise InputError(f"{path} is not a readable safetensors file ({error}).") from None
    if table.shape[1] < dim:
        raise InputError(
            f"the embeddings in {path} have {table.shape[1]} dimensions, fewer than "
            f"{option('dim', dim)}; give {option('dim', table.shape[1])} or less."
        )
    centred = table.double() - table.double().mean(0)
    _, directions = torch.linalg.eigh(centred.T @ centred)
    directions = directions.flip(1)[:, :dim]
    largest = directions.abs().argmax(0)
    directions = directions * directions[largest, torch.arange(dim)].sign()
    projected = centred @ directions
    scaled: Tensor = projected * (deviation / projected.std())
    return scaled.float()

"""A word table cut to the rows of some tokens, so that training need not touch the others."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from wordtrace.models.protocol import TextModel


def cut_table(model: TextModel, tokens: npt.NDArray[np.int64]) -> bool:
    """Keep the rows of some tokens in a model's word table, in place; False where it can't be done.

    A row that no text asks for is never read, so whatever an optimizer does to it changes nothing.
    The model is still given the tokens' own ids, since some models find padding by them: each is
    replaced by its row only on the way into the table.

    Parameters
    ----------
    tokens
        int64, all different: every token that the model will be asked about.
    """
    if not is_alone(model):
        return False
    table: Any = model.embedding
    padding = [table.padding_idx, *_padding(model.module)]
    extra = [one for one in padding if one is not None and 0 <= one < len(table.weight)]
    kept = torch.from_numpy(np.union1d(tokens, np.array(extra, np.int64)))
    places = torch.zeros(len(table.weight), dtype=torch.long)
    places[kept] = torch.arange(len(kept))
    table.weight = nn.Parameter(table.weight.detach()[kept])
    table.num_embeddings = len(kept)
    if table.padding_idx is not None:
        table.padding_idx = int(places[table.padding_idx])
    # A buffer goes with the module to a device; it is no part of the weights that are saved.
    table.register_buffer("places", places, persistent=False)
    table.register_forward_pre_hook(lambda kept, given: (kept.places[given[0]], *given[1:]))
    return True


def is_alone(model: TextModel) -> bool:
    """Tell whether a word table is PyTorch's own, and no other layer has its weights."""
    table, every = model.embedding, model.module.named_parameters(remove_duplicate=False)
    if not isinstance(table, nn.Embedding):
        return False
    return sum(one is table.weight for _, one in every) == 1


def _padding(module: Any) -> list[int | None]:
    """Return the ids that stand for padding in a model of transformers."""
    text = module.config.get_text_config()
    return [module.config.pad_token_id, text.pad_token_id, text.vocab_size - 1]

"""What a training really did: the rows that its collator gave, its rates, its own gradients."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import torch
from transformers import TrainerCallback


class Watcher(TrainerCallback):
    """Keeps the rate that each step uses, and the weights after it."""

    def __init__(self) -> None:
        self.rates: dict[int, float] = {}
        self.weights: dict[int, dict[str, torch.Tensor]] = {}

    def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, **kept: Any) -> None:
        """Note the rate of the group that holds the word embedding."""
        table = next(iter(kept["model"].get_input_embeddings().parameters()))
        groups = kept["optimizer"].param_groups
        holding = [one for one in groups if any(table is other for other in one["params"])]
        self.rates[state.global_step + 1] = float((holding or groups)[0]["lr"])

    def on_step_end(self, args: Any, state: Any, control: Any, **kept: Any) -> None:
        """Copy all weights."""
        weights = kept["model"].state_dict()
        self.weights[state.global_step] = {name: one.clone() for name, one in weights.items()}


@dataclass(frozen=True)
class Row:
    """An example as the Trainer's collator gave it.

    Attributes
    ----------
    counted
        Of a language model, which tokens its loss asks for; None for a classifier.
    label
        A classifier's label; None for a language model.
    source, start
        The row of the Trainer's data set and the place in it where the example begins: several lie
        in one row where they were packed.
    """

    ids: tuple[int, ...]
    counted: tuple[bool, ...] | None
    label: Any
    source: int
    start: int


class Truth:
    """A training that has ended, asked through its own Trainer.

    Parameters
    ----------
    trainer
        Its data set, collator, model and ``compute_loss`` are used as they are.
    watcher
        What was seen of it.
    """

    def __init__(self, trainer: Any, watcher: Watcher) -> None:
        self.trainer, self.rates, self.weights = trainer, watcher.rates, watcher.weights
        loader = trainer.get_train_dataloader()
        self._data, self._collate = loader.dataset, loader.collate_fn
        self.decodes = bool(getattr(trainer.model.config, "is_encoder_decoder", False))
        self.packed = bool(getattr(trainer.args, "packing", False))
        self.rows = [row for source in range(len(self._data)) for row in self._rows(source)]
        counts = [sum(one.counted) for one in self.rows if one.counted is not None]
        there = [count for count in counts if count]
        self.tokens_a_row = sum(there) / len(there) if there else None

    def batch(self, source: int) -> dict[str, torch.Tensor]:
        """Return one row of the data set as the Trainer's collator gives it."""
        return dict(self._collate([self._data[source]]))

    def gradient(self, step: int, row: Row) -> dict[int, torch.Tensor]:
        """Return ∂ℓ/∂Θ_w by token w, by plain autograd through the Trainer's own loss.

        A language model's row counts as it does in a batch: its tokens' losses, divided by the mean
        number of tokens in a row.
        """
        model = self.trainer.model
        before = {name: one.clone() for name, one in model.state_dict().items()}
        model.load_state_dict(self.weights[step])
        model.eval()
        seen: list[tuple[torch.Tensor, torch.Tensor, float]] = []

        def look(module: Any, inputs: Any, output: torch.Tensor) -> torch.Tensor:
            leaf = output.detach().requires_grad_(True)
            scale = getattr(module, "scalar_embed_scale", getattr(module, "embed_scale", 1.0))
            seen.append((inputs[0], leaf, float(scale)))
            return leaf

        handles = [one.register_forward_hook(look) for one in self._tables(model)]
        try:
            loss = self.trainer.compute_loss(model, self.batch(row.source))
            found = torch.autograd.grad(loss, [leaf for _, leaf, _ in seen])
        finally:
            for handle in handles:
                handle.remove()
            model.load_state_dict(before)
        part = self._part_of_mean(row)
        summed: dict[int, torch.Tensor] = {}
        for (ids, _, scale), gradient in zip(seen, found, strict=True):
            places = range(ids.shape[1]) if len(seen) > 1 else self._places(row, ids)
            for place in places:
                token, one = int(ids[0, place]), gradient[0, place] * scale * part
                summed[token] = summed[token] + one if token in summed else one
        never = self._never_trained(model)
        return {token: one for token, one in summed.items() if token not in never}

    def _rows(self, source: int) -> Iterable[Row]:
        given = self.batch(source)
        ids = given["input_ids"][0].tolist()
        labels = given["labels"][0]
        if self.trainer.model.config.architectures and _classifies(self.trainer.model):
            yield Row(tuple(ids), None, labels.tolist(), source, 0)
            return
        asked = [one != -100 for one in labels.tolist()]
        if self.decodes:
            start = self.trainer.model.config.decoder_start_token_id
            answer = [one for one in labels.tolist() if one != -100]
            whole = (*ids, start, *answer)
            counted = (False,) * (len(ids) + 1) + (True,) * len(answer)
            yield Row(whole, counted, None, source, 0)
            return
        starts = [0]
        if "attention_mask" not in given and "position_ids" in given:
            places = given["position_ids"][0].tolist()
            starts = [place for place, one in enumerate(places) if one == 0]
        for start, end in zip(starts, [*starts[1:], len(ids)], strict=True):
            counted = (False, *asked[start + 1 : end])
            yield Row(tuple(ids[start:end]), counted, None, source, start)

    def _places(self, row: Row, ids: torch.Tensor) -> range:
        return range(row.start, min(row.start + len(row.ids), ids.shape[1]))

    def _part_of_mean(self, row: Row) -> float:
        """Return by what the loss of a row by itself is multiplied, to be its part in a batch."""
        if row.counted is None or self.tokens_a_row is None:
            return 1.0
        together = [one for one in self.rows if one.source == row.source]
        return sum(sum(one.counted or ()) for one in together) / self.tokens_a_row

    def _tables(self, model: Any) -> list[Any]:
        table = model.get_input_embeddings()
        if not self.decodes:
            return [table]
        weight = next(iter(table.parameters()))
        return [
            one
            for one in model.modules()
            if isinstance(one, torch.nn.Embedding) and one.weight is weight
        ]

    def _never_trained(self, model: Any) -> set[int]:
        tables = [one for one in self._tables(model) if isinstance(one, torch.nn.Embedding)]
        return {one.padding_idx for one in tables if one.padding_idx is not None}


def _classifies(model: Any) -> bool:
    inner = model.get_base_model() if hasattr(model, "get_base_model") else model
    return "SequenceClassification" in type(inner).__name__

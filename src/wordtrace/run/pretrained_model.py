"""What a run knows about its model, if that is a model of transformers."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from wordtrace.data.labelling import Kind
from wordtrace.models.loss import TrainingLoss
from wordtrace.models.seq2seq_tokenizer import Decoding


@dataclass(frozen=True)
class PretrainedModel:
    """A model of transformers.

    Attributes
    ----------
    architecture
        The name of its class; None where its configuration has none.
    dim
        The dimension of a word embedding.
    token_types
        Whether the model is told which tokens belong to the second text of a pair.
    drawn
        The parameters of the new head, if wordtrace trained it; None if it was trained elsewhere.
        The attributes below are written only for a model that was trained elsewhere.
    end
        The token that ends a causal language model's completion.
    decoding
        How a sequence-to-sequence model's decoder is fed.
    loss
        The loss with which a classifier was trained.
    task
        "classification", "multi-label", "regression" or "generation".
    label_kind
        One class a text, sets of classes, or numbers.
    preparation
        How a causal language model's texts become tokens: "chat" and "plain" as TRL makes them of
        conversations and of plain texts, "own" as most other scripts do.
    counts
        The tokens that a causal language model's loss asks for: "completion", "assistant" or "all";
        None for the default of the data's form. It is written with `preparation` where either is
        not the default.
    tokens_a_row
        For a language model: how many counted tokens a training row has in the mean, by which rows
        weigh in the loss (:func:`.completions.weighted`); None: all weigh the same.
    """

    architecture: str | None
    dim: int
    token_types: bool = False
    drawn: tuple[str, ...] | None = None
    end: int | None = None
    decoding: Decoding | None = None
    loss: TrainingLoss = field(default_factory=TrainingLoss)
    task: str = "classification"
    label_kind: Kind = "class"
    preparation: str = "own"
    counts: str | None = None
    tokens_a_row: float | None = None

    def document(self) -> dict[str, Any]:
        """Return it as JSON."""
        found: dict[str, Any] = {
            "kind": "transformers",
            "architecture": self.architecture,
            "dim": self.dim,
            "token_types": self.token_types,
        }
        if self.drawn is not None:
            return {**found, "drawn": list(self.drawn)}
        if self.preparation != "own" or self.counts is not None:
            found |= {"preparation": self.preparation, "counts": self.counts}
        return {
            **found,
            "end": self.end,
            "decoding": None if self.decoding is None else asdict(self.decoding),
            "loss": self.loss.document(),
            "task": self.task,
            "label_kind": self.label_kind,
            "tokens_a_row": self.tokens_a_row,
        }

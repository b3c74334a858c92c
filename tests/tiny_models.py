"""Small random models, each with three checkpoints of different weights and rates."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from tests.conftest import make_examples
from wordtrace import api
from wordtrace.data.batches import Encoded
from wordtrace.data.labelling import Labelling
from wordtrace.models.huggingface import HuggingFaceClassifier
from wordtrace.models.tokenizer import Tokenizer
from wordtrace.run.checkpoint import Checkpoint

RATES = (0.07, 0.03, 0.011)
#: Of the rates of all steps up to each checkpoint.
SUMS = (0.2, 0.65, 0.73)


@dataclass
class TinyRun:
    """What measures need of a run, in memory."""

    train: api.Examples
    tokenizer: Tokenizer
    encoded: Encoded
    models: list[Any]
    checkpoints: list[Checkpoint]
    path: Path = Path("tiny")
    has_pairs: bool = False
    misread: str | None = None

    weighting = api.Run.weighting
    etas = api.Run.etas
    weighted = api.Run.weighted
    require_classes = api.Run.require_classes
    row_scale = api.Run.row_scale
    #: It is joined with no other training.
    others = ()

    @property
    def label_names(self) -> tuple[str, ...]:
        return self.train.label_names

    @property
    def labelling(self) -> Labelling:
        return self.train.labelling

    @property
    def final(self) -> Checkpoint:
        return self.checkpoints[-1]

    def model(self, checkpoint: Checkpoint) -> Any:
        return self.models[self.checkpoints.index(checkpoint)]


def bert(vocabulary: int) -> Any:
    from transformers import BertConfig, BertForSequenceClassification

    return BertForSequenceClassification(
        BertConfig(
            vocab_size=vocabulary,
            hidden_size=16,
            num_hidden_layers=2,
            num_attention_heads=2,
            intermediate_size=24,
            max_position_embeddings=40,
            num_labels=3,
        )
    )


def gpt2(vocabulary: int) -> Any:
    from transformers import GPT2Config, GPT2ForSequenceClassification

    return GPT2ForSequenceClassification(
        GPT2Config(
            vocab_size=vocabulary,
            n_embd=16,
            n_layer=2,
            n_head=2,
            n_inner=24,
            n_positions=40,
            num_labels=3,
            pad_token_id=0,
        )
    )


def gemma3(vocabulary: int, padding: int | None = None) -> Any:
    """A decoder whose embedding gives each row times √dim."""
    from transformers import Gemma3TextConfig, Gemma3TextForSequenceClassification

    return Gemma3TextForSequenceClassification(
        Gemma3TextConfig(
            vocab_size=vocabulary,
            hidden_size=16,
            num_hidden_layers=2,
            num_attention_heads=2,
            num_key_value_heads=1,
            head_dim=8,
            intermediate_size=24,
            max_position_embeddings=40,
            num_labels=3,
            pad_token_id=padding,
        )
    )


def biogpt(vocabulary: int) -> Any:
    """A decoder with a scaled word embedding, and positions looked up by a class of their own."""
    from transformers import BioGptConfig, BioGptForSequenceClassification

    return BioGptForSequenceClassification(
        BioGptConfig(
            vocab_size=vocabulary,
            hidden_size=16,
            num_hidden_layers=2,
            num_attention_heads=2,
            intermediate_size=24,
            max_position_embeddings=40,
            num_labels=3,
            scale_embedding=True,
        )
    )


def tiny_run(make: Any, count: int = 40) -> TinyRun:
    """Random weights, spread so that no layer's gradients are small."""
    train = make_examples(count)
    tokenizer = Tokenizer.train(train.texts, 120, 14)
    models = []
    for seed in range(3):
        torch.manual_seed(seed)
        module = make(tokenizer.size)
        for parameter in module.parameters():
            torch.nn.init.normal_(parameter, std=0.3)
        models.append(HuggingFaceClassifier(module.eval().requires_grad_(False)))
    checkpoints = [
        Checkpoint(10 * place + 10, 0.5 * place, rate, total, 1.0)
        for place, (rate, total) in enumerate(zip(RATES, SUMS, strict=True))
    ]
    return TinyRun(train, tokenizer, tokenizer.encode(train.texts), models, checkpoints)

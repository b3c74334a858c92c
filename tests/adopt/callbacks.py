"""Small trainings of the Trainer with a callback, and language models for them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from tests.conftest import make_examples
from tests.huggingface.architectures import ARCHITECTURES, fine_tune

transformers = pytest.importorskip("transformers")

BY_NAME = {one.name: one for one in ARCHITECTURES}
BERT, ROBERTA = BY_NAME["Bert"], BY_NAME["Roberta"]


def silent(folder: Path, callback: Any, one: Any = BERT, examples: Any = None, **more: Any) -> Any:
    choices = {"save_strategy": "no", "num_train_epochs": 2, **more}
    return fine_tune(one, folder, examples or make_examples(32), callbacks=[callback], **choices)


def language_model(tokens: Any, name: str = "Qwen2") -> Any:
    config = getattr(transformers, f"{name}Config")(
        vocab_size=len(tokens),
        pad_token_id=tokens.pad_token_id,
        eos_token_id=tokens.eos_token_id,
        **{**BY_NAME[name].config, "max_position_embeddings": 64},
    )
    torch.manual_seed(4)
    model = transformers.AutoModelForCausalLM.from_config(config)
    for key, parameter in model.named_parameters():
        if parameter.dim() > 1 and "norm" not in key:
            torch.nn.init.normal_(parameter, std=0.25)
    return model

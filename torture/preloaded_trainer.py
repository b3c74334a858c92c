"""What a training by Hugging Face's Trainer imports besides; see :mod:`torture.preloaded`."""

from __future__ import annotations

from importlib import import_module

for name in (
    "transformers.trainer",
    "transformers.models.auto.modeling_auto",
    "tests.huggingface.architectures",
):
    import_module(name)

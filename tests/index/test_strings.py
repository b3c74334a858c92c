"""The stored texts as pyarrow strings, without copying them."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from wordtrace.data.examples import Examples
from wordtrace.errors import CorruptError
from wordtrace.index.texts import StoredTexts, write_texts
from wordtrace.run.checkpoint import load_tensors, save_tensors


def test_all_texts_are_given_at_once_and_damage_is_told(tmp_path: Path) -> None:
    texts = ["größer", "", "我们 🙂", "end"]
    place = tmp_path / "texts.safetensors"
    write_texts(place, Examples.of(texts, [0] * 4, ("a",)))
    assert StoredTexts(place, 4).strings("text").to_pylist() == texts
    arrays = load_tensors(place)
    for name, wrong in (
        ("text_offsets", arrays["text_offsets"].flip(0)),
        ("text_bytes", torch.full_like(arrays["text_bytes"], 0xFF)),
    ):
        save_tensors(place, {**arrays, name: wrong})
        with pytest.raises(CorruptError, match="is damaged; build the index again"):
            StoredTexts(place, 4).strings("text")

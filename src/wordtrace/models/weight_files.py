"""The files that hold a saved model's weights."""

from __future__ import annotations

import re
from pathlib import Path

ADAPTER = "adapter_model.safetensors"
#: The table of contents of weights in several files.
CONTENTS = "model.safetensors.index.json"
SAFE = ("model.safetensors", CONTENTS, ADAPTER)
PICKLED = ("pytorch_model.bin", "pytorch_model.bin.index.json", "adapter_model.bin")


def weight_files(folder: Path) -> list[Path]:
    """Return the files that hold a folder's weights, safetensors and their table of contents."""
    return sorted(
        path
        for path in folder.iterdir()
        if path.name in (*SAFE, "adapter_config.json")
        or re.fullmatch(r"model-\d+-of-\d+\.safetensors", path.name)
    )

"""What the tests of `wordtrace record` share: architectures, and how a file of data is written."""

from __future__ import annotations

import json
from pathlib import Path

from tests.huggingface.architectures import ARCHITECTURES
from wordtrace import api

BERT = ARCHITECTURES[0]
ROBERTA = ARCHITECTURES[1]


def write(file: Path, examples: api.Examples) -> None:
    rows = zip(examples.ids, examples.texts, examples.labels.tolist(), strict=True)
    lines = [
        json.dumps({"id": id, "text": text, "label": examples.label_names[label]})
        for id, text, label in rows
    ]
    file.write_text("\n".join(lines) + "\n")

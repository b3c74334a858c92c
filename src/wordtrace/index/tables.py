"""The index's tables: what is known about each example, and about each token."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import torch

from wordtrace.data.labelling import Labels
from wordtrace.disk import atomic
from wordtrace.index.manifest import WeighedCheckpoint
from wordtrace.index.task import STATISTICS, ShardTask
from wordtrace.index.texts import StoredTexts
from wordtrace.run.checkpoint import load_tensors
from wordtrace.run.run import Run


def write_examples(
    path: Path,
    run: Run,
    texts: StoredTexts,
    tasks: Sequence[ShardTask],
    sources: Sequence[WeighedCheckpoint],
) -> None:
    """Write examples.parquet from the statistics that the tasks left."""
    rows = np.arange(len(texts.labels))
    columns: dict[str, Any] = {
        "id": texts.column("id", rows),
        "label": _spelled(run, texts.labels),
    }
    totals = {name: np.zeros(len(rows)) for name in STATISTICS[2:]}
    for place, source in enumerate(sources):
        joined = _joined(tasks, place)
        columns[f"loss_{place}"] = joined["loss"]
        columns[f"predicted_{place}"] = _spelled(run, joined["predicted"])
        columns[f"self_influence_{place}"] = joined["self_influence"]
        columns[f"self_influence_topk_{place}"] = joined["self_influence_topk"]
        for name, total in totals.items():
            total += source.eta * joined[name].astype(np.float64)
    columns |= totals
    final = _joined(tasks, len(sources))
    columns["loss_final"] = final["loss"]
    columns["predicted_final"] = _spelled(run, final["predicted"])
    with atomic.replacing(path) as temporary:
        pq.write_table(pa.table(columns), temporary, compression="zstd")


def write_tokens(path: Path, run: Run, documents: npt.NDArray[np.int64]) -> None:
    """Write tokens.parquet: each token and in how many examples it stands."""
    columns = {
        "token": [run.tokenizer.token(token) for token in range(run.tokenizer.size)],
        "documents": documents,
    }
    with atomic.replacing(path) as temporary:
        pq.write_table(pa.table(columns), temporary, compression="zstd")


def _joined(tasks: Sequence[ShardTask], checkpoint: int) -> dict[str, npt.NDArray[Any]]:
    read = [load_tensors(task.statistics) for task in tasks if task.checkpoint == checkpoint]
    return {name: torch.cat([one[name] for one in read]).numpy() for name in read[0]}


def _spelled(run: Run, labels: Labels) -> pa.Array:
    if run.labelling.kind != "class":
        return pa.array(run.labelling.spell_all(labels), pa.string())
    names = pa.array(run.label_names, pa.string())
    return pa.DictionaryArray.from_arrays(pa.array(labels, pa.int32()), names)

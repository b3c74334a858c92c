"""One task of a build: it writes the gradients of some examples at one checkpoint to one file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

from wordtrace.data.batches import Encoded
from wordtrace.data.examples import Examples
from wordtrace.disk import fingerprint
from wordtrace.gradients.stream import gradient_stream
from wordtrace.gradients.tokens import self_products
from wordtrace.index import manifest as manifests
from wordtrace.index import projection
from wordtrace.index.postings import Gathering
from wordtrace.index.shards import shard_file, write_shard
from wordtrace.index.texts import StoredTexts, write_texts
from wordtrace.models import predict
from wordtrace.run.checkpoint import save_tensors
from wordtrace.run.kept_tokens import read_tokens, write_tokens
from wordtrace.run.run import Run

WORK = "build"
_ENCODED = "encoded.safetensors"
STATISTICS = ("loss", "predicted", "self_influence", "self_influence_topk")


@dataclass(frozen=True)
class ShardTask:
    """The gradients of `count` examples from row `first` at one checkpoint.

    Attributes
    ----------
    checkpoint
        Its place in the run's list. The place after the last one means the final model, for which
        only loss and prediction are kept.
    shard
        The number of the file.
    first
        The first row, counted within the examples of this build.
    device
        The device on which the model computes; the index does not record it.
    with_runs
        The folders of the other trainings, whose checkpoints follow the run's own.
    """

    run: str
    part: str
    checkpoint: int
    shard: int
    first: int
    count: int
    top_k: int | None
    dtype: str
    weighting: str = "rate-sum"
    precision: str = "float32"
    device: str = "cpu"
    with_runs: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """The task's name in the ledger."""
        return f"checkpoint-{self.checkpoint}/shard-{self.shard:05d}"

    @property
    def statistics(self) -> Path:
        """The file for its examples' losses, predictions and self-influence."""
        name = f"statistics-{self.checkpoint}-{self.shard:05d}.safetensors"
        return Path(self.part) / WORK / name


def prepare(part: Path, run: Run, examples: Examples, encoded: Encoded | None = None) -> Encoded:
    """Write the texts and token ids that the tasks read; they are tokenized once, then mapped."""
    if not (part / manifests.TEXTS).exists():
        write_texts(part / manifests.TEXTS, examples)
    path = part / WORK / _ENCODED
    if not path.exists():
        found = encoded or run.tokenizer.encode(examples.texts, examples.texts2, "Tokenizing")
        write_tokens(path, found)
    return read_tokens(path)


def build_shard(task: ShardTask) -> dict[str, Any]:
    """Compute and write one shard and its examples' statistics; runs in a worker process."""
    run, encoded, texts, bases = _opened(
        *(task.run, task.with_runs, task.weighting, task.device),
        *(task.part, _stamp(task.part)),
    )
    points = [*run.checkpoints, run.final]
    checkpoint = points[task.checkpoint]
    # Tasks come in the order of checkpoints, so a worker needs only one model at a time.
    model = run.model_alone(checkpoint)
    rows_here = np.arange(task.first, task.first + task.count)
    labels = texts.labels
    if task.checkpoint == len(run.checkpoints):
        here = encoded.between(task.first, task.first + task.count)
        scores = predict.logits(model, here)
        losses = torch.from_numpy(predict.losses(model.outputs, scores, labels[rows_here]))
        predicted = torch.from_numpy(predict.predicted(model.outputs, scores))
        save_tensors(task.statistics, {"loss": losses, "predicted": predicted})
        return {}
    statistics = {name: torch.zeros(task.count) for name in STATISTICS}
    statistics["predicted"] = torch.from_numpy(run.labelling.none(task.count))
    names = _Ids(texts)
    lengths = encoded.lengths[task.first : task.first + task.count]
    basis = bases[task.checkpoint] if bases else None
    room = int((lengths if task.top_k is None else np.minimum(lengths, task.top_k)).sum())
    gathered = Gathering(room, run.dim if basis is None else basis.shape[1], task.dtype, basis)
    for found in gradient_stream(
        run, checkpoint, encoded, labels, names, rows_here, precision=task.precision
    ):
        kept, rows = found.tokens(task.top_k), torch.from_numpy(found.rows - task.first)
        own = self_products(found.batch, found.gradients, found.norms)
        given = (found.gradients.logits.float(), found.batch.labels)
        statistics["loss"][rows] = model.outputs.losses(*given).float().cpu()
        statistics["predicted"][rows] = model.outputs.predicted(found.gradients.logits).cpu()
        statistics["self_influence"][rows] = own.cpu()
        statistics["self_influence_topk"].index_add_(
            0, rows[kept.example], kept.gradient.square().sum(1)
        )
        gathered.add(rows, kept)
    block = gathered.block(task.first, task.count, run.tokenizer.size)
    path = Path(task.part) / shard_file(task.checkpoint, task.shard)
    write_shard(path, block)
    save_tensors(task.statistics, statistics)
    return {
        "file": shard_file(task.checkpoint, task.shard),
        "checkpoint": task.checkpoint,
        "first": task.first,
        "count": task.count,
        "postings": len(block),
        "bytes": path.stat().st_size,
        "blake2b": fingerprint.of_file(path),
    }


@lru_cache(maxsize=1)
def _opened(
    run: str, with_runs: tuple[str, ...], weighting: str, device: str, part: str, stamp: int
) -> tuple[Run, Encoded, StoredTexts, list[torch.Tensor] | None]:
    opened = Run.open(run, device).with_runs(with_runs).weighted(weighting)
    folder = Path(part)
    encoded = read_tokens(folder / WORK / _ENCODED)
    bases = None
    if (folder / projection.FILE).exists():
        bases = projection.load(folder, len(opened.checkpoints))
    return opened, encoded, StoredTexts(folder / manifests.TEXTS, len(encoded)), bases


def _stamp(part: str) -> int:
    # Later, a folder of the same name may hold other examples.
    return (Path(part) / WORK / _ENCODED).stat().st_mtime_ns


class _Ids(Sequence[str]):
    """The examples' ids, which are read only when a message needs one."""

    def __init__(self, texts: StoredTexts) -> None:
        self.texts = texts

    def __len__(self) -> int:
        return len(self.texts.labels)

    def __getitem__(self, row: Any) -> Any:
        return self.texts.column("id", np.array([row]))[0]

"""Building an index: one task for each checkpoint and shard, each writing its file."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch

from wordtrace.data.batches import Encoded, by_length, document_frequency
from wordtrace.disk import atomic, fingerprint
from wordtrace.errors import InputError
from wordtrace.execute.ledger import Ledger
from wordtrace.execute.processes import executor
from wordtrace.execute.progress import track
from wordtrace.gradients import tokens as gradients
from wordtrace.gradients.embedding import embedding_gradients
from wordtrace.index import manifest as manifests
from wordtrace.index.folder import IndexFolder
from wordtrace.index.manifest import Manifest, Shard, Source
from wordtrace.index.postings import DTYPES, make_block
from wordtrace.index.shards import shard_file, write_shard
from wordtrace.run import predict
from wordtrace.run.checkpoint import load_tensors, save_tensors
from wordtrace.run.fit import to_batch
from wordtrace.run.run import Run

_WORK = "build"
_PLAN = "plan.json"
_ENCODED = "encoded.safetensors"
_STATISTICS = ("loss", "predicted", "self_influence", "self_influence_topk")


@dataclass(frozen=True)
class ShardTask:
    """The gradients of `count` examples from row `first` at one checkpoint."""

    run: str
    part: str
    checkpoint: int
    shard: int
    first: int
    count: int
    top_k: int | None
    dtype: str

    @property
    def key(self) -> str:
        """Name of the task in the ledger."""
        return f"checkpoint-{self.checkpoint}/shard-{self.shard:05d}"


def build(
    run: Run,
    out: str | Path | None = None,
    *,
    top_k: int | None = 10,
    dtype: str = "float16",
    weighting: str = "rate",
    shard_size: int = 32_768,
    workers: int | None = None,
    overwrite: bool = False,
) -> IndexFolder:
    """Index the token gradients of a run's training examples.

    A killed build goes on at the first missing shard and ends byte-identical to one that was
    never killed.

    Parameters
    ----------
    out
        The folder; RUN/index by default.
    top_k
        Positions of largest gradient norm kept in each text (Eq. 5); None for all.
    dtype
        Of the stored directions: "float16" or "float32".
    weighting
        η_c: "rate" is the learning rate used at checkpoint c, "rate-sum" the sum of the rates
        since the checkpoint before.
    workers
        Processes; by default one a core.

    Raises
    ------
    MismatchError
        When `out` holds an index with other settings.
    NumericalError
        When a gradient is NaN or infinite; names the example.
    """
    gradients.check_top_k(top_k)
    if dtype not in DTYPES:
        raise InputError(f"--dtype is {dtype!r}; it must be one of {', '.join(DTYPES)}.")
    if shard_size < 1:
        raise InputError(f"--shard-size is {shard_size}; it must be at least 1.")
    folder = Path(out) if out is not None else run.path / "index"
    atomic.check_replaceable(folder, manifests.FILE, "index")
    sources = _sources(run, weighting)
    plan: dict[str, Any] = {
        "run_fingerprint": run.fingerprint,
        "top_k": top_k,
        "dtype": dtype,
        "weighting": weighting,
        "shard_size": shard_size,
    }
    if (folder / manifests.FILE).exists() and not overwrite:
        recorded = atomic.read_json(folder / manifests.FILE)
        fingerprint.require_same(
            {key: recorded.get(key) for key in plan},
            plan,
            str(folder),
            "choose another --out, or add --overwrite to replace it",
        )
        return IndexFolder.open(folder)
    with atomic.exclusive(folder) as part:
        if _finished(part, plan):
            shutil.rmtree(part / _WORK, ignore_errors=True)
            atomic.commit_folder(folder)
            return IndexFolder.open(folder)
        _prepare(part, plan)
        encoded = _encode(run, part)
        starts = range(0, len(encoded), shard_size)
        tasks = [
            ShardTask(
                str(run.path),
                str(part),
                checkpoint,
                shard,
                first,
                min(shard_size, len(encoded) - first),
                top_k,
                dtype,
            )
            for checkpoint in range(len(sources))
            for shard, first in enumerate(starts)
        ]
        shards = _run_tasks(tasks, part, workers)
        _write_examples(run, part, encoded, tasks, sources)
        _write_tokens(run, part, encoded)
        manifest = Manifest(
            run=os.path.relpath(run.path.resolve(), folder.parent.resolve() / folder.name),
            examples=len(encoded),
            vocabulary=run.tokenizer.size,
            dim=run.config.dim,
            checkpoints=tuple(sources),
            shards=tuple(shards),
            files={
                name: {
                    "bytes": (part / name).stat().st_size,
                    "blake2b": fingerprint.of_file(part / name),
                }
                for name in (manifests.EXAMPLES, manifests.TOKENS)
            },
            **plan,
        )
        atomic.write_json(part / manifests.FILE, manifest.document())
        shutil.rmtree(part / _WORK)
        atomic.commit_folder(folder)
    return IndexFolder.open(folder)


def build_shard(task: ShardTask) -> dict[str, Any]:
    """Compute and write one shard and its examples' statistics; runs in a worker process."""
    run, encoded = _opened(task.run, task.part)
    checkpoint = run.checkpoints[task.checkpoint]
    model = run.model(checkpoint)
    rows_here = np.arange(task.first, task.first + task.count)
    statistics = {
        name: torch.zeros(task.count, dtype=torch.int32 if name == "predicted" else torch.float32)
        for name in _STATISTICS
    }
    labels = run.train.labels
    parts = []
    lengths = encoded.lengths[task.first : task.first + task.count]
    for within in by_length(lengths, 1024, predict.TOKENS_A_BATCH):
        batch = to_batch(encoded, labels, rows_here[within], predict.device_of(model))
        found = embedding_gradients(model, batch)
        norms = gradients.position_norms(found)
        gradients.check_finite(
            found, norms, rows_here[within], run.train.ids, f"step {checkpoint.step}"
        )
        kept = gradients.token_gradients(batch, found, norms, task.top_k)
        rows = torch.from_numpy(within)
        statistics["loss"][rows] = found.losses.float().cpu()
        statistics["predicted"][rows] = found.logits.argmax(1).to(torch.int32).cpu()
        statistics["self_influence"][rows] = gradients.self_influence(batch, found, norms).cpu()
        statistics["self_influence_topk"].index_add_(
            0, rows[kept.example.cpu()], kept.gradient.square().sum(1).cpu()
        )
        parts.append((rows, kept))
    block = make_block(parts, task.first, task.count, run.tokenizer.size, task.dtype)
    path = Path(task.part) / shard_file(task.checkpoint, task.shard)
    write_shard(path, block)
    save_tensors(_statistics_file(task), statistics)
    return {
        "file": shard_file(task.checkpoint, task.shard),
        "checkpoint": task.checkpoint,
        "first": task.first,
        "count": task.count,
        "postings": len(block),
        "bytes": path.stat().st_size,
        "blake2b": fingerprint.of_file(path),
    }


def _sources(run: Run, weighting: str) -> list[Source]:
    if weighting not in ("rate", "rate-sum"):
        raise InputError(f"--weighting is {weighting!r}; it must be rate or rate-sum.")
    if weighting == "rate":
        return [Source(point.step, point.learning_rate) for point in run.checkpoints]
    sums = [0.0, *[point.learning_rate_sum for point in run.checkpoints]]
    return [
        Source(point.step, sums[place + 1] - sums[place])
        for place, point in enumerate(run.checkpoints)
    ]


def _finished(part: Path, plan: dict[str, Any]) -> bool:
    """Tell whether an attempt was killed between its last file and the renaming."""
    if not (part / manifests.FILE).exists():
        return False
    document = atomic.read_json(part / manifests.FILE)
    return all(document.get(key) == value for key, value in plan.items())


def _prepare(part: Path, plan: dict[str, Any]) -> None:
    if (part / _WORK / _PLAN).exists():
        fingerprint.require_same(
            atomic.read_json(part / _WORK / _PLAN),
            plan,
            f"the interrupted build in {part}",
            f"repeat it with the old value to go on, or delete {part} to start anew",
        )
        return
    atomic.refuse_foreign(part, (_WORK,))
    atomic.empty(part)
    (part / _WORK).mkdir()
    atomic.write_json(part / _WORK / _PLAN, plan)


def _encode(run: Run, part: Path) -> Encoded:
    """Tokenize once; the workers map the file."""
    path = part / _WORK / _ENCODED
    if not path.exists():
        encoded = run.encoded
        save_tensors(
            path,
            {"ids": torch.from_numpy(encoded.ids), "offsets": torch.from_numpy(encoded.offsets)},
        )
    return _mapped(path)


def _mapped(path: Path) -> Encoded:
    arrays = load_tensors(path)
    return Encoded(arrays["ids"].numpy(), arrays["offsets"].numpy())


@lru_cache(maxsize=1)
def _opened(run: str, part: str) -> tuple[Run, Encoded]:
    return Run.open(run), _mapped(Path(part) / _WORK / _ENCODED)


def _run_tasks(tasks: list[ShardTask], part: Path, workers: int | None) -> list[Shard]:
    with Ledger(part / _WORK / "ledger.sqlite") as ledger:
        open_tasks = [task for task in tasks if ledger.get(task.key) is None]
        total = sum(task.count for task in tasks)
        done = total - sum(task.count for task in open_tasks)
        with track("Indexing", total, "gradients", done) as advance:
            for task, result in executor(workers, len(open_tasks)).run(build_shard, open_tasks):
                ledger.record(task.key, result)
                advance(task.count)
        results = [ledger.get(task.key) for task in tasks]
    return [Shard(**result) for result in results if result is not None]


def _statistics_file(task: ShardTask) -> Path:
    return Path(task.part) / _WORK / f"statistics-{task.checkpoint}-{task.shard:05d}.safetensors"


def _write_examples(
    run: Run, part: Path, encoded: Encoded, tasks: list[ShardTask], sources: list[Source]
) -> None:
    columns: dict[str, Any] = {"id": run.train.ids, "label": _names(run, run.train.labels)}
    totals = {name: np.zeros(len(encoded)) for name in _STATISTICS[2:]}
    for place, source in enumerate(sources):
        read = [load_tensors(_statistics_file(t)) for t in tasks if t.checkpoint == place]
        joined = {name: torch.cat([one[name] for one in read]).numpy() for name in _STATISTICS}
        columns[f"loss_{place}"] = joined["loss"]
        columns[f"predicted_{place}"] = _names(run, joined["predicted"])
        columns[f"self_influence_{place}"] = joined["self_influence"]
        columns[f"self_influence_topk_{place}"] = joined["self_influence_topk"]
        for name, total in totals.items():
            total += source.eta * joined[name].astype(np.float64)
    columns |= totals
    scores = predict.logits(run.model(run.final), encoded)
    columns["loss_final"] = predict.cross_entropy(scores, run.train.labels)
    columns["predicted_final"] = _names(run, scores.argmax(1))
    with atomic.replacing(part / manifests.EXAMPLES) as temporary:
        pq.write_table(pa.table(columns), temporary, compression="zstd")


def _names(run: Run, classes: Any) -> pa.Array:
    names = pa.array(run.label_names, pa.string())
    return pa.DictionaryArray.from_arrays(pa.array(classes, pa.int32()), names)


def _write_tokens(run: Run, part: Path, encoded: Encoded) -> None:
    size = run.tokenizer.size
    columns = {
        "token": [run.tokenizer.token(token) for token in range(size)],
        "documents": document_frequency(encoded, size),
    }
    with atomic.replacing(part / manifests.TOKENS) as temporary:
        pq.write_table(pa.table(columns), temporary, compression="zstd")

"""Changing an index in place by adding or removing examples.

A change writes new files beside the old ones and then replaces the manifest. So a reader sees the
index either before or after the change, and a killed change leaves the index as it was.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from wordtrace.data.batches import document_frequency
from wordtrace.data.examples import Examples
from wordtrace.disk import atomic
from wordtrace.errors import InputError, option
from wordtrace.execute.protocol import Executor
from wordtrace.index import manifest as manifests
from wordtrace.index import projection
from wordtrace.index.build import make_tasks, processes, run_shards
from wordtrace.index.folder import IndexFolder
from wordtrace.index.manifest import Manifest, RowBlock, Shard, entry_of, samples_of
from wordtrace.index.tables import write_examples, write_tokens
from wordtrace.index.task import WORK, prepare
from wordtrace.index.texts import StoredTexts
from wordtrace.index.unfinished import PLAN, clear_other_work, is_a_build, start_work
from wordtrace.run.run import Run

#: The names of the files that changes write.
_OF_CHANGES = (
    "checkpoint-*/shard-[0-9]*.safetensors",
    *(f"{Path(name).stem}-[0-9]*.parquet" for name in (manifests.EXAMPLES, manifests.TOKENS)),
    f"{Path(manifests.TEXTS).stem}-[0-9]*{Path(manifests.TEXTS).suffix}",
    manifests.TOKENS,
    "removed-[0-9]*.parquet",
)


def add(
    path: str | Path,
    run: Run,
    examples: Examples,
    *,
    workers: int | None = None,
    executor: Executor | None = None,
) -> IndexFolder:
    """Add further examples to the index, computed with the run's checkpoints.

    The model was not trained on them: their influence is the one that training on them would have
    had, to first order. A killed addition goes on where it was when it is started again.

    Raises
    ------
    InputError
        When an example has no label, an id is there already, or pairs meet single texts.
    """
    index = changeable(path)
    manifest = index.manifest
    plan = {
        "revision": manifest.revision + 1,
        "run_fingerprint": run.fingerprint,
        "added": examples.fingerprint(),
    }
    number = 1 + max(int(Path(shard.file).stem.split("-")[1]) for shard in manifest.shards)
    with _locked(index) as part:
        index.require_unchanged([manifest.tokens])
        _check_added(index, run, examples)
        clear_other_work(part, lambda found: _is_pending(found, manifest))
        start_work(part, plan)
        with atomic.worth_keeping(part, WORK):
            if manifest.projection is not None:
                shutil.copyfile(index.path / projection.FILE, part / projection.FILE)
            encoded = prepare(part, run, examples)
            tasks = make_tasks(
                *(
                    run,
                    part,
                    len(examples),
                    manifest.shard_size,
                    manifest.top_k,
                    manifest.dtype,
                    number,
                ),
                precision=manifest.precision,
            )
            shards = run_shards(tasks, part, processes(run, workers), executor)
        tag = f"-{plan['revision']:05d}"
        names = [_tagged(name, tag) for name in (manifests.EXAMPLES, manifests.TEXTS)]
        texts = StoredTexts(part / manifests.TEXTS, len(examples))
        write_examples(part / names[0], run, texts, tasks, manifest.checkpoints)
        tokens = _tagged(manifests.TOKENS, tag)
        documents = index.document_frequency + document_frequency(encoded, manifest.vocabulary)
        write_tokens(part / tokens, run, documents)
        (part / manifests.TEXTS).replace(part / names[1])
        for name in [*names, tokens, *(shard.file for shard in shards)]:
            _move(part, index.path, name)
        first = manifest.examples
        added = RowBlock(first, len(examples), examples.source, str(plan["added"]), *names)
        moved = tuple(replace(shard, first=first + shard.first) for shard in shards)
        changed = replace(
            manifest,
            examples=first + len(examples),
            shards=_by_checkpoint([*manifest.shards, *moved]),
            parts=(*manifest.parts, added),
            tokens=tokens,
        )
        _commit(index, changed, [*names, tokens])
        atomic.empty(part, WORK)
    return IndexFolder.open(path)


def remove(path: str | Path, run: Run, ids: Sequence[str]) -> IndexFolder:
    """Make examples invisible at once; a merge of the index deletes their postings.

    Raises
    ------
    InputError
        When no example has one of the ids, or no example would be left.
    """
    index = changeable(path)
    with _locked(index) as part:
        rows = np.unique(np.concatenate([index.removed, index.rows_of(list(dict.fromkeys(ids)))]))
        if len(rows) == index.manifest.examples:
            raise InputError(f"that would leave no example in {path}; delete the folder instead.")
        new = np.setdiff1d(rows, index.removed)
        index.require_unchanged([index.manifest.tokens, index.manifest.removed or ""])
        tag = f"-{index.manifest.revision + 1:05d}"
        gone, tokens = f"removed{tag}.parquet", _tagged(manifests.TOKENS, tag)
        with atomic.replacing(index.path / gone) as temporary:
            pq.write_table(pa.table({"row": rows}), temporary, compression="zstd")
        taken = index.take(new, run)
        encoded = run.encode(taken)
        documents = index.document_frequency - document_frequency(
            encoded, index.manifest.vocabulary
        )
        write_tokens(index.path / tokens, run, documents)
        changed = replace(index.manifest, tokens=tokens, removed=gone)
        written = _commit(index, changed, [tokens, gone])
        # An interrupted addition was planned for the index as it was.
        clear_other_work(part, is_a_build)
        _sweep(index.path, written)
    return IndexFolder.open(path)


def changeable(path: str | Path) -> IndexFolder:
    """Open an index, and refuse one of a version that can't be changed (InputError)."""
    index = IndexFolder.open(path)
    if any(part.texts is None for part in index.manifest.parts):
        raise InputError(
            f"{path} was built by an older wordtrace and can't be changed; build it again with "
            "`wordtrace index RUN --overwrite`."
        )
    return index


def _check_added(index: IndexFolder, run: Run, examples: Examples) -> None:
    if len(examples) == 0:
        raise InputError(f"{examples.source} holds no examples.")
    if examples.kind != run.labelling.kind:
        raise InputError(
            f"{examples.source} was read with labels of the kind {examples.kind!r}, the run has "
            f"{run.labelling.kind!r}; read it with kind={run.labelling.kind!r}."
        )
    if examples.label_names != run.label_names:
        raise InputError(
            f"{examples.source} has the labels {', '.join(examples.label_names)}; "
            f"the run has {', '.join(run.label_names)}."
        )
    if not (given := examples.labelling.given(examples.labels)).all():
        row = int(np.argmax(~given))
        raise InputError(f"{examples.source}: the example {examples.ids[row]!r} has no label.")
    if examples.has_pairs != run.has_pairs:
        expected = "pairs of texts" if run.has_pairs else "single texts"
        raise InputError(f"this run was trained on {expected}; add examples of the same kind.")
    known = set(index.table["id"].to_pylist())
    again = next((id for id in examples.ids if id in known), None)
    if again is not None:
        raise InputError(
            f"the id {again!r} of {examples.source} is in the index already; ids of added examples "
            f"must be new (name a column of such ids by {option('id')})."
        )


def check_same(index: IndexFolder) -> None:
    """Refuse an index that another process changed before this one held it (InputError)."""
    if Manifest.of(atomic.read_json(index.path / manifests.FILE)) != index.manifest:
        raise InputError(f"{index.path} was just changed by another process; try again.")


@contextmanager
def _locked(index: IndexFolder) -> Iterator[Path]:
    """Hold the index for this change alone; yields the folder to work in.

    Raises
    ------
    InputError
        When another process is changing it, or has changed it since it was opened.
    """
    with atomic.exclusive(index.path) as part:
        check_same(index)
        atomic.clear_strays(index.path)
        manifest = index.manifest
        clear_other_work(part, lambda found: is_a_build(found) or _is_pending(found, manifest))
        if not _is_pending(_planned(part), manifest):
            _sweep(index.path, manifest)
        yield part


def _is_pending(plan: Mapping[str, Any], manifest: Manifest) -> bool:
    """Whether a plan is of an addition to the index as it is, which can be gone on with."""
    return "added" in plan and plan["revision"] > manifest.revision


def _planned(part: Path) -> dict[str, Any]:
    plan = part / WORK / PLAN
    return atomic.read_json(plan) if plan.exists() else {}


def _sweep(folder: Path, manifest: Manifest) -> None:
    """Delete files that a killed change wrote, or no longer needed, and the manifest names not."""
    named = {shard.file for shard in manifest.shards} | {*manifest.files}
    kept = {folder / name for name in named}
    for pattern in _OF_CHANGES:
        for path in folder.glob(pattern):
            if path not in kept:
                path.unlink()


def _commit(index: IndexFolder, manifest: Manifest, new: Sequence[str]) -> Manifest:
    """Replace the manifest, then delete the files that it no longer names; return it."""
    before = index.manifest
    old = {before.tokens, before.removed} - {manifest.tokens, manifest.removed, None}
    files = {name: entry for name, entry in manifest.files.items() if name not in old}
    files |= {name: entry_of(index.path, name) for name in new}
    known = {shard.file for shard in before.shards}
    shards = [shard for shard in manifest.shards if shard.file not in known]
    samples = {name: one for name, one in before.samples.items() if name not in old}
    samples |= samples_of(index.path, shards, new)
    changed = replace(manifest, files=files, samples=samples, revision=manifest.revision + 1)
    atomic.write_json(index.path / manifests.FILE, changed.document())
    for name in old:
        (index.path / str(name)).unlink(missing_ok=True)
    return changed


def _move(part: Path, folder: Path, name: str) -> None:
    """Move a finished file to its place, unless an earlier attempt has done so."""
    (folder / name).parent.mkdir(exist_ok=True)
    if (part / name).exists():
        (part / name).replace(folder / name)


def _tagged(name: str, tag: str) -> str:
    path = Path(name)
    return f"{path.stem}{tag}{path.suffix}"


def _by_checkpoint(shards: Sequence[Shard]) -> tuple[Shard, ...]:
    return tuple(sorted(shards, key=lambda shard: (shard.checkpoint, shard.first)))

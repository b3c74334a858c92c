"""Collecting and storing an encoder's embedding gradients, beside dattri-llm doing the same.

``python -m benchmarks collect``, in an environment that has dattri-llm: all 6 layers of the
packaged encoder, fine-tuned for one epoch on 1,000 BBC paragraphs of at most 64 tokens; one thread,
float32, the same batches; each writes what it keeps to disk. Of dattri-llm's model all parameters
but the word embedding are frozen, so that it computes no gradient that is not asked for.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from benchmarks import hf
from benchmarks.measure import in_turn, middle, ratio
from wordtrace import api
from wordtrace.data.batches import by_length
from wordtrace.gradients.embedding import embedding_gradients
from wordtrace.index.task import ShardTask, build_shard, prepare
from wordtrace.models import predict
from wordtrace.models.protocol import to_batch

LAYER = "bert.embeddings.word_embeddings"
ALIKE = 200


def measure(folder: Path, repeats: int = 3) -> list[dict[str, Any]]:
    """Assert that both find the same gradients; return seconds, ratio and bytes an example."""
    torch.set_num_threads(1)
    run = hf.trained(folder)
    collect(run, None, np.arange(ALIKE))
    part, theirs = folder / "part-collect", folder / "dattri-llm"
    shutil.rmtree(part, ignore_errors=True)
    (part / "build").mkdir(parents=True)
    prepare(part, run, run.train, run.encoded)
    task = ShardTask(str(run.path), str(part), 0, 0, 0, len(run.train), None, "float32")
    built: dict[str, Any] = {}

    def ours() -> None:
        built.update(build_shard(task))

    def peer() -> None:
        shutil.rmtree(theirs, ignore_errors=True)
        collect(run, theirs)

    seconds = in_turn({"ours": ours, "peer": peer}, repeats)
    count = len(run.train)
    size = sum(path.stat().st_size for path in theirs.rglob("*") if path.is_file())
    what = f"embedding gradients of a 6-layer encoder kept, {count:,} texts"
    return [
        {
            "what": f"{what}, dattri-llm",
            "seconds": middle(seconds["peer"]),
            "bytes_an_example": size / count,
        },
        {
            "what": f"{what}, all positions",
            "seconds": middle(seconds["ours"]),
            "over": "dattri-llm, the same texts and batches",
            "ratio": ratio(seconds["ours"], seconds["peer"]),
            "bytes_an_example": built["bytes"] / count,
        },
    ]


def collect(run: api.Run, folder: Path | None, rows: np.ndarray | None = None) -> None:
    """Hook the word embedding by dattri-llm and write the records to `folder`.

    Without a folder each record is compared with our gradients at the text's positions.
    """
    from dattri_llm.gradient import (
        CaptureCallback,
        GradientStorageManager,
        HookManager,
        HookManagerConfig,
        OffloadCallback,
    )

    model = run.model(run.checkpoints[0])
    module = model.module.requires_grad_(False)
    module.get_submodule(LAYER).requires_grad_(True)
    wanted = np.arange(len(run.train)) if rows is None else rows
    held: list[tuple[Any, torch.Tensor]] = []
    encoded, labels = run.encoded.take(wanted), run.train.labels[wanted]
    if folder is None:
        callback: Any = CaptureCallback()
    else:
        folder.mkdir(parents=True)
        callback = OffloadCallback(8, GradientStorageManager(str(folder)))
    manager = HookManager(
        module, HookManagerConfig(hook_types={LAYER: "linear_io"}), callbacks=[callback]
    )
    with manager.collect(deregister_on_exit=True):
        for within in by_length(encoded.lengths, 1024, predict.tokens_a_batch(model)):
            batch = to_batch(encoded, labels, within)
            given = {"input_ids": batch.ids, "attention_mask": batch.mask.long()}
            if batch.types is not None:
                given["token_type_ids"] = batch.types
            loss = F.cross_entropy(module(**given).logits, batch.labels, reduction="sum")
            module.zero_grad(set_to_none=True)
            loss.backward()
            if folder is None:
                held.append((batch, callback.record.gradient.data[LAYER].pre_activation_grad))
    module.zero_grad(set_to_none=True)
    module.requires_grad_(False)
    for batch, theirs in held:
        mine = embedding_gradients(model, batch).gradient
        theirs = theirs.reshape(mine.shape) * batch.mask.unsqueeze(2)
        scale = float(mine.abs().max())
        torch.testing.assert_close(mine / scale, theirs / scale, atol=1e-5, rtol=1e-4)

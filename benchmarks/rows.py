"""A million rows: search, filters, order and counts, against one pass over the texts.

Texts, labels and losses are real paragraphs' and drawn numbers; there are no postings, since none
of this reads them.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks import corpus
from benchmarks.measure import in_turn, middle, ratio
from wordtrace import api
from wordtrace.act.distribution import Distributions
from wordtrace.act.filters import Filters
from wordtrace.act.row_search import RowSearch
from wordtrace.act.row_table import RowTable
from wordtrace.disk import atomic
from wordtrace.index import manifest as manifests
from wordtrace.index.folder import IndexFolder
from wordtrace.index.manifest import Manifest, RowBlock, WeighedCheckpoint, entry_of
from wordtrace.index.texts import write_texts

_SEED = 5
_REAL = 10_000


def measure(folder: Path, count: int = 1_000_000, repeats: int = 5) -> list[dict[str, Any]]:
    """Time what the app's first view asks of an index of `count` rows."""
    place = folder / f"rows-{count}"
    if not (place / manifests.FILE).exists():
        _make(place, count)
    run: Any = SimpleNamespace(
        labelling=corpus.paragraphs(_REAL).labelling,
        generates=False,
        chats=False,
        has_pairs=False,
        tokenizer=None,
    )
    start = time.perf_counter()
    table = RowTable(IndexFolder.open(place), run)
    table.rows(Filters(), limit=50)
    first = time.perf_counter() - start
    search = RowSearch(IndexFolder.open(place), run)
    columns, chosen = table.columns, table.mask(Filters(right=False))
    data = table._index.texts[0]._arrays["text_bytes"]
    words = data[: len(data) // 8 * 8].view(np.int64)
    label = columns.label.names[0]
    order = columns.order("loss", True)
    things: dict[str, Callable[[], Any]] = {
        "floor": words.sum,
        "search for a rare word": lambda: search.find("striker"),
        "search for a word that is nowhere": lambda: search.find("zqxjkv"),
        "search for a frequent word": lambda: search.find("the"),
        "search for two words and a phrase": lambda: search.find('market shares "last year"'),
        "filter by label, loss, right or wrong": lambda: table._pass(
            Filters(label=label, right=False, loss_from=0.5)
        ),
        "sort by loss": lambda: columns._order("loss", True),
        "a page of the sorted, filtered rows": lambda: table.read(
            order[chosen[order]][500:550].astype(np.int64), cut=300, suspicion=False
        ),
        "count label, prediction, right, loss": lambda: [
            Distributions(columns).of(name, chosen, None)
            for name in ("label", "predicted", "right", "loss")
        ],
    }
    seconds = in_turn(things, repeats)
    over = f"reading {len(data) / 1e6:,.0f} MB of texts once ({middle(seconds['floor']):.3f} s)"
    rows: list[dict[str, Any]] = [{"what": "open, and list the first 50", "seconds": first}]
    for name in list(things)[1:]:
        rows.append(
            {
                "what": name,
                "seconds": middle(seconds[name]),
                "over": over,
                "ratio": ratio(seconds[name], seconds["floor"]),
            }
        )
    return [{**row, "examples": count} for row in rows]


def _make(place: Path, count: int) -> None:
    real = corpus.paragraphs(_REAL)
    drawn = np.random.default_rng(_SEED).integers(0, len(real), count)
    ids = pa.array([f"row/{row}" for row in range(count)], pa.string())
    taken = real.take(drawn)
    examples = api.Examples(taken.table.set_column(0, "id", ids), real.label_names)
    place.mkdir(parents=True, exist_ok=True)
    write_texts(place / manifests.TEXTS, examples)
    pq.write_table(_table(examples), place / manifests.EXAMPLES, compression="zstd")
    manifest = Manifest(
        run="../no-run",
        run_fingerprint="none",
        examples=count,
        vocabulary=0,
        dim=1,
        top_k=10,
        dtype="float16",
        weighting="rate",
        shard_size=count,
        checkpoints=(WeighedCheckpoint(1, 0.1),),
        shards=(),
        files={name: entry_of(place, name) for name in (manifests.EXAMPLES, manifests.TEXTS)},
        parts=(RowBlock(0, count, "the run", "drawn", manifests.EXAMPLES, manifests.TEXTS),),
    )
    atomic.write_json(place / manifests.FILE, manifest.document())


def _table(examples: api.Examples) -> pa.Table:
    generator = np.random.default_rng(_SEED)
    count, names = len(examples), pa.array(examples.label_names, pa.string())
    wrong = generator.random(count) < 0.05
    said = np.where(wrong, generator.integers(0, len(names), count), examples.labels)
    loss = generator.lognormal(-3, 1.6, count).astype(np.float32)

    def spelled(labels: Any) -> pa.Array:
        return pa.DictionaryArray.from_arrays(pa.array(labels, pa.int32()), names)

    return pa.table(
        {
            "id": examples.table["id"],
            "label": spelled(examples.labels),
            "loss_0": loss,
            "predicted_0": spelled(said),
            "self_influence_0": loss,
            "self_influence_topk_0": loss,
            "self_influence": loss.astype(np.float64),
            "self_influence_topk": loss.astype(np.float64),
            "loss_final": loss,
            "predicted_final": spelled(said),
        }
    )

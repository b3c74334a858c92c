"""FAISS over dense gradients: what a vector index makes of the same neighbours.

The embedding gradient of an example has a number for each token and dimension, far too many for a
vector index. It is brought to `size` dimensions by a count sketch, which keeps dot products in
expectation, and searched by a flat (exact) index of inner products.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks import corpus
from benchmarks.measure import in_turn, middle, ratio
from wordtrace import api
from wordtrace.asking.asker import Asker
from wordtrace.measures.accumulate import QueryTokens
from wordtrace.measures.source import Indexed
from wordtrace.measures.topn import strongest
from wordtrace.measures.tracin_we import TracInWE

_PRIME = 2_147_483_647


def measure(folder: Path, count: int = 10_000) -> list[dict[str, Any]]:
    """Time one text against FAISS, and count how many of the exact 20 proponents it lists."""
    import faiss

    run = corpus.trained(folder, count)
    index = api.build_index(run, folder / f"index-10-{count}", top_k=10)
    chosen, source = TracInWE(10), Indexed(index.folder)
    asker = Asker(run)
    asked = [chosen.query_tokens(run, asker.queries(text)) for text in corpus.queries(20)]
    faiss.omp_set_num_threads(torch.get_num_threads())
    found = []
    for size in (512, 4096):
        flat = faiss.IndexFlatIP(size)
        flat.add(sketched_examples(index, size))
        queries = np.stack([sketched_query(one, size) for one in asked])
        ours, theirs, shared = [], [], []
        for place, one in enumerate(asked):
            seconds = in_turn(
                {
                    "ours": lambda one=one: strongest(
                        chosen.score_from(source, run, 1, one)[0], 20
                    ),
                    "faiss": lambda query=queries[place : place + 1], to=flat: to.search(query, 20),
                },
                3,
            )
            ours.append(middle(seconds["ours"]))
            theirs.append(middle(seconds["faiss"]))
            exact = strongest(chosen.score_from(source, run, 1, one)[0], 20)[0]
            listed = flat.search(queries[place : place + 1], 20)[1][0]
            shared.append(len(set(exact.tolist()) & set(listed.tolist())) / 20)
        found.append(
            {
                "what": f"FAISS flat, gradients sketched to {size} dimensions, {count:,} examples: "
                f"{np.mean(shared):.0%} of the exact 20 proponents",
                "examples": count,
                "seconds": middle(theirs),
                "bytes_an_example": 4 * size,
                "over": f"ours, exact, proponents and opponents ({middle(ours) * 1e3:.1f} ms)",
                "ratio": ratio(theirs, ours),
                "shared": float(np.mean(shared)),
            }
        )
    return found


def sketched_examples(index: api.Index, size: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Return each example's gradient, all checkpoints one behind the other, sketched."""
    found = np.zeros((index.folder.count, size), np.float32)
    for place, source in enumerate(index.folder.manifest.checkpoints):
        for block in index.folder.blocks(place):
            tokens = torch.bucketize(
                torch.arange(len(block)), block.token_offsets[1:], right=True
            ).numpy()
            for start in range(0, len(block), 1 << 14):
                part = slice(start, start + (1 << 14))
                gradient = block.direction[part].float() * block.norm[part].unsqueeze(1)
                weighted = gradient.numpy() * np.float32(source.eta)
                rows = block.example[part].numpy() + block.first
                _add(found, rows, tokens[part], weighted, place)
    return found


def sketched_query(asked: list[QueryTokens], size: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Return a query's gradient, sketched in the same way; weights η are the examples' alone."""
    found = np.zeros((1, size), np.float32)
    for place, one in enumerate(asked):
        rows = np.zeros(len(one.tokens), np.int64)
        _add(found, rows, np.array(one.tokens), one.gradient.numpy(), place)
    return found[0]


def _add(found: Any, rows: Any, tokens: Any, gradients: Any, place: int) -> None:
    """Add each number to the bucket, and with the sign, that its (checkpoint, token, dim) has."""
    dims = np.arange(gradients.shape[1], dtype=np.int64)
    keys = (tokens[:, None].astype(np.int64) * 4096 + dims) * 16 + place
    hashed = (keys * 1_103_515_245 + 12_345) % _PRIME
    signs = np.where((hashed * 48_271 % _PRIME) & 1024, 1, -1).astype(np.float32)
    np.add.at(found, (rows[:, None], hashed % found.shape[1]), signs * gradients)

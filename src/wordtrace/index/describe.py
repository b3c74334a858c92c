"""The description of an index, as a JSON document."""

from __future__ import annotations

from typing import Any

from wordtrace.index.folder import IndexFolder


def describe_index(index: IndexFolder) -> dict[str, Any]:
    """Return what `wordtrace info` says about an index."""
    manifest = index.manifest
    size = sum(shard.bytes for shard in manifest.shards)
    size += sum(int(entry["bytes"]) for entry in manifest.files.values())
    return {
        "format": "wordtrace-index-info",
        "version": 2,
        "name": str(index.path),
        "run": str((index.path / manifest.run).resolve()),
        "examples": index.count,
        "removed": len(index.removed),
        "parts": [{"source": part.source, "examples": part.count} for part in manifest.parts],
        "top_k": manifest.top_k,
        "dtype": manifest.dtype,
        "precision": manifest.precision,
        "dim": manifest.dim,
        "projection": manifest.projection,
        "fidelity": manifest.fidelity,
        "weighting": manifest.weighting,
        "checkpoints": [
            {"step": source.step, "eta": source.eta} for source in manifest.checkpoints
        ],
        "shards": len(manifest.shards),
        "postings": sum(shard.postings for shard in manifest.shards),
        "bytes": size,
        "bytes_per_example": size / max(index.count, 1),
    }

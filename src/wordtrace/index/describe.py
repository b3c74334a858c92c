"""The description of an index, as a JSON document."""

from __future__ import annotations

import os
from typing import Any

from wordtrace.index.folder import IndexFolder
from wordtrace.index.manifest import Manifest


def describe_index(index: IndexFolder) -> dict[str, Any]:
    """Return what `wordtrace info` says about an index."""
    manifest = index.manifest
    first = (index.path / manifest.run).resolve()
    further = [os.path.normpath(first / one.run) for one in manifest.with_runs]
    size = sum(shard.bytes for shard in manifest.shards)
    size += sum(int(entry["bytes"]) for entry in manifest.files.values())
    return {
        "format": "wordtrace-index-info",
        "version": 2,
        "name": str(index.path),
        "run": str(first),
        **({"with_runs": further} if further else {}),
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
        "checkpoints": _checkpoints(manifest, first.name),
        "shards": len(manifest.shards),
        "postings": sum(shard.postings for shard in manifest.shards),
        "bytes": size,
        "bytes_per_example": size / max(index.count, 1),
    }


def _checkpoints(manifest: Manifest, first: str) -> list[dict[str, Any]]:
    """Return each checkpoint's step and weight, and of a further run's what that run is called."""
    found: list[dict[str, Any]] = [
        {"step": one.step, "eta": one.eta} for one in manifest.checkpoints
    ]
    end = len(found)
    for one in reversed(manifest.with_runs):
        start = end - one.checkpoints
        for described in found[start:end]:
            described["run"] = os.path.normpath(os.path.join(first, one.run))
        end = start
    return found

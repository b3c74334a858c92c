"""What a run or an index is, as a document and for people."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wordtrace.index.folder import IndexFolder
    from wordtrace.run.run import Run


def describe_run(run: Run) -> dict[str, Any]:
    """Return what `wordtrace info` says of a run."""
    manifest = run.manifest
    held_out = manifest["held_out"]
    notes = []
    train = manifest["train"]
    if train["truncated"]:
        notes.append(
            f"{train['truncated']:,} of {train['rows']:,} texts are longer than "
            f"{manifest['max_length']} tokens and were cut (--max-length)."
        )
    if train["contradictions"]:
        count = train["contradictions"]
        notes.append(
            f"{count} {'text occurs' if count == 1 else 'texts occur'} more than once with "
            "different labels."
        )
    rates = [checkpoint.learning_rate for checkpoint in run.checkpoints]
    for checkpoint in run.checkpoints:
        if checkpoint.learning_rate < 0.01 * sum(rates):
            notes.append(
                f"The checkpoint at step {checkpoint.step} weighs under 1 % of the sum, since its "
                "learning rate is small."
            )
    return {
        "format": "wordtrace-run",
        "version": 1,
        "name": str(run.path),
        "examples": train["rows"],
        "held_out": held_out["rows"] if held_out else 0,
        "labels": list(run.label_names),
        "accuracy": held_out["accuracy"] if held_out else None,
        "model": manifest["model"],
        "recipe": manifest["recipe"],
        "steps": manifest["steps"],
        "checkpoints": manifest["checkpoints"],
        "final": manifest["final"],
        "source": manifest["source"],
        "notes": notes,
    }


def describe_index(index: IndexFolder) -> dict[str, Any]:
    """Return what `wordtrace info` says of an index."""
    manifest = index.manifest
    size = sum(shard.bytes for shard in manifest.shards)
    size += sum(int(entry["bytes"]) for entry in manifest.files.values())
    return {
        "format": "wordtrace-index-info",
        "version": 1,
        "name": str(index.path),
        "run": str((index.path / manifest.run).resolve()),
        "examples": manifest.examples,
        "top_k": manifest.top_k,
        "dtype": manifest.dtype,
        "dim": manifest.dim,
        "weighting": manifest.weighting,
        "checkpoints": [
            {"step": source.step, "eta": source.eta} for source in manifest.checkpoints
        ],
        "shards": len(manifest.shards),
        "postings": sum(shard.postings for shard in manifest.shards),
        "bytes": size,
        "bytes_per_example": size / max(manifest.examples, 1),
    }


def show_run(document: Mapping[str, Any], as_json: bool) -> None:
    """Print a run's description."""
    if as_json:
        _print_json(document)
        return
    accuracy = document["accuracy"]
    lines = [
        f"Run {document['name']}: {document['examples']:,} examples, "
        f"{len(document['labels'])} labels ({', '.join(document['labels'])})",
        f"  {document['steps']:,} steps; held-out accuracy "
        + (f"{accuracy:.3f} on {document['held_out']:,}" if accuracy is not None else "not taken"),
        "  checkpoints: "
        + ", ".join(
            f"step {one['step']} (rate {one['learning_rate']:g}, loss {one['loss']:.3f})"
            for one in document["checkpoints"]
        )
        + f"; final: step {document['final']['step']} (loss {document['final']['loss']:.3f})",
        *(f"  note: {note}" for note in document["notes"]),
    ]
    _print_lines(lines)


def show_index(document: Mapping[str, Any], as_json: bool) -> None:
    """Print an index's description."""
    if as_json:
        _print_json(document)
        return
    kept = document["top_k"]
    _print_lines(
        [
            f"Index {document['name']}: {document['examples']:,} examples, "
            f"{document['postings']:,} postings "
            f"({'all positions' if kept is None else f'top {kept} positions'}), "
            f"{document['bytes'] / 1e6:,.1f} MB, {document['bytes_per_example']:,.0f} bytes an "
            "example",
            "  checkpoints: "
            + ", ".join(f"step {one['step']} (η {one['eta']:g})" for one in document["checkpoints"])
            + f"; {document['dtype']}, dimension {document['dim']}, {document['shards']} shards",
            f"  run: {document['run']}",
        ]
    )


def _print_json(document: Mapping[str, Any]) -> None:
    json.dump(document, sys.stdout, ensure_ascii=False, allow_nan=False, indent=1)
    sys.stdout.write("\n")


def _print_lines(lines: list[str]) -> None:
    from wordtrace.report.text import clean

    sys.stdout.write("\n".join(clean(line) for line in lines) + "\n")

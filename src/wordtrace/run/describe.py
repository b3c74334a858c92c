"""The description of a run, as a JSON document."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from wordtrace.run.choose import LEAST
from wordtrace.run.run import Run

#: The file of the training rows.
TRAIN = "train.parquet"


def _weights(run: Run) -> str | None:
    """Return the fingerprint of the final model's weights."""
    folder = f"{run.final.folder}/"
    return next(
        (
            digest
            for name, digest in sorted(run.manifest.files.items())
            if name.startswith(folder) and name.endswith(".safetensors")
        ),
        None,
    )


def describe_run(run: Run) -> dict[str, Any]:
    """Return what `wordtrace info` says about a run."""
    manifest = run.manifest
    held_out, train = manifest.held_out, manifest.train
    notes = list(manifest.notes or ())
    if train.truncated:
        notes.append(
            f"{train.truncated:,} of {train.rows:,} texts are longer than "
            f"{manifest.max_length} tokens and were cut."
        )
    if count := train.contradictions:
        notes.append(
            f"{count} {'text occurs' if count == 1 else 'texts occur'} more than once with "
            "different labels."
        )
    weights = run.weighting.etas
    for checkpoint, weight in zip(run.weighting.checkpoints, weights, strict=True):
        if weight < LEAST * sum(weights):
            notes.append(
                f"The checkpoint at step {checkpoint.step} weighs under 1 % of the sum, since the "
                "learning rates that led to it are small."
            )
    return {
        "format": "wordtrace-run",
        "version": 1,
        "name": str(run.path),
        "examples": train.rows,
        "held_out": held_out.rows if held_out else 0,
        "labels": list(run.label_names),
        "accuracy": held_out.accuracy if held_out else None,
        "model": manifest.model.document(),
        "recipe": None if manifest.recipe is None else manifest.recipe.document(),
        "steps": manifest.steps,
        "checkpoints": [one.document() for one in manifest.checkpoints],
        "final": manifest.final.document(),
        "source": manifest.source,
        "fingerprint": run.fingerprint,
        "data": manifest.files.get(TRAIN),
        "weights": _weights(run),
        **({} if manifest.proof is None else {"proof": asdict(manifest.proof)}),
        "notes": notes,
    }

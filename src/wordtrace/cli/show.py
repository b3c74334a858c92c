"""Runs and indexes for people, or as JSON."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any

from wordtrace.cli.output import print_json


def show_run(document: Mapping[str, Any], as_json: bool) -> None:
    """Print a run's description."""
    if as_json:
        print_json(document)
        return
    accuracy = document["accuracy"]
    lines = [
        f"Run {document['name']}: {document['examples']:,} examples, " + _labels(document),
        f"  {document['steps']:,} steps; held-out accuracy "
        + (f"{accuracy:.3f} on {document['held_out']:,}" if accuracy is not None else "not taken"),
        "  checkpoints: "
        + ", ".join(
            f"step {one['step']} (rate {one['learning_rate']:g}, loss {one['loss']:.3f})"
            for one in document["checkpoints"]
        )
        + f"; final: step {document['final']['step']} (loss {document['final']['loss']:.3f})",
        *([f"  proof of reading: {document['proof']['sentence']}"] if "proof" in document else []),
        *(f"  note: {note}" for note in document["notes"]),
        *_kept(document.get("retrained") or {}),
    ]
    _print_lines(lines)


def _kept(retrained: Mapping[str, Any]) -> list[str]:
    if not retrained.get("models"):
        return []
    count, size = retrained["models"], retrained["bytes"] / 1e6
    are = "model is" if count == 1 else "models are"
    return [f"  {count:,} retrained {are} kept in its folder retrained/, {size:,.1f} MB"]


def _labels(document: Mapping[str, Any]) -> str:
    labels, task = document["labels"], document["model"].get("task")
    if task == "regression":
        return "labels are numbers"
    if task == "generation":
        return "of a language model"
    some = ", several a text" if task == "multi-label" else ""
    return f"{len(labels)} labels ({', '.join(labels)}){some}"


def show_index(document: Mapping[str, Any], as_json: bool) -> None:
    """Print an index's description."""
    if as_json:
        print_json(document)
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
            + ", ".join(map(_checkpoint, document["checkpoints"]))
            + (", by Adam's step sizes" if document["weighting"] == "adam" else "")
            + f"; {_stored(document)}, dimension {_dimension(document)}, "
            f"{document['shards']} shards",
            *([f"  {_fidelity(document['fidelity'])}"] if document["fidelity"] else []),
            *(
                [
                    f"  holds {_parts(document['parts'])}; {document['removed']:,} removed "
                    "(dropped by `wordtrace index-merge`)"
                ]
                if document["removed"] or len(document["parts"]) > 1
                else []
            ),
            f"  run: {document['run']}",
            *_further(document.get("with_runs") or []),
        ]
    )


def _checkpoint(document: Mapping[str, Any]) -> str:
    of = f" of {document['run']}" if "run" in document else ""
    return f"step {document['step']}{of} (η {document['eta']:g})"


def _further(runs: Sequence[str]) -> list[str]:
    if not runs:
        return []
    return [f"  scores are means over {len(runs) + 1} trainings, with: {', '.join(runs)}"]


def show_estimate(document: Mapping[str, Any], as_json: bool) -> None:
    """Print what an index will cost."""
    if as_json:
        print_json(document)
        return
    workers = document["workers"]
    _print_lines(
        [
            f"{document['examples']:,} examples at {document['checkpoints']} checkpoints, from a "
            f"sample of {document['sampled']:,}; nothing was built:",
            f"  time    about {_duration(document['seconds'])} on {workers} "
            f"worker{'s' if workers > 1 else ''} "
            f"({document['examples_per_second_a_worker']:,.0f} gradients/s each)",
            f"  memory  about {document['memory_bytes_a_worker'] / 1e6:,.0f} MB a worker",
            f"  disk    about {document['bytes'] / 1e6:,.1f} MB "
            f"({document['bytes_per_example']:,.0f} bytes an example)",
            *([f"  {_fidelity(document['fidelity'])}"] if document["fidelity"] else []),
        ]
    )


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes < 120 else f"{minutes / 60:.1f} h"


def _stored(document: Mapping[str, Any]) -> str:
    computed = document["precision"]
    return f"{document['dtype']}" + ("" if computed == "float32" else f" (computed in {computed})")


def _dimension(document: Mapping[str, Any]) -> str:
    shape = document["projection"]
    return f"{document['dim']}" + (f" → {shape['dim']} ({shape['kind']})" if shape else "")


def _fidelity(found: Mapping[str, Any]) -> str:
    return (
        f"fidelity: {found['overlap']:.1%} of the exact top {found['top']} are listed, rank "
        f"correlation {found['spearman']:.3f} ({found['queries']} queries, "
        f"{found['rows']:,} examples)"
    )


def show_calibration(document: Mapping[str, Any]) -> None:
    """Print what each k costs and keeps."""
    lines = [
        f"Against TracIn-WE over all positions, exact ({document['rows'][0]['queries']} queries, "
        f"{document['rows'][0]['rows']:,} examples), stored as {document['dtype']}"
        + (
            f" in {document['project']} dimensions ({document['projection']}):"
            if document["project"]
            else ":"
        ),
        "  top-k   bytes/example   top 20 listed   rank correlation",
    ]
    for row in document["rows"]:
        name = "all" if row["top_k"] is None else str(row["top_k"])
        lines.append(
            f"  {name:>5}   {row['bytes_per_example']:>13,.0f}   {row['overlap']:>13.1%}   "
            f"{row['spearman']:>16.3f}"
        )
    _print_lines(lines)


def _parts(parts: Sequence[Mapping[str, Any]]) -> str:
    return ", ".join(f"{part['examples']:,} of {part['source']}" for part in parts)


def _print_lines(lines: list[str]) -> None:
    from wordtrace.report.text import clean

    sys.stdout.write("\n".join(clean(line) for line in lines) + "\n")

"""``python -m benchmarks [--json] [SECTION …]``: each section in a process of its own."""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import warnings
from functools import partial
from pathlib import Path
from typing import Any

SIZES = (10_000, 100_000, 1_000_000)
SCALE = tuple(f"scale-{size}" for size in SIZES)
SECTIONS = (
    "index",
    "query",
    "trace",
    "captum",
    "dattri_llm",
    "measures",
    "faiss",
)
#: Run only where they are named: each takes minutes.
LONG = (
    *("dattri", "mislabels", "repair", "retrain", "hf", "adam", "movement", "collect"),
    *("agreement", "pretrained", "rows"),
    *("estimate", "precision", "gpu", "sequential", "draws", "server", "explorer"),
    *SCALE,
)
OUT = Path(__file__).parent / "out"


def section(name: str) -> list[dict[str, Any]]:
    """Run one section in this process."""
    from benchmarks import (
        adam,
        agreement,
        collect,
        draws,
        estimate,
        explorer,
        gpu,
        hf,
        index,
        measures,
        mislabels,
        movement,
        precision,
        pretrained,
        query,
        repair,
        retrain,
        rows,
        scale,
        sequential,
        server,
        weights,
    )
    from benchmarks.measure import peak_megabytes
    from benchmarks.peers import faiss

    warnings.filterwarnings("ignore")
    OUT.mkdir(exist_ok=True)
    of_folder = (
        *(index, query, measures, hf, adam, movement, collect, estimate, precision, gpu, faiss),
        *(agreement, pretrained, rows, server, explorer),
    )
    by_name = {one.__name__.rpartition(".")[2]: partial(one.measure, OUT) for one in of_folder} | {
        "mislabels": mislabels.measure,
        "repair": repair.measure,
        "retrain": retrain.measure,
        "sequential": sequential.measure,
        "draws": draws.measure,
        "dattri": partial(measures.measure_dattri, OUT),
        "trace": lambda: [query.trace(OUT)],
    }
    if name.startswith("scale-compressed-"):
        rows = scale.measure_compressed(OUT, int(name.removeprefix("scale-compressed-")))
    elif name.startswith("weights-"):
        rows = weights.measure(OUT, int(name.removeprefix("weights-")))
    elif name.startswith("scale-"):
        rows = scale.measure(OUT, int(name.removeprefix("scale-")))
    else:
        rows = by_name.get(name, lambda: [query.peer(OUT, name)])()
    return [{**row, "peak_megabytes": round(peak_megabytes())} for row in rows]


def main() -> None:
    """Print one table, or one JSON document."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "sections",
        nargs="*",
        help=f"of {', '.join((*SECTIONS, *LONG))}; 'scale' is all its sizes; scale-N, weights-N",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(section(arguments.one)))
        return
    from benchmarks import corpus
    from benchmarks.scale import exponent as scale_exponent

    OUT.mkdir(exist_ok=True)
    # Some need no run.
    if not set(arguments.sections or SECTIONS) <= {"sequential", "draws", "rows"}:
        corpus.trained(OUT, 10_000)
    environment = {**os.environ, "WORDTRACE_PROGRESS": "0"}
    rows: list[dict[str, Any]] = []
    wanted = [
        name
        for given in arguments.sections or SECTIONS
        for name in (SCALE if given == "scale" else [given])
    ]
    for name in wanted:
        if (
            name not in (*SECTIONS, *LONG)
            and not name.removeprefix("weights-")
            .removeprefix("scale-")
            .removeprefix("compressed-")
            .isdecimal()
        ):
            parser.error(f"there is no section {name!r}")
        print(f"{name} …", file=sys.stderr)
        command = [sys.executable, "-m", "benchmarks", "--one", name]
        done = subprocess.run(command, capture_output=True, text=True, env=environment)
        if done.returncode:
            sys.exit(f"{name} failed, no figure:\n{done.stderr}")
        rows += json.loads(done.stdout.splitlines()[-1])
    if sum(name in SCALE for name in wanted) > 1:
        for what in ("top 20 both ways", "trace of one text with words, "):
            rows.append(scale_exponent(rows, what))
    document = {
        "machine": {
            "processor": platform.processor() or platform.machine(),
            "cores": os.cpu_count(),
        },
        "data": "BBC News paragraphs, 10,000, at most 64 tokens; the paper's CNN, dimension 128",
        "rows": rows,
    }
    if arguments.json:
        print(json.dumps(document, indent=1))
    else:
        show(document)


def show(document: dict[str, Any]) -> None:
    """Print a table."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title=document["data"], box=None, title_justify="left")
    for name in (
        "what",
        "seconds",
        "s a pair",
        "ratio (low–high)",
        "over",
        "bytes/ex.",
        "peak MB",
        "found",
    ):
        table.add_column(name, justify="left" if name in ("what", "over", "found") else "right")
    for row in document["rows"]:
        ratio = row.get("ratio")
        spread = ratio and f"{ratio['median']:.3g} ({ratio['low']:.3g}–{ratio['high']:.3g})"
        table.add_row(
            row["what"],
            f"{row['seconds']:.4f}" if "seconds" in row else "",
            f"{row['seconds_a_pair']:.2e}" if "seconds_a_pair" in row else "",
            spread or "",
            row.get("over", ""),
            f"{row['bytes_an_example']:,.0f}" if "bytes_an_example" in row else "",
            str(row["peak_megabytes"]),
            row.get("found", ""),
        )
    Console(width=190).print(table)


main()

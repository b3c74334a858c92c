"""A command line of each command that is right, and which values of its options mean something."""

from __future__ import annotations

import json
import math

import wordtrace as wt
from torture.world import COLUMNS, World

#: How the columns of a file of queries are named.
_QUERIES = ("--queries", "queries.csv", "--text-column", "body", "--label-column", "topic")
_FEW = ("--measures", "bm25", "--queries", "3", "--lds", "3", "--repeats", "1")

#: What is asked.
TEXT = "bank market goal"
LINES: dict[str, tuple[str, ...]] = {
    "demo": ("demo", "--out", "{out}/demo"),
    "train": (
        *("train", "data.csv", *COLUMNS, "--out", "{out}/run", "--epochs", "1", "--json"),
        *("--batch-size", "16", "--dim", "4", "--vocabulary", "60", "--checkpoints", "1"),
    ),
    # There is no training of another library here: what is refused is refused before it is read.
    "record": ("record", "run", "--data", "data.csv", *COLUMNS, "--out", "{out}/run"),
    "index": ("index", "run", "--out", "{out}/index", "--workers", "1", "--json"),
    "trace": ("trace", "run/index", TEXT, "--top", "3", "--json"),
    "app": ("app", "run/index", "--port", "0", "--no-browser"),
    "serve": ("serve", "run/index", "--port", "0"),
    "mcp": ("mcp", "run/index"),
    "rows": ("rows", "run/index", "--json"),
    "scores": ("scores", "run", *_QUERIES, "--out", "{out}/scores.csv"),
    "words": ("words", "run", TEXT, "--json"),
    "neighbours": ("neighbours", "run/index", "--out", "{out}/near.parquet"),
    "report": ("report", "trace.json", "--out", "{out}/page.html"),
    "mislabels": ("mislabels", "run/index", "--top", "3", "--json"),
    "review": ("review", "run/index", "--json"),
    "clusters": ("clusters", "run", "--trainings", "2", "--workers", "1", "--dry-run", "--json"),
    "duplicates": ("duplicates", "run/index", "--top", "3", "--json"),
    "outliers": ("outliers", "run/index", "--top", "3", "--json"),
    "fix": (
        *("fix", "run/index", "--queries", "wrong.csv", *COLUMNS, "--k", "2"),
        *("--repeats", "2", "--workers", "1", "--dry-run", "--json"),
    ),
    "apply": ("apply", "patch.jsonl", "data.csv", *COLUMNS, "--out", "{out}/new.csv", "--json"),
    "verify": (
        *("verify", "trace.json", "--k", "2", "--repeats", "2", "--workers", "1", "--dry-run"),
        "--json",
    ),
    "measures": ("measures", "--json"),
    "evaluate": ("evaluate", "run", *_FEW, "--workers", "1", "--dry-run", "--json"),
    "overlap": (
        "overlap",
        "run",
        *_QUERIES,
        "--measures",
        "bm25,similarity",
        "--top",
        "5",
        "--json",
    ),
    "cancellation": ("cancellation", "run", "--limit", "6", "--json"),
    "info": ("info", "run", "--json"),
    "check": ("check", "run"),
    "index-add": ("index-add", "run/index", "more.csv", *COLUMNS, "--workers", "1", "--json"),
    "index-remove": ("index-remove", "run/index", "--ids", "ids.txt", "--json"),
    "index-merge": ("index-merge", "run/index", "--json"),
}

#: These change what they are given, and get a copy.
CHANGES = frozenset({"review", "index-add", "index-remove", "index-merge"})

#: Base lines that end without a right answer, since what they need is not there.
REFUSED = frozenset({"record"})

#: What an option needs beside it to mean anything.
BESIDE: dict[tuple[str, str], tuple[str, ...]] = {
    ("evaluate", "k_queries"): ("--k", "2", "--repeats", "2"),
    ("evaluate", "max_repeats"): ("--k", "2", "--repeats", "2", "--width", "0.5"),
    ("evaluate", "width"): ("--k", "2", "--repeats", "2"),
    ("evaluate", "signs"): ("--k", "2", "--repeats", "2"),
    ("evaluate", "k"): ("--repeats", "2"),
    ("trace", "limit"): ("--queries", "queries.csv", "--text-column", "body"),
    ("trace", "seed"): ("--measure", "random"),
    ("trace", "synonym_cosine"): ("--measure", "tracin-we-syn"),
    ("trace", "frequent"): ("--measure", "tracin-we-noc"),
    ("trace", "l2"): ("--measure", "representer"),
    ("trace", "damping"): ("--measure", "influence-last"),
    ("trace", "damping_times"): ("--measure", "influence-last"),
    ("mislabels", "action"): ("--patch", "{out}/patch.jsonl"),
    ("duplicates", "action"): ("--patch", "{out}/patch.jsonl"),
    ("index", "projection"): ("--project", "4"),
    **{(one, "tail_rate"): ("--tail-patch", "2") for one in ("verify", "fix", "evaluate")},
}

_LEAST_SEED = (0, math.inf)
_COUNT = (1, math.inf)
#: The numbers that mean something, ends included; (command, option) before the option alone.
RANGES: dict[str | tuple[str, str], tuple[float, float]] = {
    "seed": _LEAST_SEED,
    "offset": (0, math.inf),
    ("duplicates", "top"): (0, math.inf),
    "port": (0, 65535),
    "eval_fraction": (0, 1),
    "label_smoothing": (0, 1),
    "momentum": (0, 1),
    "threshold": (0, 2),
    ("duplicates", "threshold"): (0, 1),
    "wrong": (0, 1),
    "weight_decay": (0, 1e300),
    "damping": (0, 1e300),
    "damping_times": (0, 1e300),
    "frequent": (0, 1),
    "synonym_cosine": (-1, 1),
    "overlap": (1e-9, 1),
    "query": (0, 0),
    "trainings": (0, math.inf),
    "lds": (0, math.inf),
    "from_checkpoint": (0, math.inf),
    "listed": (0, math.inf),
    ("verify", "k"): (1, 47),
    ("verify", "repeats"): (2, math.inf),
    ("fix", "repeats"): (2, math.inf),
    ("demo", "repeats"): (2, math.inf),
    ("cancellation", "limit"): (2, math.inf),
    ("rows", "limit"): (0, math.inf),  # how many there are, and none of them
    "vocabulary": (10, math.inf),
    "gpus": (0, math.inf),
    "loss_from": (-1e300, 1e300),
    "loss_to": (-1e300, 1e300),
    "suspicion_from": (-1e300, 1e300),
    "suspicion_to": (-1e300, 1e300),
}


def range_of(command: str, name: str, kind: type) -> tuple[float, float]:
    """Return the least and greatest value of an option that mean something."""
    usual = _COUNT if kind is int else (1e-300, 1e300)
    return RANGES.get((command, name), RANGES.get(name, usual))


#: A file of examples that no line needs.
OTHER = "other.csv"


def prepare(world: World) -> None:
    """Write into the world what the lines need beside run and index."""
    index = wt.Index.open(world.index)
    index.trace(TEXT, top=3).save(world.folder / "trace.json")
    index.mislabels(top=2).patch("remove").write(world.folder / "patch.jsonl")
    rows = index.rows(limit=1).rows
    text = rows[0].text
    others = [name for name in index.run.label_names if name != rows[0].predicted]
    lines = ["key,body,topic", *(f"w{place},{text},{name}" for place, name in enumerate(others))]
    (world.folder / "wrong.csv").write_text("\n".join(lines) + "\n")
    (world.folder / "ids.txt").write_text(f"{index.ids[0]}\n")
    # A place that is there already: a line may write to it, as it is told to.
    (world.folder / OTHER).write_bytes((world.folder / "data.csv").read_bytes())
    (world.folder / "junk.bin").write_bytes(bytes(range(1, 256)))
    (world.folder / "junk.json").write_text(json.dumps([1, {"a": None}]))
    (world.folder / "empty").write_bytes(b"")
    unreadable = world.folder / "unreadable"
    unreadable.write_text("x")
    unreadable.chmod(0)

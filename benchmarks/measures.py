"""The other measures: closed forms against their floor, and against peers end to end."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from benchmarks import corpus
from benchmarks.measure import in_turn, middle, ratio
from benchmarks.peers import captum, dattri
from wordtrace import api
from wordtrace.asking.asker import Asker
from wordtrace.measures.names import measure as named
from wordtrace.measures.options import Options
from wordtrace.measures.protocol import Queries
from wordtrace.measures.tracin_last import add_products
from wordtrace.run.run import Run

DAMPING = 0.01


def measure(folder: Path) -> list[dict[str, Any]]:
    """Each comparison on the same model and texts, equal results asserted first."""
    run = corpus.trained(folder, 10_000)
    return [
        *closed_form(),
        all_layers(run),
        influence_function(run, "Captum NaiveInfluenceFunction", captum.influence_last, 512, 3),
        *growth(run),
    ]


def measure_dattri(folder: Path) -> list[dict[str, Any]]:
    """In a section of its own: it takes gigabytes."""
    run = corpus.trained(folder, 10_000)
    return [influence_function(run, "dattri IFAttributorExplicit", dattri.influence_last, 256, 1)]


def closed_form(
    examples: int = 50_000, queries: int = 40, classes: int = 5
) -> list[dict[str, Any]]:
    """tracin-last from a and δ, over the matrix product a′ aᵀ alone."""
    found = []
    for features in (10, 128, 768):
        generator = np.random.default_rng(0)
        held, asked = (
            (
                generator.standard_normal((count, features), dtype=np.float32),
                generator.standard_normal((count, classes), dtype=np.float32),
            )
            for count in (examples, queries)
        )
        scores = np.zeros((queries, examples), np.float32)
        add_products(scores, asked, held, 0.5, bias=False)
        right = 0.5 * (asked[0] @ held[0].T) * (asked[1] @ held[1].T)
        np.testing.assert_allclose(scores, right, rtol=1e-3, atol=1e-3)
        seconds = in_turn(
            {
                "ours": lambda s=scores, q=asked, h=held: add_products(s, q, h, 0.5, bias=False),
                "floor": lambda q=asked, h=held: q[0] @ h[0].T,
            },
            15,
        )
        found.append(
            {
                "what": f"tracin-last from a and δ, {features} features, {queries} queries",
                "examples": examples,
                "seconds": middle(seconds["ours"]),
                "seconds_a_pair": middle(seconds["ours"]) / (examples * queries),
                "over": "the matrix product a′ aᵀ alone",
                "ratio": ratio(seconds["ours"], seconds["floor"]),
            }
        )
    return found


def all_layers(run: Run, count: int = 512, asked: int = 8) -> dict[str, Any]:
    """tracin-all+bias, against Captum's TracInCP over all layers."""
    rows = np.arange(count)
    part, queries = _part(run, rows, [run.checkpoints[0]]), _queries(run, asked)
    return _against(
        f"Captum TracInCP on all layers, {count} × {asked}, end to end",
        lambda: captum.tracin(run, rows, queries, run.checkpoints[0], None),
        lambda: named("tracin-all+bias").score(part, queries),
        count,
    )


def influence_function(
    run: Run, name: str, theirs: Any, count: int, repeats: int, asked: int = 8
) -> dict[str, Any]:
    """influence-last+bias, against a peer's."""
    rows = np.arange(count)
    part, queries = _part(run, rows, run.checkpoints), _queries(run, asked)
    ours = named("influence-last+bias", Options(damping=DAMPING))
    return _against(
        f"{name} on the last layer, {count} × {asked}, end to end",
        lambda: theirs(run, rows, queries, DAMPING),
        lambda: ours.score(part, queries),
        count,
        repeats,
    )


def growth(run: Run) -> list[dict[str, Any]]:
    """How many times the time twice the examples, the queries or the checkpoints take."""
    found = []
    for name in ("tracin-we-topk", "tracin-last", "tracin-all", "influence-last"):
        row: dict[str, Any] = {
            "what": f"{name}: time at twice the examples | queries | checkpoints"
        }
        base = (5000, 20, 1)
        ratios = []
        for axis in range(3):
            double = tuple(size * 2 if place == axis else size for place, size in enumerate(base))
            things = {}
            for label, (count, asked, points) in (("base", base), ("double", double)):
                part = _part(run, np.arange(count), run.checkpoints[:points])
                things[label] = partial(named(name).score, part, _queries(run, asked))
            seconds = in_turn(things, 3)
            ratios.append(middle(seconds["double"]) / middle(seconds["base"]))
            row["seconds"] = middle(seconds["base"])
        row["over"] = " | ".join(f"{one:.2f}" for one in ratios)
        row["growth"] = dict(zip(("examples", "queries", "checkpoints"), ratios, strict=True))
        found.append(row)
    return found


def _against(what: str, theirs: Any, ours: Any, count: int, repeats: int = 3) -> dict[str, Any]:
    right, mine = theirs(), ours()
    np.testing.assert_allclose(mine, right, rtol=5e-3, atol=1e-3 * np.abs(right).max())
    seconds = in_turn({"theirs": theirs, "ours": ours}, repeats, warm=False)
    return {
        "what": what,
        "examples": count,
        "seconds": middle(seconds["theirs"]),
        "over": f"ours ({middle(seconds['ours']):.3f} s)",
        "ratio": ratio(seconds["theirs"], seconds["ours"]),
    }


def _queries(run: Run, count: int) -> Queries:
    return Asker(run).queries(corpus.queries(count))


def _part(run: Run, rows: np.ndarray, checkpoints: list[Any]) -> Any:
    """The run on some of its training rows and checkpoints."""
    return SimpleNamespace(
        train=api.Examples.of(
            [run.train.texts[row] for row in rows], run.train.labels[rows], run.label_names
        ),
        encoded=run.encoded.take(rows),
        checkpoints=checkpoints,
        final=run.final,
        model=run.model,
        tokenizer=run.tokenizer,
        label_names=run.label_names,
        manifest=run.manifest,
    )

"""The scaling plot of the docs: ``python -m benchmarks.plot RESULTS.json… OUT.svg``.

Results are what ``python -m benchmarks --json scale …`` prints.
"""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from typing import Any

_SERIES = (
    ("trace of one text with words", "trace, words included", "#b45309"),
    ("top 20 both ways, int8", "scores, int8 in 24 dimensions", "#0f766e"),
    ("top 20 both ways, ", "scores, float16", "#1d4ed8"),
    ("open, ", "open", "#6b7280"),
)
_WIDTH, _HEIGHT, _LEFT, _BOTTOM, _TOP, _RIGHT = 640, 360, 62, 44, 14, 200


def svg(rows: list[dict[str, Any]]) -> str:
    """Draw seconds against examples, both logarithmic."""
    series: dict[str, list[tuple[float, float]]] = {}
    for row in rows:
        for start, name, _ in _SERIES:
            if row["what"].startswith(start) and "seconds" in row:
                series.setdefault(name, []).append((row["examples"], row["seconds"] * 1000))
                break
    points = [point for line in series.values() for point in line]
    x0, x1 = (f(math.log10(x) for x, _ in points) for f in (min, max))
    y0 = math.floor(min(math.log10(y) for _, y in points))
    y1 = math.ceil(max(math.log10(y) for _, y in points))

    def place(x: float, y: float) -> tuple[float, float]:
        across = (math.log10(x) - x0) / (x1 - x0) * (_WIDTH - _LEFT - _RIGHT)
        up = (math.log10(y) - y0) / (y1 - y0) * (_HEIGHT - _BOTTOM - _TOP)
        return _LEFT + across, _HEIGHT - _BOTTOM - up

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
        'font-family="sans-serif" font-size="12" role="img" '
        'aria-label="Time of a query against the number of examples, both logarithmic">',
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#ffffff"/>',
    ]
    for power in range(math.floor(x0), math.ceil(x1) + 1):
        if x0 <= power <= x1:
            x, bottom = place(10**power, 10**y0)
            parts.append(
                f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{bottom:.1f}" stroke="#e5e7eb"/>'
                f'<text x="{x:.1f}" y="{bottom + 18:.1f}" text-anchor="middle">{10**power:,}</text>'
            )
    for power in range(y0, y1 + 1):
        x, y = place(10**x0, 10**power)
        parts.append(
            f'<line x1="{x:.1f}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}" '
            'stroke="#e5e7eb"/>'
            f'<text x="{x - 6:.1f}" y="{y + 4:.1f}" text-anchor="end">{10.0**power:,g} ms</text>'
        )
    parts.append(
        f'<text x="{(_LEFT + _WIDTH - _RIGHT) / 2}" y="{_HEIGHT - 8}" text-anchor="middle">'
        "examples</text>"
    )
    for _, name, colour in _SERIES:
        line = sorted(series.get(name, []))
        if not line:
            continue
        spots = [place(x, y) for x, y in line]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in spots)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in spots]
        x, y = spots[-1]
        parts.append(f'<text x="{x + 8:.1f}" y="{y + 4:.1f}" fill="{colour}">{name}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def main() -> None:
    """Read results, write the picture."""
    *results, out = sys.argv[1:]
    rows = [row for name in results for row in json.loads(Path(name).read_text())["rows"]]
    Path(out).write_text(svg(rows), encoding="utf-8")


main()

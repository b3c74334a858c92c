"""Draws the house: every room (package) with its files, and which room imports from which.

``make rooms`` writes ``docs/pictures/rooms.svg`` from the import graph of the code as it stands and
from the order of the layers in ``pyproject.toml``. In the table on the right a row is a room and a
dot in a column means that it imports from that room, the larger the more. Where imports point one
way all dots lie to the right of the diagonal; one that does not is red.
"""

from __future__ import annotations

import sys
import tomllib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

import grimp

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "wordtrace"
PICTURE = ROOT / "docs" / "pictures" / "rooms.svg"
NAME_WIDTH, ROW, GAP, CELL, PLAN = 104, 52, 4, 30, 860


@dataclass(frozen=True)
class Room:
    """A package, or a module that stands alone.

    Attributes
    ----------
    files
        (name, lines) of each file, by name.
    """

    name: str
    files: tuple[tuple[str, int], ...]

    @property
    def lines(self) -> int:
        """Lines of all its files."""
        return sum(lines for _, lines in self.files)


def rooms() -> list[Room]:
    """Return the rooms in the order of the layers, the highest first."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    (contract,) = (
        one for one in settings["tool"]["importlinter"]["contracts"] if one["type"] == "layers"
    )
    names = [
        name.strip().removeprefix("wordtrace.")
        for layer in contract["layers"]
        for name in layer.replace("|", ":").split(":")
    ]
    return [Room(name, _files(name)) for name in names]


def _files(name: str) -> tuple[tuple[str, int], ...]:
    folder = SOURCE / name
    paths = sorted(folder.glob("**/*.py")) if folder.is_dir() else [folder.with_suffix(".py")]
    counted = [(path.stem, len(path.read_text(encoding="utf-8").splitlines())) for path in paths]
    return tuple((stem, lines) for stem, lines in counted if stem != "__init__")


def arrows() -> Counter[tuple[str, str]]:
    """Count the imports from room to room: (importer, imported) → how many pairs of files."""
    graph = grimp.build_graph("wordtrace", exclude_type_checking_imports=True)
    found: Counter[tuple[str, str]] = Counter()
    for importer in graph.modules:
        for imported in graph.find_modules_directly_imported_by(importer):
            ends = [_room_of(module) for module in (importer, imported)]
            if all(ends) and ends[0] != ends[1]:
                found[ends[0], ends[1]] += 1
    return found


def _room_of(module: str) -> str:
    """Return the room of a module; the package's own face, which only hands names on, has none."""
    parts = module.split(".")
    return "" if len(parts) < 2 or parts[1] == "__main__" else parts[1]


def draw(house: list[Room], counted: Counter[tuple[str, str]]) -> str:
    """Return the picture as SVG."""
    scale = (PLAN - 2) / max(room.lines for room in house)
    left = NAME_WIDTH + PLAN + 24
    place = {room.name: number for number, room in enumerate(house)}
    top, width = 92, left + CELL * len(house) + 12
    height = top + (ROW + GAP) * len(house) + 12
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="11">',
        "<style>text{fill:#24292f}.file{fill:#dbe9f6;stroke:#fff}.dot{fill:#2b6cb0}"
        ".up{fill:#c0392b}.grid{fill:#f3f4f6}"
        "@media(prefers-color-scheme:dark){text{fill:#e6edf3}.file{fill:#27405c;stroke:#0d1117}"
        ".dot{fill:#6cb6ff}.grid{fill:#1c2128}}</style>",
    ]
    for name, number in place.items():
        x = left + CELL * number + CELL / 2
        parts.append(
            f'<text transform="translate({x + 4},{top - 8}) rotate(-60)">{escape(name)}</text>'
        )
    for room in house:
        y = top + (ROW + GAP) * place[room.name]
        parts.append(
            f'<text x="{NAME_WIDTH - 8}" y="{y + ROW / 2 + 4}" text-anchor="end" '
            f'font-weight="bold">{escape(room.name)}</text>'
        )
        parts += _plan(room, y, scale)
        parts.append(
            f'<rect class="grid" x="{left}" y="{y}" width="{CELL * len(house)}" height="{ROW}"/>'
        )
        for other in house:
            if count := counted[room.name, other.name]:
                upward = place[other.name] < place[room.name]
                x = left + CELL * place[other.name] + CELL / 2
                parts.append(
                    f'<circle class="{"up" if upward else "dot"}" cx="{x}" cy="{y + ROW / 2}" '
                    f'r="{min(2 + count**0.5, 12):.1f}"><title>{room.name} → {other.name}: '
                    f"{count}</title></circle>"
                )
    return "\n".join([*parts, "</svg>", ""])


def _plan(room: Room, y: float, scale: float) -> list[str]:
    """Return the files of a room as cells, as wide as they have lines."""
    parts, x = [], float(NAME_WIDTH)
    for name, lines in room.files:
        width = lines * scale
        parts.append(
            f'<rect class="file" x="{x:.1f}" y="{y}" width="{width:.1f}" height="{ROW}">'
            f"<title>{escape(name)}: {lines} lines</title></rect>"
        )
        if width > 5.2 * len(name):
            parts.append(
                f'<text x="{x + 3:.1f}" y="{y + ROW / 2 + 4}" font-size="9">{escape(name)}</text>'
            )
        elif width > 9:
            size = min(8.0, (ROW - 4) / (0.55 * len(name)))
            parts.append(
                f'<text font-size="{size:.1f}" transform="translate({x + width / 2 + 3:.1f},'
                f'{y + ROW - 3}) rotate(-90)">{escape(name)}</text>'
            )
        x += width
    return parts


if __name__ == "__main__":
    PICTURE.write_text(draw(rooms(), arrows()), encoding="utf-8")
    sys.stdout.write(f"{PICTURE.relative_to(ROOT)}\n")

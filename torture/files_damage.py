"""Ways to damage a file, each as new bytes or as something else in the file's place."""

from __future__ import annotations

import copy
import json
import os
import random
import shutil
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from wordtrace.disk import fingerprint

Kind = Literal["cut", "flipped", "of another run", "of a newer version", "lying", "replaced"]


@dataclass(frozen=True)
class Damage:
    """What is done to a file.

    Attributes
    ----------
    kind
        The kind of damage: a row of the table.
    what
        This damage, so exactly that it can be repeated.
    data
        The file's new bytes, as hexadecimal digits; None where something else takes its place.
    instead
        What takes its place: "nothing", "a folder", "a pipe", or a path that a link leads to.
    """

    kind: Kind
    what: str
    data: str | None = None
    instead: str = "nothing"

    def do(self, path: Path) -> None:
        """Damage the file."""
        path.unlink()
        if self.data is not None:
            path.write_bytes(bytes.fromhex(self.data))
        elif self.instead == "a folder":
            path.mkdir()
        elif self.instead == "a pipe":
            os.mkfifo(path)
        elif self.instead != "nothing":
            path.symlink_to(self.instead)


def heal(path: Path, data: bytes) -> None:
    """Put a file back in the place of whatever is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
    path.write_bytes(data)


def cuts(data: bytes) -> Iterator[Damage]:
    """Yield the file's beginnings of several lengths."""
    for left in sorted({0, 1, len(data) // 3, len(data) - 1} & set(range(len(data)))):
        yield Damage("cut", f"cut to {left} bytes", data[:left].hex())


def flips(data: bytes, count: int, generator: random.Random) -> Iterator[Damage]:
    """Yield the file with one bit flipped, or with some bytes lost, at random places."""
    for _ in range(count if data else 0):
        at, bit = generator.randrange(len(data)), generator.randrange(8)
        flipped = data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1 :]
        yield Damage("flipped", f"bit {bit} of byte {at} flipped", flipped.hex())
    if data:
        at, length = generator.randrange(len(data)), generator.randrange(1, 200)
        lost = data[:at] + bytes(len(data[at : at + length])) + data[at + length :]
        if lost != data:
            yield Damage("flipped", f"{length} bytes from {at} on are zeros", lost.hex())


def replacements() -> Iterator[Damage]:
    """Yield what may stand in a file's place."""
    for instead in ("nothing", "a folder", "a pipe"):
        yield Damage("replaced", f"{instead} in its place", instead=instead)
    for target in ("/dev/zero", "/usr", "nowhere"):
        yield Damage("replaced", f"a link to {target}", instead=target)


def of_json(document: dict[str, Any]) -> Iterator[Damage]:
    """Yield the document as a newer version writes it, with a checksum that is right."""
    for version in (99, "2", None):
        yield _document(document | {"version": version}, "of a newer version", f"{version!r}")
    yield _document(document | {"format": "else"}, "of a newer version", "another format")


def checked(document: dict[str, Any]) -> dict[str, Any]:
    """Return a document that has a checksum with one that is right."""
    if "checksum" not in document:
        return document
    rest = {key: one for key, one in document.items() if key != "checksum"}
    try:
        return {**rest, "checksum": fingerprint.of_document(rest)}
    except ValueError:  # a number that no document of ours holds
        return document


def of_tensors(data: bytes) -> Iterator[Damage]:
    """Yield a safetensors file whose header says what is not so."""
    (size,) = struct.unpack("<Q", data[:8])
    header, body = json.loads(data[8 : 8 + size]), data[8 + size :]
    names = [name for name in header if name != "__metadata__"]
    first, last = names[0], names[-1]
    shape, (start, end) = header[first]["shape"], header[first]["data_offsets"]
    lies: dict[str, dict[str, Any]] = {
        "a longer shape": {first: {**header[first], "shape": [2 * n + 1 for n in shape]}},
        "an endless shape": {first: {**header[first], "shape": [2**62, *shape]}},
        "offsets beyond the end": {last: {**header[last], "data_offsets": [start, end + 2**40]}},
        "another type": {first: {**header[first], "dtype": "F64"}},
        "a shape of nothing": {first: {**header[first], "shape": [0, *shape]}},
        "a shape that is no list": {first: {**header[first], "shape": None}},
    }
    for what, lie in lies.items():
        yield _tensors({**header, **lie}, body, what)
    yield _tensors({f"{name}.x": one for name, one in header.items()}, body, "other names")
    yield _tensors({}, b"", "no tensors")
    for told in (2**63, len(data) * 2, 0):
        lying = struct.pack("<Q", told) + data[8:]
        yield Damage("lying", f"a header of {told} bytes", lying.hex())


def _document(document: dict[str, Any], kind: Kind, what: str) -> Damage:
    return Damage(kind, what, json.dumps(checked(document)).encode().hex())


def _tensors(header: dict[str, Any], body: bytes, what: str) -> Damage:
    written = json.dumps(header).encode()
    written += b" " * (-len(written) % 8)
    return Damage("lying", what, (struct.pack("<Q", len(written)) + written + body).hex())


def places(document: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the way to each value in a document; of a list's entries that to the first."""
    if isinstance(document, dict):
        inner = list(document.items())
    else:
        inner = list(enumerate(document))[:1] if isinstance(document, list) else []
    for key, value in inner:
        yield (*above, key)
        yield from places(value, (*above, key))


def put(document: Any, place: tuple[Any, ...], value: Any) -> Any:
    """Return a copy of a document with another value at a place; ``...`` takes it away."""
    found = copy.deepcopy(document)
    inner = found
    for key in place[:-1]:
        inner = inner[key]
    if value is ...:
        del inner[place[-1]]
    else:
        inner[place[-1]] = value
    return found

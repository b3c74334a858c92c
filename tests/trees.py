"""The files of a folder, so that two folders can be compared and a difference be read."""

from __future__ import annotations

from hashlib import blake2b
from pathlib import Path

from safetensors.torch import load


def tree(folder: Path) -> dict[str, bytes]:
    """Return the bytes of each file by its path within the folder."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def contents(folder: Path) -> dict[str, str]:
    """Return a hash of each file, and of each array of a safetensors file beside its sum.

    Equal exactly where the bytes are, and where they are not a test's message stays short enough
    to tell which file, which array, and whether by more than rounding.
    """
    found: dict[str, str] = {}
    for name, data in tree(folder).items():
        found[name] = blake2b(data, digest_size=8).hexdigest()
        if name.endswith(".safetensors"):
            for key, array in load(data).items():
                of_array = blake2b(array.view(-1).contiguous().numpy().tobytes(), digest_size=8)
                found[f"{name}: {key}"] = f"{of_array.hexdigest()}, sum {array.double().sum():.17g}"
    return found

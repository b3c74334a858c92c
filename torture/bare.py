"""The command as it is where nothing but its own dependencies is installed.

``python bare.py ALLOWED FOLDER WORD …`` runs the command line of the wordtrace in FOLDER; of the
modules that other packages have installed it finds those that the JSON list ALLOWED names.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, distribution, packages_distributions
from typing import Any


def installed_alone() -> list[str]:
    """Return the modules of wordtrace's dependencies, and of theirs, without any extra."""
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    found: set[str] = set()
    waiting = [("wordtrace", frozenset[str]())]
    while waiting:
        name, extras = waiting.pop()
        try:
            requirements = distribution(name).requires or []
        except PackageNotFoundError:
            continue  # for another system
        if name not in found or extras:
            found.add(name)
            for one in map(Requirement, requirements):
                chosen = [{"extra": extra} for extra in ("", *extras)]
                if one.marker is None or any(map(one.marker.evaluate, chosen)):
                    target = canonicalize_name(one.name)
                    if target not in found or one.extras:
                        waiting.append((target, frozenset(one.extras)))
    named = packages_distributions()
    return [
        module
        for module, owners in named.items()
        if any(canonicalize_name(owner) in found for owner in owners)
    ]


class Hiding:
    """Finds what another finder finds, but for installed modules that are not allowed."""

    def __init__(self, finder: Any, allowed: Iterable[str]) -> None:
        self.finder = finder
        self.hidden = set(packages_distributions()) - set(allowed)

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        """Return None for what is hidden, as if it were not installed."""
        hidden = name.partition(".")[0] in self.hidden
        return None if hidden else self.finder.find_spec(name, path, target)


def main() -> None:
    """Run the command line."""
    allowed, folder, *words = sys.argv[1:]
    seen = [*json.loads(allowed), "wordtrace"]
    sys.meta_path[:] = [Hiding(finder, seen) for finder in sys.meta_path]
    sys.path.insert(0, folder)
    import wordtrace
    from wordtrace.cli.main import main as command

    assert (wordtrace.__file__ or "").startswith(folder), wordtrace.__file__
    sys.argv = ["wordtrace", *words]
    command()


if __name__ == "__main__":
    main()

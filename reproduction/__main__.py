"""``python -m reproduction [NAME …] --size SIZE``: the paper's tables and figures, one by one."""

from __future__ import annotations

import argparse
import importlib
import shlex
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import wordtrace as wt
from reproduction import record
from reproduction.data import Given
from reproduction.settings import SIZES

OUT = Path(__file__).parent / "out"


@dataclass(frozen=True)
class Script:
    """A script of this folder.

    Attributes
    ----------
    module
        Has `run(size, work, given, workers)`, which returns a Finding, and `costs(size)`, which
        returns how many models it trains and how many seconds all takes.
    paper
        What it is in the paper.
    """

    module: str
    paper: str

    def load(self) -> ModuleType:
        """Import it."""
        return importlib.import_module(f"reproduction.{self.module}")


#: Each script under the name that is typed; a module is imported when it is asked for.
SCRIPTS: dict[str, Script] = {
    "layers": Script("layers", "Table 1, sections 3.2 and 3.3: cancellation and deletion by layer"),
    "methods": Script("methods", "Tables 4 and 7, Figure 1: deletion by method"),
    "no-overlap": Script(
        "no_overlap", "Tables 4 (lower), 9 and 10, Figures 3 and 4: no shared words"
    ),
    "not-words": Script("not_words", "Table 2: gradients of *not*, of start and end tokens"),
    "decomposition": Script("decomposition", "Table 3: a pair's score by words"),
    "clusters": Script("clusters", "Tables 5 and 6: clusters of mistakes"),
    "examples": Script("examples", "Tables 8, 11 to 16: the strongest rows and their words"),
    "related": Script("related", "Tables 8, 11 to 16: what the strongest rows share, counted"),
    "overlap": Script("overlap", "appendix G: overlap with loss saliency and similarity"),
    "run-times": Script("run_times", "appendix D: what each measure costs"),
    "fixing": Script("fixing", "Figure 2, appendix L: wrong predictions set right"),
}


def listing() -> str:
    """Return each script with what it costs at each size."""
    lines = []
    for name, script in SCRIPTS.items():
        lines.append(f"{name}: {script.paper}")
        module = script.load()
        for size in SIZES:
            models, seconds = module.costs(size)
            lines.append(f"  {size:6} {models:>8,} models {seconds / 3600:>10,.2f} hours")
    lines.append(
        "Hours: models × the seconds of one that was measured (smoke, cpu), or scaled from there "
        "by rows, epochs and layers (gpu, paper); on one core or one GPU."
    )
    return "\n".join(lines)


def reproduce(
    name: str,
    size: str,
    out: Path,
    results: Path | None = None,
    given: Given | None = None,
    workers: int | None = None,
) -> list[Path]:
    """Run one script, write what it found, and return the files.

    Parameters
    ----------
    out
        Runs and models are kept in it and taken up by the next command.
    results
        A folder for the small files; by default one in `out`.
    """
    with _clock(out / size / f"{name}.seconds") as seconds:
        finding = SCRIPTS[name].load().run(size, out / size / "runs", given=given, workers=workers)
    return record.write(finding, results or out / size, _command(name, size, given), sum(seconds))


@contextmanager
def _clock(path: Path) -> Iterator[list[float]]:
    """Give the seconds of all commands so far: what was kept from an earlier one took its time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    before = path.read_text().split() if path.exists() else []
    seconds = [float(one) for one in before]
    start = time.perf_counter()
    try:
        yield seconds
    finally:
        seconds.append(time.perf_counter() - start)
        path.write_text("\n".join(map(str, seconds)))


def _command(name: str, size: str, given: Given | None) -> str:
    words = ["python", "-m", "reproduction", name, "--size", size]
    if given is not None:
        words += ["--data", Path(given.file).name, "--text", given.text, "--label", given.label]
        words += ["--text2", given.text2] if given.text2 else []
    return shlex.join(words)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the scripts that are named, all by default."""
    parser = argparse.ArgumentParser(prog="python -m reproduction", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(SCRIPTS))
    parser.add_argument("--size", choices=SIZES, default="smoke")
    parser.add_argument("--list", action="store_true", help="what each is, and what it costs")
    parser.add_argument("--out", type=Path, default=OUT, help="where runs and models are kept")
    parser.add_argument("--results", type=Path, help="where tables and figures go (in --out)")
    parser.add_argument("--data", help="a file of your own instead of each data set")
    parser.add_argument("--text", default="text")
    parser.add_argument("--text2")
    parser.add_argument("--label", default="label")
    parser.add_argument("--workers", type=int)
    asked = parser.parse_args(arguments)
    if asked.list:
        print(listing())
        return 0
    if unknown := [name for name in asked.names if name not in SCRIPTS]:
        parser.error(f"there is no {unknown[0]!r}; known: {', '.join(SCRIPTS)}")
    if find_spec("matplotlib") is None:
        parser.error("figures need matplotlib: pip install -e '.[demo,hf,plot]', or make reproduce")
    given = None
    if asked.data:
        given = Given(asked.data, asked.text, asked.text2, asked.label)
    for name in asked.names or SCRIPTS:
        try:
            paths = reproduce(name, asked.size, asked.out, asked.results, given, asked.workers)
        except wt.WordtraceError as error:
            print(f"{name}: {error}", file=sys.stderr)
            return error.exit_code
        except KeyboardInterrupt:
            print(f"{name}: interrupted; the same command goes on.", file=sys.stderr)
            return 130
        print("\n".join(map(str, paths)))
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""What is shipped, and what it is installed with."""

from __future__ import annotations

import filecmp
import json
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from importlib.metadata import distribution, packages_distributions
from importlib.util import find_spec
from pathlib import Path

import torch
from safetensors.torch import save_file

from torture import bare, installed
from torture.attempts import Attempt, Plan, at_once
from torture.world import COLUMNS, make_world
from wordtrace.disk.fingerprint import of_file

TITLE = "Supply"
PROMISE = """\
What the README's two commands install is locked by version and hash (`locks/`; PyTorch alone by
version, since its builds differ by machine). The same sources give the same wheel and sdist to the
byte, wherever and whenever they are built; the wheel holds the package and nothing else, and works
with nothing but its own dependencies installed: what needs more is refused by a sentence that names
the extra. With each other Python that is on the machine the README's command installs it, and with
the oldest packages that it allows, and with the newest, pip does; trained, indexed, traced and
verified there, the same data give the same answers. Every dependency has a permissive licence, or a
weak copyleft one that touches no code that uses it. `make sbom` lists all. Known vulnerabilities
are looked up where an advisory service answers, and counted here only then."""

HERE = Path(__file__).parent.parent
#: Licences under which a package may be used in anything; the last bind its own changes alone.
PERMISSIVE = re.compile(
    r"apache|\bmit\b|bsd|isc|psf|python software foundation|unlicense|zlib|0bsd|public domain|"
    r"cc0|hpnd|mpl|mozilla public",
    re.IGNORECASE,
)


def attacks(plan: Plan) -> Iterator[Attempt]:
    """Build twice, install bare, and read licences and advisories."""
    yield from _licences()
    if not plan.short:
        yield from _pythons()
        yield from _audit()
    if find_spec("hatchling") is None or not (HERE / ".git").exists():
        sys.stderr.write("supply: nothing was built: that needs hatchling and a git checkout.\n")
        return
    wheels = [_built(plan.work / name, umask) for name, umask in (("a", 0o022), ("b", 0o077))]
    yield from _reproducible(plan.work / "a", plan.work / "b")
    yield from _content(wheels[0])
    yield from _bare(plan, wheels[0])


def _built(folder: Path, umask: int) -> Path:
    """Build wheel and sdist from a copy of the sources that are in version control."""
    sources = folder / "sources"
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=HERE, capture_output=True, check=True
    ).stdout
    for name in filter(None, listed.decode().split("\0")):
        if (HERE / name).is_file():
            (sources / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(HERE / name, sources / name)
    build = [sys.executable, "-m", "hatchling", "build", "--directory", str(folder / "dist")]
    subprocess.run(build, cwd=sources, check=True, capture_output=True, umask=umask)
    return next((folder / "dist").glob("*.whl"))


def _reproducible(one: Path, other: Path) -> Iterator[Attempt]:
    for file in sorted((one / "dist").iterdir()):
        same = filecmp.cmp(file, other / "dist" / file.name, shallow=False)
        kind = "wheel" if file.suffix == ".whl" else "sdist"
        detail = "" if same else f"{of_file(file)} and {of_file(other / 'dist' / file.name)}"
        yield Attempt("built twice", kind, "right" if same else "wrong", detail)
    with tarfile.open(next((one / "dist").glob("*.tar.gz"))) as archive:
        archive.extractall(one / "again", filter="data")
    sources = next((one / "again").iterdir())
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel"]
    subprocess.run(
        [*build, "--directory", str(one / "dist2")], cwd=sources, check=True, capture_output=True
    )
    first, second = (next((one / name).glob("*.whl")) for name in ("dist", "dist2"))
    same = filecmp.cmp(first, second, shallow=False)
    yield Attempt("built twice", "wheel from the sdist", "right" if same else "wrong")


def _content(wheel: Path) -> Iterator[Attempt]:
    """Every file of the package is in the wheel, and nothing else but its description."""
    package = HERE / "src" / "wordtrace"
    expected = {
        f"wordtrace/{path.relative_to(package).as_posix()}"
        for path in package.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    with zipfile.ZipFile(wheel) as archive:
        found = {name for name in archive.namelist() if ".dist-info/" not in name}
    strange = sorted(found ^ expected)
    yield Attempt("wheel", "its files", "wrong" if strange else "right", ", ".join(strange[:5]))


#: Commands that need an extra, and the extra that the sentence must name.
NEEDS = {
    "app": (("app", "run/index", "--no-browser"), "app"),
    "mcp": (("mcp", "run/index"), "mcp"),
    "train": (("train", "data.csv", *COLUMNS, "--model", "model", "--out", "tuned"), "hf"),
    "ray": (("index", "run", "--out", "again", "--executor", "ray"), "ray"),
    "slurm": (("index", "run", "--out", "again", "--executor", "slurm"), "slurm"),
}


def _bare(plan: Plan, wheel: Path) -> Iterator[Attempt]:
    """Run the wheel with nothing but its dependencies, and compare with what all else gives."""
    unpacked = plan.work / "unpacked"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(unpacked)
    world = make_world(plan.work / "world")
    (world.folder / "model").mkdir()
    (world.folder / "model" / "config.json").write_text('{"model_type": "bert"}')
    shutil.copy(world.run / "tokenizer.json", world.folder / "model")
    save_file({"a": torch.zeros(1)}, world.folder / "model" / "model.safetensors")
    allowed = json.dumps(bare.installed_alone())
    command = [sys.executable, "-P", str(HERE / "torture" / "bare.py"), allowed, str(unpacked)]
    some = ("trace",) if plan.short else tuple(installed.COMMANDS)
    with ThreadPoolExecutor(plan.workers) as pool:
        copy = world.copy(plan.work / "bare")
        alone = pool.submit(installed.answers, command, copy.folder, some)
        full = installed.answers([sys.executable, "-m", "wordtrace"], world.folder, some)
        for name, done in alone.result().items():
            yield Attempt("installed bare", name, *installed.judged(done, full[name]))
    for name in ("app",) if plan.short else NEEDS:
        words, extra = NEEDS[name]
        done = installed.said(command, words, world.folder)
        said = f"pip install 'wordtrace[{extra}]'" in done.stderr
        refused = done.returncode == 2 and said and "Traceback" not in done.stderr
        detail = "" if refused else f"{done.returncode}: {done.stderr[-300:]}"
        yield Attempt(
            "installed bare",
            f"{name}, which needs more",
            "refused" if refused else "crashed",
            detail,
        )
    if not plan.short:
        anew = partial(installed.attempt, wheel=wheel, world=world, work=plan.work, expected=full)
        yield from at_once(anew, list(installed.places(installed.pythons())), plan.workers)


def _licences() -> Iterator[Attempt]:
    """Read the licence of each package that comes with wordtrace, without extras."""
    modules = set(bare.installed_alone())
    owners = packages_distributions()
    for name in sorted({owner for module in modules for owner in owners[module]}):
        about = distribution(name).metadata
        classifiers = [one for one in about.get_all("Classifier") or [] if "License" in one]
        stated = [
            one for field in ("License-Expression", "License") for one in about.get_all(field) or []
        ]
        said = " ".join([*(one[:80] for one in stated), *classifiers])
        good = permissive(said)
        yield Attempt("licence", name, "right" if good else "wrong", "" if good else said)


def permissive(licence: str) -> bool:
    """Tell whether a package of this licence may be used in anything."""
    return bool(PERMISSIVE.search(licence)) and not re.search(r"\bA?GPL", licence)


def _pythons() -> Iterator[Attempt]:
    """Compile all sources with each Python that is here."""
    for version, python in installed.pythons().items():
        code = (
            "import pathlib, sys\n"
            "for path in pathlib.Path(sys.argv[1]).rglob('*.py'):\n"
            "    compile(path.read_bytes(), str(path), 'exec')\n"
        )
        done = subprocess.run(
            [python, "-W", "error", "-c", code, str(HERE / "src")], capture_output=True, text=True
        )
        end, detail = ("crashed", done.stderr[-300:]) if done.returncode else ("right", "")
        yield Attempt("compiled", f"Python {version}", end, detail)  # type: ignore[arg-type]


def _audit() -> Iterator[Attempt]:
    """Look known vulnerabilities up, where a service answers."""
    if find_spec("pip_audit") is None:
        sys.stderr.write("supply: pip-audit is not installed, so nothing was looked up.\n")
        return
    for lock in sorted((HERE / "locks").glob("*.txt")):
        done = subprocess.run(
            [sys.executable, "-m", "pip_audit", "--requirement", str(lock), "--no-deps",
             "--disable-pip", "--format", "json", "--progress-spinner", "off"],
            capture_output=True, text=True,
        )  # fmt: skip
        try:
            found = json.loads(done.stdout)["dependencies"]
        except ValueError:
            found = []
        looked = [one for one in found if "vulns" in one]
        if not looked:
            sys.stderr.write(f"supply: no advisory service answered for {lock.name}.\n")
        for one in looked:
            known = ", ".join(str(each["id"]) for each in one["vulns"])
            yield Attempt(
                "known vulnerabilities",
                f"{lock.stem}: {one['name']} {one['version']}",
                "wrong" if known else "right",
                known,
            )

"""Wrong arguments of every command: each option with every wrong kind of value."""

from __future__ import annotations

import inspect
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import get_args

from typer.main import get_command

from torture.argument_judge import Try, broken, judged, sentence_of, told
from torture.argument_lines import BESIDE, CHANGES, LINES, OTHER, REFUSED, TEXT, prepare, range_of
from torture.attempts import Attempt, End, Plan, at_once, shared
from torture.in_turn import Line, in_turn
from torture.world import make_world
from wordtrace.cli.main import app
from wordtrace.report.text import clean

TITLE = "Wrong arguments"
PROMISE = """\
Every option and argument of every command, as the command line describes itself, gets numbers that
are none, too small or too large, places that are not there or of another kind, empty, huge and
unprintable texts. A wrong value is refused with exit status 2, in a sentence that names the option
or the value; a value that means something is obeyed. Several wrong values at once are not tried. An
option that is given twice counts as it was given last, as is the custom. `record` is tried on a
folder that holds no other library's training, so that of its values only what is looked at before
is judged."""

NUMBERS = (
    "0",
    "-1",
    "1e309",
    "nan",
    "inf",
    "-inf",
    "1" + "0" * 30,
    "1.5",
    "",
    "two",
    " 3 ",
    "٣",
    "0x10",
)
PLACES = (
    *("missing", "missing/deeper", "run", OTHER, "junk.bin", "junk.json", "empty", "", " "),
    *("\x01\x7f", "x" * 300, "unreadable", "/dev/null", "/proc/self/mem", ".", "~"),
)
#: So many values of each option, drawn from the seed; fewer where a command before had it, too.
_EACH, _AGAIN = 8, 2

TEXTS = ("", " ", "x" * 50_000, "a\x07\x1b[31mb\n", "Ж", "-", "--", "{", ",", "0", "nan", ":")
#: What is spelled so is known, and is to be refused in another spelling.
SPELLED = {
    "executor": ("RAY", "threads,", "process"),
    "device": ("CPU", "cuda:99", "gpu"),
    "dtype": ("FLOAT16", "int4"),
    "measure": ("BM25", "bm25 ", "tracin:", "tracin:no", "influence:a,b"),
    "measures": ("BM25", "bm25,,no"),
    "by": ("Combined", "size"),
    "sort": ("Row", "size"),
    "remove": ("Opponents", "all"),
    "top_k": ("ALL", "0", "-1", "1e3"),
    "schedule": ("Linear", "cosine"),
    "optimizer": ("SGD", "lion"),
    "weighting": ("Rate", "sum"),
    "precision": ("Float32", "half"),
    "without": ("Stop", "special,,"),
    "weights": ("IDF", "1,2"),
    "memory": ("0", "-1MB", "1e3GB", "999999999TB", "٣MB"),
    "span": ("0:0", "5:1", "-1:2", "99:999"),
    "band": ("0.7,0.3", "0,nan", "-1,2", "0.5"),
    "k": ("0", "-1", "1e3", "999999"),
    "checkpoint_steps": ("0", "-1", "999", "1,,2", "1,1"),
}


@dataclass(frozen=True)
class Parameter:
    """An option or argument of a command."""

    command: str
    name: str
    flag: str | None  # None of an argument
    kind: type
    several: bool
    shown: str

    def line(self, value: str) -> Line:
        """Return the command's line with this value in the place of what is there."""
        words = list(LINES[self.command])
        if self.flag is None:
            place = _place_of(self, words)
            words[place : place + 1] = [value]
        else:
            if self.flag in words:
                place = words.index(self.flag)
                del words[place : place + 2]
            beside = BESIDE.get((self.command, self.name), ())
            if "--queries" in beside:  # in the place of a text
                words = [one for one in words if one != TEXT]
            words += [*beside, f"{self.flag}={value}"]
        return Line(tuple(words), "." if self.command in CHANGES else None)


def parameters() -> dict[str, list[Parameter]]:
    """Return what each command takes, read from the command line itself."""
    commands = get_command(app).commands  # type: ignore[attr-defined]
    found: dict[str, list[Parameter]] = {}
    for verb in app.registered_commands:
        assert verb.callback is not None
        assert verb.name is not None
        hints = inspect.signature(verb.callback).parameters
        for one in commands[verb.name].params:
            if one.name not in hints:
                continue
            hint = get_args(hints[one.name].annotation)[0]
            kinds = [kind for kind in (hint, *get_args(hint)) if kind is not type(None)]
            bare = [inner for kind in kinds for inner in (get_args(kind) or (kind,))]
            kind = next(one for one in bare if isinstance(one, type) and one is not type(None))
            flag = one.opts[0] if one.param_type_name == "option" else None
            shown = flag or one.name
            several = "list" in str(hint)
            found.setdefault(verb.name, []).append(
                Parameter(verb.name, one.name, flag, kind, several, shown)
            )
    return found


def _place_of(one: Parameter, words: Sequence[str]) -> int:
    """Return where in the base line an argument stands."""
    arguments = [p.name for p in parameters()[one.command] if p.flag is None]
    place = 1 + arguments.index(one.name)
    return place if place < len(words) and not words[place].startswith("-") else len(words)


def attacks(plan: Plan) -> Iterator[Attempt]:
    """Check the base lines, and then replace or add one thing at a time."""
    world = make_world(plan.work / "world")
    prepare(world)
    before = _files(world.folder)
    generator = random.Random(plan.seed)
    commands = generator.sample(sorted(LINES), 7) if plan.short else sorted(LINES)
    tries = list(_tries(commands, generator, short=plan.short))
    generator.shuffle(tries)  # so that the parts take about as long
    size = min(40, -(-len(tries) // plan.workers))
    parts = [tries[start : start + size] for start in range(0, len(tries), size)]

    def attack(numbered: tuple[int, list[Try]]) -> list[Attempt]:
        number, part = numbered
        said = in_turn([one.line for one in part], world.folder, plan.work / f"part-{number}")
        return [judged(one, end) for one, end in zip(part, said, strict=True)]

    yield from at_once(attack, list(enumerate(parts)), plan.workers)
    # Afterwards: then they also tell that nothing was harmed.
    bases = partial(_bases, world.folder, plan.work)
    yield from at_once(bases, shared(commands, plan.workers), plan.workers)
    after = _files(world.folder)  # a line may have written something new, as it was told to
    changed = sorted(name for name in before if before[name] != after.get(name))
    yield Attempt(
        "what the lines were given", "all of it", "wrong" if changed else "right", str(changed[:3])
    )
    (world.folder / "unreadable").chmod(0o600)


def _bases(cwd: Path, work: Path, commands: Sequence[str]) -> list[Attempt]:
    lines = [Line(LINES[name], "." if name in CHANGES else None) for name in commands]
    found = []
    for name, said in zip(
        commands, in_turn(lines, cwd, work / f"bases-{commands[0]}"), strict=True
    ):
        whole = said.status == 0 and broken(LINES[name], said) is None
        end: End = "refused" if name in REFUSED and sentence_of(said) else "wrong"
        found.append(Attempt("right lines", name, "right" if whole else end, told(said)))
    return found


def _tries(commands: Sequence[str], generator: random.Random, *, short: bool) -> Iterator[Try]:
    """Yield the attempts: of an option that several commands share most at the first of them."""
    seen: set[tuple[str, str | None, type]] = set()
    described = parameters()
    for command in commands:
        listed = described[command]
        for one in generator.sample(listed, min(4, len(listed))) if short else listed:
            values = list(dict.fromkeys(_values(one)))
            key = (one.name, one.flag, one.kind)
            few = 1 if short or one.kind is bool else _AGAIN if key in seen else _EACH
            seen.add(key)
            for group, value in generator.sample(values, min(few, len(values))):
                shown = value if len(value) < 40 else f"{value[:10]}… ({len(value):,} letters)"
                yield Try(
                    *(group, f"{command} {one.shown} {shown!r}", one.line(value)),
                    _names(one, value),
                    _legal(one, value),
                )
        cut = list(_lines_cut(command, listed))
        yield from generator.sample(cut, min(1 if short else 5, len(cut)))


def _values(one: Parameter) -> Iterator[tuple[str, str]]:
    if one.kind in (int, float):
        yield from (("numbers", value) for value in NUMBERS)
    elif one.kind is Path or one.name in ("index", "data", "queries"):
        yield from (("places", value) for value in PLACES)
    elif one.kind is str:
        yield from (("texts", value) for value in TEXTS)
        yield from (("choices", value) for value in SPELLED.get(one.name, ()))
    elif one.kind is bool:
        yield "flags with a value", "yes"


def _lines_cut(command: str, listed: Sequence[Parameter]) -> Iterator[Try]:
    """Yield lines that are unknown, cut short, or too long."""
    base, group = LINES[command], "unknown, cut and too many"

    def cut(what: str, words: Sequence[str], *names: str, legal: bool | None = False) -> Try:
        line = Line(tuple(words), "." if command in CHANGES else None)
        return Try(group, f"{command} {what}", line, names, legal)

    yield cut("--nonsense", (*base, "--nonsense"), "--nonsense")
    yield cut("-Z", (*base, "-Z"), "-Z")
    many = any(one.flag is None and one.several for one in listed)
    extra = ("--", "--top") if many else ("--", "one", "two", "--top")
    names = ("one", "two", "--top", "ID")
    yield cut("-- --top", (*base, *extra), *names, legal=None if many else False)
    for one in listed:
        if one.flag and one.kind is not bool:
            yield cut(f"{one.flag} without value", (*base, one.flag), one.flag)
        elif one.flag is None:
            yield cut(f"ends before {one.name}", base[: _place_of(one, base)], "", legal=None)


def _names(one: Parameter, value: str) -> tuple[str, ...]:
    """Return what a refusal may name: the option, or the value where it is no number."""
    if one.command in REFUSED:
        return ("",)
    named = {one.shown, one.name, repr(value), clean(value)[:30] or one.shown}
    spelt = value.strip()[:30]
    if one.kind is Path and not spelt:
        named |= {". ", f"{value} does not exist"}  # an empty path is the folder itself
    if one.kind is str and not spelt:
        named.add("empty")
    if one.name == "ids_file":
        named.add("the id")  # each line of a file is one
    if one.kind not in (int, float) and spelt:
        # A sentence shows control characters by their names, and only the beginning of much.
        named.add(re.split(r"[^ -~\w]", spelt)[0] or one.shown)
        named.add(Path(spelt).name or one.shown)
        if one.name in ("measure", "measures"):  # a layer follows a colon, a measure a comma
            named.add(re.split("[:,]", spelt)[-1] or one.shown)
    if one.name.startswith("tail_"):
        named.add("--tail-patch")  # without which the others mean nothing
    return tuple(named)


def _legal(one: Parameter, value: str) -> bool | None:
    if one.kind not in (int, float):
        return False if one.kind is bool else None
    try:
        number = one.kind(value)
    except ValueError:
        return False
    least, most = range_of(one.command, one.name, one.kind)
    return bool(least <= number <= most)


#: Places that lines are told to write to, and that are there already.
_MAY_CHANGE = (OTHER, "junk.bin", "junk.json", "empty", "unreadable")


def _files(folder: Path) -> dict[str, bytes | None]:
    """Return the content of each file, but for what commands keep in a run's folder."""
    return {
        str(one.relative_to(folder)): one.read_bytes()
        for one in sorted(folder.rglob("*"))
        if one.is_file() and "retrain" not in str(one) and "/." not in str(one)
        if one.name not in _MAY_CHANGE
    }

"""Hostile strings as what is named on the command line: texts, ids, labels, columns, files."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from torture.attempts import Attempt, shared
from torture.text_judges import acts_in_a_terminal
from torture.text_world import Hostile, Said, run_lines, tell

#: Commands with a place for a string.
_LINES: dict[str, Sequence[str]] = {
    "text of trace": ("trace", "run/index", "--top", "1", "--", "{}"),
    "label of trace": ("trace", "run/index", "a", "--top", "1", "--label", "{}"),
    "measure": ("trace", "run/index", "a", "--measure", "{}"),
    "words searched": ("rows", "run/index", "--limit", "3", "--search", "{}"),
    "label searched": ("rows", "run/index", "--limit", "3", "--label", "{}"),
    "order of rows": ("rows", "run/index", "--sort", "{}"),
    "a number": ("rows", "run/index", "--limit", "{}"),
    "an id": ("index-remove", "run/index", "--", "no {}"),
    "an option": ("rows", "run/index", "--{}"),
    "a command": ("{}",),
    "a place": ("info", "no/{}"),
    "a patch": ("apply", "no/{}", "data.csv", "--out", "other.csv"),
    "a place to write": ("trace", "run/index", "a", "--out", "no/{}"),
}


def parts(world: Hostile) -> list[Callable[[], Iterator[Attempt]]]:
    """Return what yields the attempts, in parts that may run at once, the longest first."""
    halves = shared(range(len(world.strings)), 2)
    return [
        *(partial(_arguments, world, half) for half in halves),
        lambda: _columns(world),
        lambda: _files(world),
    ]


def _arguments(world: Hostile, places: Sequence[int]) -> Iterator[Attempt]:
    """Some of the strings in some of the commands: each is answered or refused; nothing acts."""
    cases = []
    for place in places:
        one = world.strings[place]
        # No argument of a process holds a NUL.
        given = one.replace("\0", "\ufffd")
        names = list(_LINES)
        for name in (names[(place + turn * 5) % len(names)] for turn in range(4)):
            cases.append((name, one, [part.replace("{}", given) for part in _LINES[name]]))
    before = _files_in(world.folder / "run")
    said = world.run(*(line for *_, line in cases))
    for (name, one, _), answer in zip(cases, said, strict=True):
        yield _judged(f"argument: {name}", one, answer)
    new = sorted(_files_in(world.folder / "run") - before)
    yield tell("argument: a place to write", "no file is made", new)


def _files_in(folder: Path) -> set[str]:
    return {str(path) for path in folder.rglob("*")}


def _judged(group: str, one: str, answer: Said) -> Attempt:
    faults = [answer.broken] if answer.broken else []
    faults += [*acts_in_a_terminal(answer.out), *acts_in_a_terminal(answer.error)]
    return tell(group, ascii(one)[:100], faults, "refused" if answer.status else "right")


def _columns(world: Hostile) -> Iterator[Attempt]:
    """Each string as the names of the columns of texts, labels and ids."""
    folder = world.folder / "columns"
    folder.mkdir()
    _patch(folder)
    lines, names = [], []
    for number, one in enumerate(world.strings):
        names.append((f"k{one}", f"{one}t", one))
        with open(folder / f"{number}.csv", "w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([names[-1], *_ROWS])
        key, text, label = names[-1]
        # An argument of a process holds no NUL, but one of ours can.
        named = (f"--text={text}", f"--label={label}", f"--id={key}")
        lines.append(
            ("apply", "patch.jsonl", f"{number}.csv", *named, "--out", f"{number}-new.csv")
        )
    for number, said in enumerate(run_lines(folder, lines)):
        attempt = _judged("name of a column", world.strings[number], said)
        if attempt.survived and said.status == 0:
            wanted = _mended(names[number])
            same = (folder / f"{number}-new.csv").read_bytes() == wanted
            faults = [] if same else ["the file is not the mended one"]
            attempt = tell(attempt.group, attempt.what, faults)
        yield attempt


_ROWS = [("1", "a b", "x"), ("2", "c d", "y"), ("3", "e f", "x")]


def _patch(folder: Path) -> None:
    change = {"id": "2", "action": "relabel", "before": "y", "after": "x"}
    (folder / "patch.jsonl").write_text(json.dumps(change) + "\n")


def _mended(names: Sequence[str]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows([names, _ROWS[0], ("2", "c d", "x"), _ROWS[2]])
    return text.getvalue().encode()


def _files(world: Hostile) -> Iterator[Attempt]:
    """Each string as the name of a file of data, of a patch, and of what is written."""
    folder = world.folder / "files"
    (folder / "in").mkdir(parents=True)
    (folder / "out").mkdir()
    _patch(folder)
    lines, strings = [], []
    for one in world.strings:
        name = f"{one}.csv"
        if "/" in one or "\0" in one or len(os.fsencode(name)) > 240:
            continue
        (folder / "in" / name).write_bytes(
            _mended(("id", "text", "label")).replace(b",x\r\n3", b",y\r\n3")
        )
        lines.append(("apply", "patch.jsonl", f"in/{name}", "--out", f"out/{name}"))
        strings.append(one)
    for one, said in zip(strings, run_lines(folder, lines), strict=True):
        attempt = _judged("name of a file", one, said)
        # Dots alone begin the name of a hidden file, which has no ending.
        hidden = not one.strip(".") and "kind of file can't be read" in said.error
        if attempt.survived and not hidden:
            out = folder / "out" / f"{one}.csv"
            mended = out.exists() and out.read_bytes() == _mended(("id", "text", "label"))
            faults = [] if mended else [f"nothing was written: {said.error[-200:]}"]
            attempt = tell(attempt.group, attempt.what, faults)
        yield attempt
    written = {path.name for path in (folder / "out").iterdir()}
    more = sorted(written - {f"{one}.csv" for one in strings})
    yield tell("name of a file", "nothing else is written", more)

"""Hostile strings as texts, ids, labels and names, and everything that is made of them."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow.parquet as pq

from torture import text_chat, text_names, text_served
from torture.attempts import Attempt, Plan, at_once
from torture.strings import HALVES, LONG, some
from torture.text_judges import (
    Page,
    acts_in_a_page,
    acts_in_a_spreadsheet,
    acts_in_a_terminal,
    acts_in_markdown,
    squeezed,
    strings_in,
    unquoted,
)
from torture.text_world import (
    FORMATS,
    RESULTS,
    Hostile,
    Said,
    in_child,
    label,
    read_rows,
    returned,
    tell,
)
from wordtrace.report.text import clean

TITLE = "Hostile text"
PROMISE = """\
Text is data. Whatever a text, what is said in a conversation, an id, a label, a name of a column or
of a file holds, it comes back byte for byte in JSON, Parquet, patches and the repaired data, and it
takes effect nowhere: not in a report, the app's page, a notebook, a terminal, Markdown or an
agent's answer. What could act is shown as ⟨U+…⟩. In a CSV file an apostrophe stands before what a
spreadsheet would take for a formula, so there a text is not byte for byte. White space around a
label is no part of it. Half a character (a lone surrogate) can't be kept and is refused. An agent
gets texts as JSON strings, and is told that they are data; whether its model heeds that is not ours
to promise."""


def attacks(plan: Plan) -> Iterator[Attempt]:
    """Yield the attempts."""
    strings = some(plan.short)
    worlds = [Hostile(plan.work / "one", strings)]
    if not plan.short:
        worlds.append(Hostile(plan.work / "two", strings[::4], pairs=True))
    yield from at_once(_made, worlds, plan.workers)
    names = ("trace",) if plan.short else tuple(RESULTS)
    parts: list[Callable[[], Iterator[Attempt]]] = [
        *(
            lambda world=world, name=name: _result(world, name)
            for world in worlds
            for name in names
        ),
        *(lambda world=world: _repaired(world) for world in worlds),
        *text_names.parts(worlds[0]),
        lambda: text_served.attacks(worlds[0], short=plan.short),
        lambda: _halves(plan.work / "halves"),
    ]
    if not plan.short:
        parts.append(lambda: _long(plan.work / "long"))
        parts.append(lambda: text_chat.attacks(plan.work / "talks"))
    yield from at_once(lambda part: list(part()), parts, plan.workers)


def _made(world: Hostile) -> list[Attempt]:
    """Train and index; everything else needs both."""
    kind = "pairs" if world.pairs else "texts"
    told = list(_terminals(f"{kind} → train, index", world.make()))
    table = pq.read_table(world.folder / "run" / "train.parquet").to_pydict()
    for column, name in (("id", "key"), ("text", "body"), ("text2", "other"), ("label", "topic")):
        if column in table:
            wanted = [row[name] for row in world.rows()]
            for one, two in zip(wanted, table[column], strict=True):
                faults = [] if one == two else [f"it is {two!r}"]
                told.append(tell(f"{kind} → the run's {column}", ascii(one)[:100], faults))
    return told


def _result(world: Hostile, name: str) -> Iterator[Attempt]:
    """A result on the terminal, as JSON, and saved in every form."""
    kind = "pairs → " if world.pairs else ""
    saved, line = f"{name}.json", RESULTS[name]
    if world.pairs and name == "trace":
        line = (*line, "--text2-column", "other")
    said = world.run(line, (*line, "--json", "--out", saved), ("report", saved))
    yield from _terminals(f"{kind}{name} → terminal", said)
    document = json.loads((world.folder / saved).read_text("utf-8"))
    found = strings_in(document)
    held = {one: one for one in world.strings if one in found or name in ("trace", "rows")}
    yield from returned(f"{kind}{name} → JSON", held, found)
    printed = json.loads(said[1].out)
    same = strings_in(printed) == found
    yield tell(f"{kind}{name} --json", "as saved", [] if same else ["other strings than saved"])
    ended = in_child(world.folder, "save_all", saved, f"saved-{name}")
    if ended.status != 0:
        yield Attempt(f"{kind}{name} → files", "save", "crashed", ended.said())
        return
    for ending, judge in _JUDGES.items():
        text = (world.folder / f"saved-{name}{ending}").read_bytes().decode("utf-8")
        yield tell(f"{kind}{name} → {ending}", "acts", list(judge(text)))
    page = squeezed(Page(_text(world.folder / f"saved-{name}.html")).text)
    shown = {squeezed(clean(one)) for one in held}
    lost = [one for one in shown if one not in page] if name in ("trace", "rows") else []
    yield tell(f"{kind}{name} → .html", "every text is shown", lost)
    cells = set(pq.read_table(world.folder / f"saved-{name}.parquet").to_pydict().get("id", ()))
    wanted = {one: one for one in held if one in cells or name in ("trace", "rows")}
    if name == "trace":
        wanted = {one: one for one in cells}
    yield from returned(f"{kind}{name} → .parquet", wanted, cells)
    records = csv.reader(io.StringIO(_text(world.folder / f"saved-{name}.csv"), newline=""))
    written = unquoted({cell for record in records for cell in record})
    yield from returned(f"{kind}{name} → .csv", wanted, written)


_JUDGES: dict[str, Callable[[str], Iterator[str]]] = {
    ".html": acts_in_a_page,
    ".fragment.html": acts_in_a_page,
    ".md": acts_in_markdown,
    ".csv": acts_in_a_spreadsheet,
}


def _text(path: Path) -> str:
    return path.read_bytes().decode("utf-8")


def _terminals(group: str, said: list[Said]) -> Iterator[Attempt]:
    for one in said:
        faults = [one.broken] if one.broken else []
        faults += [f"refused: {one.error[-200:]}"] if one.status and not faults else []
        faults += [*acts_in_a_terminal(one.out), *acts_in_a_terminal(one.error)]
        yield tell(group, ascii(" ".join(one.line))[:100], faults)


def _repaired(world: Hostile) -> Iterator[Attempt]:
    """Decisions of a review become a patch, and the patch becomes data, in every format."""
    kind = "pairs → " if world.pairs else ""
    rows = world.rows()
    changes, wanted = [], {}
    for place, row in enumerate(rows):
        after, why = rows[place - 1], rows[place - 2]["body"]
        relabelled, edited = place % 3 != 1, place % 3 != 0
        wanted[row["key"]] = {
            **row,
            **({"topic": after["topic"]} if relabelled else {}),
            **({"body": after["body"]} if edited else {}),
        }
        if relabelled:
            one = {"action": "relabel", "label": after["topic"], "why": why}
            changes.append({"id": row["key"], **one})
        if edited:
            changes.append({"id": row["key"], "action": "edit", "text": after["body"], "why": why})
    (world.folder / "changes.json").write_text(json.dumps(changes), "ascii")
    ended = in_child(world.folder, "decide", "run", "changes.json")
    if ended.status != 0:
        yield Attempt(f"{kind}review", "decide", "crashed", ended.said())
        return
    said = world.run(
        ("review", "run/index", "--top", "2000", "--patch", "patch.jsonl"),
        ("review", "run/index", "--top", "2000", "--json"),
        *_applied(world, "data", "new", ()),
        *_applied(world, "new", "back", ("--reverse",)),
    )
    yield from _terminals(f"{kind}review, apply → terminal", said)
    told = {one["id"]: one for one in json.loads(said[1].out)["decisions"]}
    yield from returned(f"{kind}review → JSON", {one: one for one in world.strings}, set(told))
    for ending in FORMATS:
        new = {row["key"]: row for row in read_rows(world.folder / f"new{ending}")}
        for key, row in wanted.items():
            faults = [] if new.get(key) == row else [f"it is {new.get(key)!r}"]
            yield tell(f"{kind}patch → apply → {ending}", ascii(key)[:100], faults)
        first, last = (_rows(world, f"{name}{ending}") for name in ("data", "back"))
        same = [] if first == last else ["its rows are not the first ones"]
        yield tell(f"{kind}patch → apply --reverse", ending, same)


def _rows(world: Hostile, name: str) -> object:
    path = world.folder / name
    # The bytes of delimited text, too: JSON can spell a character in several ways.
    return path.read_bytes() if name.endswith((".csv", ".tsv")) else read_rows(path)


def _applied(
    world: Hostile, data: str, out: str, more: tuple[str, ...]
) -> Iterator[tuple[str, ...]]:
    for ending in FORMATS:
        where = (f"{data}{ending}", *world.columns, "--out", f"{out}{ending}")
        yield ("apply", "patch.jsonl", *where, *more)


def _halves(folder: Path) -> Iterator[Attempt]:
    """Lone surrogates in JSON: refused, with the line and the column."""
    folder.mkdir()
    lines, names = [], []
    for number, half in enumerate(HALVES):
        for column in ("text", "label", "id"):
            first = {"text": "a b", "label": "x", "id": "1"}
            rows = [first, {"text": "c d", "label": "y", "id": "2", column: half}]
            path = folder / f"{column}-{number}.jsonl"
            path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), "ascii")
            lines.append(("train", path.name, "--out", f"run-{column}-{number}"))
            names.append((column, half))
    said = Hostile(folder, ()).run(*lines)
    for (column, half), one in zip(names, said, strict=True):
        faults = [one.broken] if one.broken else []
        faults += [*acts_in_a_terminal(one.error)]
        if not faults and not (one.status == 2 and "line 2" in one.error and column in one.error):
            faults = [f"exit {one.status}: {one.error}"]
        yield tell(f"half a character as {column}", ascii(half), faults, "refused")


def _long(folder: Path) -> Iterator[Attempt]:
    """A megabyte without a space as text, id and label, beside ordinary rows."""
    world = Hostile(folder, [LONG, "a b c", "b c d", "c d e"])
    told = world.make()
    said = world.run(RESULTS["trace"], RESULTS["rows"], (*RESULTS["rows"], "--json"))
    yield from _terminals("a megabyte without a space", told + said)
    found = strings_in(json.loads(said[2].out)) if said[2].status == 0 else set()
    yield from returned("a megabyte without a space", {LONG: LONG, label(LONG): LONG}, found)

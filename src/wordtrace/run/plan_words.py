"""A plan says in words what its fingerprints stand for; a difference is told by them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import repeat
from pathlib import Path
from typing import Any

from wordtrace.data.examples import Examples
from wordtrace.disk import fingerprint
from wordtrace.errors import MismatchError

#: The entry of a plan that is for people: two plans may be the same where it is not.
WORDS = "words"
#: The parts of a plan that are data, and how a message calls them.
_DATA = {"train": "data", "held_out": "held-out data"}


def words_of(train: Examples, held_out: Examples | None, **more: Any) -> dict[str, Any]:
    """Return what a plan says of its data, and of whatever else it has fingerprints of."""
    return {
        "train": _said(train),
        "held_out": None if held_out is None else _said(held_out),
        **more,
    }


def same(recorded: Mapping[str, Any] | None, plan: Mapping[str, Any]) -> bool:
    """Whether two plans are the same but for their words."""
    return recorded is not None and _bare(recorded) == _bare(plan)


def require_same_plan(
    recorded: Mapping[str, Any],
    plan: Mapping[str, Any],
    where: str,
    remedy: str,
    data: Mapping[str, Callable[[], tuple[Examples | None, Examples | None]]] | None = None,
) -> None:
    """Refuse another plan, in words and without a fingerprint.

    Parameters
    ----------
    data
        For "train" and "held_out": returns the recorded and the wanted examples, where the recorded
        ones are at hand.

    Raises
    ------
    MismatchError
        Names the first difference.
    """
    old, new = (dict(one.get(WORDS) or {}) for one in (recorded, plan))
    for key, name in _DATA.items():
        if recorded.get(key) == plan.get(key):
            continue
        found = _held_out_share(old, new) or _columns(old.get(key), new.get(key), name)
        if data is not None:
            there, here = data[key]()
            # With other columns a held-out part is drawn anew: which rows it has, says nothing.
            if found is None or (there is not None and here is not None and there.ids == here.ids):
                rows = _rows(there, here, name)
                found = f"{found} ({rows})" if found and rows else found or rows
        found = found or _files(old.get(key), new.get(key), name)
        raise MismatchError(f"{where} was made from other data: {found}; {remedy}.")
    if "output" in plan and (weights := _weights(recorded.get("output"), plan["output"])):
        raise MismatchError(f"{where} was made from another training: {weights}; {remedy}.")
    for key in sorted({*old, *new} - {*_DATA}):
        if recorded.get(key) != plan.get(key) and old.get(key) != new.get(key):
            raise MismatchError(
                f"{where} was made with {key} = {old.get(key)}, now it is {new.get(key)}; {remedy}."
            )
    fingerprint.require_same(_bare(recorded), _bare(plan), where, remedy)


def _bare(plan: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in plan.items() if key != WORDS}


def _said(examples: Examples) -> dict[str, Any]:
    columns = examples.origin.words() if examples.origin is not None else {}
    return {"file": Path(examples.source).name, "rows": len(examples), **columns}


def _columns(old: Mapping[str, Any] | None, new: Mapping[str, Any] | None, name: str) -> str | None:
    """Say which columns differ; None where none do, or it is not known."""
    if not old or not new:
        return None
    of = "" if name == "data" else f" of the {name}"
    found = [
        f"the {key}{of} differs: {_value(old[key])}, {_value(new[key])}"
        for key in new
        if key not in ("file", "rows") and key in old and old[key] != new[key]
    ]
    return " and ".join(found) or None


def _value(value: Any) -> str:
    if isinstance(value, list):
        return "+".join(map(str, value))
    if value is False:
        return "row numbers"
    return "none" if value is None else str(value)


def _held_out_share(old: Mapping[str, Any], new: Mapping[str, Any]) -> str | None:
    """Say that another share of the same rows was held out."""
    counts = [
        [(words.get(key) or {}).get("rows", 0) for key in _DATA] for words in (old, new) if words
    ]
    if len(counts) < 2 or counts[0] == counts[1] or sum(counts[0]) != sum(counts[1]):
        return None
    (_, before), (_, now) = counts
    return f"{before:,} of {sum(counts[0]):,} rows were held out, now it is {now:,}"


def _files(old: Mapping[str, Any] | None, new: Mapping[str, Any] | None, name: str) -> str:
    """Say what is known where neither columns nor rows can be told apart."""
    if not old or not new:
        there, here = (f"{one['rows']:,} rows" if one else "none" for one in (old, new))
        known = "" if there == here else f" ({there}, {here})"
        return f"the {name} differ{known}"
    if old["file"] != new["file"]:
        return f"the {name} differ: {old['file']}, {new['file']}"
    return f"the {name} differ: {old['rows']:,} rows, {new['rows']:,} rows of {new['file']}"


def _rows(old: Examples | None, new: Examples | None, name: str) -> str | None:
    """Say in how many rows two sets of examples differ."""
    if old is None or new is None:
        return None
    if old.kind != new.kind:
        return f"the labels of the {name} are of another kind: {old.kind}, {new.kind}"
    if old.label_names != new.label_names:
        names = (", ".join(one.label_names[:8]) for one in (old, new))
        return "the labels differ: " + " / ".join(names)
    if old.ids != new.ids:
        there, here = set(old.ids), set(new.ids)
        gone = [id for id in old.ids if id not in here] + [id for id in new.ids if id not in there]
        first = f" (first: id {gone[0]})" if gone else ", in another order"
        return f"the {name} have other rows: {len(old):,}, {len(new):,}{first}"
    pairs = zip(_rows_of(old), _rows_of(new), strict=True)
    differ = [row for row, (one, other) in enumerate(pairs) if one != other]
    if not differ:
        return None
    first = new.ids[differ[0]]
    return f"the {name} differ in {len(differ):,} of {len(new):,} rows (first: id {first})"


def _rows_of(examples: Examples) -> list[tuple[str, str | None, str]]:
    second = examples.texts2 if examples.texts2 is not None else repeat(None, len(examples))
    labels = examples.labelling.spell_all(examples.labels)
    return list(zip(examples.texts, second, labels, strict=True))


def _weights(old: Any, new: Any) -> str | None:
    """Say which checkpoints differ; None where none do."""
    if old == new or not isinstance(old, list):
        return None
    before, now = ({one[0]: one[1:] for one in saved} for saved in (old, new))
    if before.keys() != now.keys():
        steps = (", ".join(map(str, one)) for one in (before, now))
        return "its checkpoints differ: steps " + " / ".join(steps)
    changed = ", ".join(str(step) for step in now if before[step] != now[step])
    return f"the weights of step {changed} differ"

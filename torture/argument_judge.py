"""How a command line with a wrong argument ended: whether it says what is wrong, and only that."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from torture.attempts import Attempt, End
from torture.in_turn import Line, Said


@dataclass(frozen=True)
class Try:
    """One command line, and what may come of it."""

    group: str
    what: str
    line: Line
    names: tuple[str, ...]  # one of these a refusal must name
    legal: bool | None  # None where both may be


def judged(one: Try, said: Said) -> Attempt:
    """Return an attempt; where it was not survived, with what the command said."""
    end, why = end_of(one, said)
    return Attempt(
        one.group, one.what, end, "" if end in ("right", "refused") else f"{why}; {told(said)}"
    )


def end_of(one: Try, said: Said) -> tuple[End, str]:
    """Return how a line ended, and why that is not survived."""
    if said.status is None:
        return "hung", "it did not end"
    if "Traceback (most" in said.error or "This is a bug" in said.error or said.status < 0:
        return "crashed", "no sentence"
    if said.status == 0:
        if one.legal is False:
            return "wrong", "a value without meaning was accepted"
        why = broken(one.line.words, said)
        return ("right", "") if why is None else ("wrong", why)
    sentence = sentence_of(said)
    if sentence is None:
        return "wrong", "refused, but not in a sentence"
    if said.wrote:
        return "left", f"refused, and left {said.wrote[:3]}"
    if said.status == 1 and one.legal:
        return "refused", ""  # it means something, and the job fails by it
    if said.status == 1 and one.group != "places":
        return "wrong", "the status of a failed job for a wrong argument"
    if not any(name.lower() in sentence.lower() for name in one.names):
        return "wrong", "the sentence does not name what is wrong"
    return "refused", ""


def sentence_of(said: Said) -> str | None:
    """Return the sentence of a refusal: the library's last line, or that of a usage error."""
    lines = [line for line in said.error.splitlines() if line.strip()]
    ours = [line for line in lines if line.startswith("wordtrace: ")]
    usage = [line for line in lines if line.startswith("Error: ")]
    if said.status in (1, 2) and len(ours) == 1 and lines[-1] == ours[0]:
        return ours[0]
    if said.status == 2 and len(usage) == 1 and lines[0].startswith(("Usage: ", "Error: ")):
        return " ".join(lines[lines.index(usage[0]) :])
    return None


def broken(words: Sequence[str], said: Said) -> str | None:
    """Return what is wrong with an answer that was given, or None."""
    end = words.index("--") if "--" in words else len(words)
    if "--json" in words[:end] and said.out:
        try:
            json.loads(said.out, parse_constant=lambda name: 1 / 0)
        except ZeroDivisionError:
            return "a number of the answer is not finite"
        except ValueError:
            return None if len(said.out) >= 200_000 else "standard output is no JSON document"
    return None


def told(said: Said) -> str:
    """Return a line's exit status and its last words."""
    return f"exit {said.status}: {said.error.strip()[-300:]}"

"""The table of the docs: how many situations of a kind were right, refused or wrong."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.adopt.run import Outcome

_VERDICTS = ("right", "refused", "wrong", "unexpected")


def table(outcomes: Sequence[Outcome]) -> str:
    """Return it in Markdown, its last row the sum."""
    groups = list(dict.fromkeys(one.situation.group for one in outcomes))
    lines = [
        ["situations", "models", "tried", *_VERDICTS],
        ["---", "---", *["---:"] * (1 + len(_VERDICTS))],
    ]
    for group in [*groups, None]:
        mine = [one for one in outcomes if group in (one.situation.group, None)]
        models = ", ".join(dict.fromkeys(one.situation.training.model for one in mine))
        counts = [sum(one.verdict == verdict for one in mine) for verdict in _VERDICTS]
        name = "all" if group is None else group
        lines.append([name, models if group else "", str(len(mine)), *map(str, counts)])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)

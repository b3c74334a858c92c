"""A patch as a change of a run's training rows, so that its models can be trained with it."""

from __future__ import annotations

from wordtrace.act.apply import sort_out
from wordtrace.act.patch import Patch
from wordtrace.errors import InputError, MismatchError
from wordtrace.run.run import Run
from wordtrace.verification.changed_rows import Changed


def patched_rows(run: Run, patch: Patch) -> Changed:
    """Return which rows of a run a patch removes, and which get another label.

    Raises
    ------
    MismatchError
        When a change does not fit the run's training rows.
    InputError
        When the patch changes nothing, edits texts, or gives other labels to rows whose label is a
        number or an answer.
    """
    if not len(patch):
        raise InputError("the patch changes no row; give one with a change.")
    edited = [one.id for one in patch if one.action == "edit"]
    if edited:
        raise InputError(
            f"the patch edits texts ({len(edited):,}, that of row {edited[0]!r} first), and models "
            "are trained here with rows removed and relabelled only; take these lines out "
            '(patch.only("remove", "relabel") in Python).'
        )
    _, stale = sort_out(patch, run.train)
    if stale:
        (name, why), more = stale[0], len(stale) - 1
        others = f", and {more:,} more changes do not fit either" if more else ""
        raise MismatchError(
            f"the patch does not fit the training rows of {run.path}: row {name!r} {why}{others}; "
            "take such lines out."
        )
    removed = [one.id for one in patch if one.action == "remove"]
    relabelled = [one for one in patch if one.action == "relabel"]
    if relabelled and (run.generates or run.labelling.kind == "number"):
        raise InputError(
            f"the patch relabels {len(relabelled):,} rows, and only classes can be given anew when "
            f"models are trained here; the rows of {run.path} have "
            f"{'answers' if run.generates else 'numbers'}."
        )
    labels: list[tuple[int, int | str]] = []
    for one in relabelled:
        after = one.after or ""
        label = run.labelling.parse(after)
        row = run.train.row_of(one.id)
        labels.append((row, int(label) if run.labelling.kind == "class" else after))
    return Changed(tuple(sorted(run.rows_of(removed).tolist())), tuple(sorted(labels)))

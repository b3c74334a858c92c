"""Which tokens a language model's loss asked for, as far as the log tells."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from wordtrace.adopt.proof import Training, judge
from wordtrace.adopt.readings import Reading


def told_by_log(training: Training, taken: Reading, scopes: Mapping[str, Reading]) -> str | None:
    """Return which tokens the loss asked for, where the log tells other ones than were taken.

    Parameters
    ----------
    scopes
        For each loss that a training may have had, its reading.

    Returns
    -------
    str or None
        The name of the scope that fits best; None where what was taken fits, or none does.
    """
    judged = judge(training, taken)
    if judged is None or judged.fits:
        return None
    found = {name: judge(training, one) for name, one in scopes.items()}
    fitting = {name: one for name, one in found.items() if one is not None and one.fits}
    return min(fitting, key=lambda name: fitting[name].distance, default=None)


def not_told_apart(training: Training, taken: Reading, scopes: Iterable[Reading]) -> list[str]:
    """Return a note where the log fits another choice of the tokens that count as well."""
    if (mine := judge(training, taken)) is None or not mine.fits:
        return []
    tried = [judge(training, one) for one in scopes if one.name != taken.name]
    alike = [one for one in tried if one is not None and one.fits]
    alike = [one for one in alike if one.losses[-1] != mine.losses[-1]]
    if not alike:
        return []
    said = " or ".join(f"{one.reading.name} ({one.losses[-1]:.4g})" for one in alike)
    return [
        f"The logged loss does not tell {taken.name} ({mine.losses[-1]:.4g} at the end) from "
        f"{said}: see that the right one was taken."
    ]

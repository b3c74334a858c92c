"""The proof that a training done elsewhere was read right: its loss, logged and recomputed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Verdict = Literal["fits", "unclear", "misread", "unknown"]


@dataclass(frozen=True)
class Proof:
    """The loss that a Trainer logged beside the one that was recomputed.

    Attributes
    ----------
    verdict
        "fits"; "unclear" where the two are not quite alike; "misread" where they differ and the
        training was adopted all the same; "unknown" where there was nothing to compare with.
    reading
        What was recomputed: labels and loss.
    step
        The checkpoint at which the two are furthest apart, in tolerances; None: not compared.
    recomputed
        The loss that was recomputed there.
    logged
        The mean loss that the Trainer logged next to it.
    sentence
        The same in words.
    """

    verdict: Verdict
    reading: str
    step: int | None
    recomputed: float | None
    logged: float | None
    sentence: str

    @property
    def doubt(self) -> str | None:
        """What every result of the run should say; None where the training was read right."""
        return self.sentence if self.verdict == "misread" else None

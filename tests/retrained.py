"""One retraining of a run by its own retrainer, for tests that compare with it."""

from __future__ import annotations

from typing import Any

from wordtrace.retrainers.own import own_retrainer
from wordtrace.retrainers.retrain import Retraining, retrain
from wordtrace.run.run import Run


def retrained(run: Run, task: Retraining) -> dict[str, Any]:
    """The result of a retraining, in this process, without the store."""
    return retrain(task, own_retrainer(run, "a test"))

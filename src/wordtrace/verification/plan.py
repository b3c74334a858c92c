"""What a study will train: how many models, by what, where, and about how long."""

from __future__ import annotations

import math
import os
import statistics
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import asdict, dataclass, replace
from typing import Any

from wordtrace.errors import InputError
from wordtrace.execute.processes import cores
from wordtrace.execute.protocol import Executor
from wordtrace.report.numbers import seconds as in_words
from wordtrace.report.text import line
from wordtrace.retrainers.retrainer import Retrainer, is_foreign
from wordtrace.run.run import Run
from wordtrace.verification.plan_words import place_named, trainer_named
from wordtrace.verification.room import Room, room

#: About as many models as a stack has; how many fit is known only where they are trained.
_STACKED = 32


@dataclass(frozen=True)
class Plan:
    """What a study will train.

    Attributes
    ----------
    least, most
        How many models: a sequential study may stop before the last.
    trains
        What trains them, in words.
    foreign
        Whether that is a training that is not the library's own.
    where
        Where they are trained, in words.
    at_once
        How many are trained at a time; None where that is known only there.
    seconds
        How long a training takes; None where that is not known.
    source
        How that is known: "retrainings" of this run, "its first steps" (of a replay, which are
        made to know it), or "the recorded training".
    least_seconds, most_seconds
        How long all of it takes, with the workers there are; None where that is not known.
    why
        Why there are fewer at a time than cores, or "".
    kept
        How many models more the study may ask, which are kept from before, or whose answers are.
    expects
        How much the study will show, in words, where that is known; or "".

    Examples
    --------
    >>> plan = wt.plan(wt.verify, trace, k=3, repeats=2, workers=1)
    >>> plan.least == plan.most == 8
    True
    """

    least: int
    most: int
    trains: str
    foreign: bool
    where: str
    at_once: int | None
    seconds: float | None
    source: str | None
    least_seconds: float | None
    most_seconds: float | None
    why: str = ""
    kept: int = 0
    expects: str = ""

    @classmethod
    def of(
        cls,
        run: Run,
        retrainer: Retrainer,
        rounds: Sequence[int],
        surely: int,
        timed: Sequence[float],
        executor: str | Executor,
        workers: int | None,
        kept: int = 0,
    ) -> Plan:
        """Return the plan of models that are trained in rounds.

        Parameters
        ----------
        rounds
            How many models each round trains that are not kept.
        surely
            How many of the rounds are done in any case.
        timed
            The seconds of trainings of this run by this retrainer, done before.
        kept
            How many models are.
        """
        here = room(run, retrainer, workers) if executor == "processes" else None
        at_once = here.workers if here is not None else _elsewhere(executor, workers)
        one, source = _one(run, retrainer, timed, here if any(rounds) else None)

        def lasting(some: Sequence[int]) -> float | None:
            if one is None:
                return None
            return one * sum(math.ceil(count / (at_once or 1)) for count in some)

        return cls(
            sum(rounds[:surely]),
            sum(rounds),
            trainer_named(retrainer),
            is_foreign(retrainer),
            place_named(executor, at_once),
            at_once,
            one,
            source,
            lasting(rounds[:surely]),
            lasting(rounds),
            "" if here is None else here.said,
            kept,
        )

    def __repr__(self) -> str:
        return self.sentence()

    def document(self) -> dict[str, Any]:
        """Return it as JSON."""
        return asdict(self)

    def sentence(self) -> str:
        """Say it."""
        if not self.most:
            return "Nothing is to be trained: all models are known from before."
        whole = self.kept + self.most
        said = f"{self.kept:,} of {whole:,} models are kept from before; " if self.kept else ""
        said += f"{self.count()} to train by {self.trains}, {self.where}; "
        if self.seconds is None:
            said += "how long that takes is known when the first is trained."
        else:
            by = "" if self.source == "retrainings" else f", by what {self.source} took"
            said += f"about {in_words(self.seconds)} each{by}: {self.lasting()}."
        return " ".join(part for part in (said, self.why, self.expects) if part)

    def count(self) -> str:
        """Write how many models: 21, or 13 to 49."""
        said = f"{self.most:,}" if self.least == self.most else f"{self.least:,} to {self.most:,}"
        return f"{said} model{'' if self.most == 1 else 's'}"

    def lasting(self) -> str:
        """Write how long all of it takes."""
        if self.least_seconds is None or self.most_seconds is None:
            return "for how long is not known"
        least, most = in_words(self.least_seconds), in_words(self.most_seconds)
        whole = f"about {most}" if least == most else f"about {least} to {most}"
        return whole if self.at_once else f"{whole} one after the other"

    def timed(self, seconds: float) -> Plan:
        """Return it with the time that a training was seen to take."""
        if self.seconds:
            by = seconds / self.seconds
            least, most = (self.least_seconds or 0) * by, (self.most_seconds or 0) * by
        else:
            least, most = (
                seconds * math.ceil(count / (self.at_once or 1))
                for count in (self.least, self.most)
            )
        return replace(
            self,
            seconds=seconds,
            source="retrainings",
            least_seconds=least,
            most_seconds=most,
        )


Ask = Callable[[Plan], None]
_ASK: ContextVar[Ask | None] = ContextVar("ask", default=None)


@contextmanager
def asking(ask: Ask) -> Iterator[None]:
    """Have `ask` called with the plan before the first training of a study.

    It may raise: then nothing is trained.
    """
    token = _ASK.set(ask)
    try:
        yield
    finally:
        _ASK.reset(token)


def announce(plan: Plan) -> None:
    """Give a plan to who asks for it, once; else say it, where progress is shown."""
    ask = _ASK.get()
    if ask is not None:
        _ASK.set(None)
        ask(plan)
    elif plan.most > 1:
        tell(f"{plan.sentence()} Ctrl-C keeps what is done.")


def tell(said: str) -> None:
    """Say something on standard error, where progress is shown."""
    if os.environ.get("WORDTRACE_PROGRESS") != "0":
        sys.stderr.write(f"{line(said)}\n")


class _Planned(Exception):
    """Carries a plan out of the study that was to be planned only."""

    def __init__(self, plan: Plan) -> None:
        super().__init__()
        self.plan = plan


def plan(study: Callable[..., Any], /, *given: Any, **named: Any) -> Plan:
    """Return what a study would train, and train nothing.

    Parameters
    ----------
    study
        :func:`verify`, :func:`evaluate`, :func:`clusters`, or an index's `fix`.
    given, named
        What the study would be called with.

    Raises
    ------
    InputError
        When the study would train nothing at all; or what the study itself refuses.

    Examples
    --------
    >>> print(wt.plan(wt.verify, trace, k=3, repeats=2, workers=1))
    8 models to train by the run's own training, one at a time in this process...
    """

    def planned(found: Plan) -> None:
        raise _Planned(found)

    with asking(planned):
        try:
            study(*given, **named)
        except _Planned as found:
            return found.plan
    raise InputError(f"{getattr(study, '__name__', 'this')} trains nothing, so it has no plan.")


def at_once(run: Run, retrainer: Retrainer, executor: str | Executor, workers: int | None) -> int:
    """Return how many models are trained at a time, or a guess where only a cluster knows."""
    if executor == "processes":
        return room(run, retrainer, workers).workers
    return _elsewhere(executor, workers) or (_STACKED if executor == "stacked" else cores())


def _one(
    run: Run, retrainer: Retrainer, timed: Sequence[float], here: Room | None
) -> tuple[float | None, str | None]:
    """Return how long one training takes, and how that is known."""
    if timed:
        return statistics.median(timed), "retrainings"
    if here is not None and hasattr(retrainer, "pace"):
        paced: float | None = retrainer.pace(run, here.threads)
        if paced is not None:
            return paced * (_shared(here) if here.on_gpu else 1), "its first steps"
    one = run.manifest.seconds
    if one is None:
        return None, None
    if here is not None and (not run.is_cnn or is_foreign(retrainer)):
        one *= _shared(here)
    return one, "the recorded training"


def _shared(here: Room) -> float:
    """Return by what factor trainings take longer that share what one of them had for itself.

    With one of w parts of the cores, or in turns on a GPU, one takes from as long (where the whole
    was of no use to it) to w times as long: the middle of the two, as factors.
    """
    return math.sqrt(here.workers)


def _elsewhere(executor: str | Executor, workers: int | None) -> int | None:
    if isinstance(executor, str):
        return workers
    own: int | None = getattr(executor, "workers", None)
    return own

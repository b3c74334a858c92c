"""The proof of reading: the loss that the Trainer logged is recomputed and compared."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from wordtrace.adopt.brackets import Bound, Bracket, Rows, bracket
from wordtrace.adopt.logged import Logged
from wordtrace.adopt.readings import Reading
from wordtrace.adopt.recomputed import Measured, Recomputed, measured_by
from wordtrace.adopt.trainer_folder import Saved
from wordtrace.errors import InputError, option
from wordtrace.run.proof import Proof, Verdict

#: From how many tolerances on a reading is refused though no other one is known that fits.
_FAR = 2.0
#: One checkpoint in so many may lie outside: a loss may leap at some moment of a training.
_OFTEN = 4
_ENDS: dict[Verdict, str] = {
    "fits": "",
    "unclear": " They are not quite alike.",
    "misread": " They do not fit: what is made from this run may be of another training.",
}


@dataclass(frozen=True)
class Training:
    """What is compared: the checkpoints, the log, and the rows.

    Attributes
    ----------
    source
        The data file's name.
    rows
        How many rows it has.
    """

    recomputed: Recomputed
    logged: Logged
    source: str
    rows: int

    @property
    def saved(self) -> list[Saved]:
        """The checkpoints."""
        return self.recomputed.output.saved

    @property
    def batch(self) -> float:
        """How many rows the Trainer took a step."""
        epoch = self.logged.epoch
        return max(1.0, self.rows / epoch) if epoch else 8.0

    @property
    def accumulated(self) -> int:
        """How many batches of a device make a step.

        transformers logs their losses' sum in place of the mean where the model is not given the
        number of rows or tokens (from 4.46 on, by version).
        """
        device = self.saved[-1].state.get("train_batch_size")
        if not isinstance(device, int) or device < 1 or self.logged.epoch is None:
            return 1
        return round(self.batch / device)

    def scaled(self, factor: float) -> Training:
        """Return the same with all logged training losses multiplied by a factor."""
        windows = tuple(replace(one, loss=one.loss * factor) for one in self.logged.windows)
        return replace(self, logged=replace(self.logged, windows=windows))


@dataclass(frozen=True)
class Judged:
    """A reading beside the log.

    Attributes
    ----------
    training
        With the log as it was understood.
    beyond
        By how many tolerances its loss lies outside what was logged, at the worst checkpoint but
        one in four; up to 1 it fits.
    distance
        How far it lies from what was logged on average, in tolerances.
    place
        That checkpoint.
    loss
        The loss recomputed there.
    bound
        What was logged there.
    losses
        The losses recomputed without dropout at all checkpoints.
    """

    training: Training
    reading: Reading
    beyond: float
    distance: float
    place: int
    loss: float
    bound: Bound
    losses: tuple[float, ...]

    @property
    def fits(self) -> bool:
        """Whether it lies within what was logged."""
        return self.beyond <= 1


def prove(
    training: Training, taken: Reading, others: Callable[[], Iterable[Reading]], force: bool
) -> Proof:
    """Compare the reading that was taken with the log.

    Parameters
    ----------
    others
        Other readings, to be tried where the one that was taken does not fit.
    force
        Adopt a training that was misread.

    Raises
    ------
    InputError
        When the reading does not fit; names the readings that do.
    """
    judged = judge(training, taken)
    if judged is None:
        return _without_log(training, taken, force)
    if judged.fits:
        return _told(judged, "fits")
    tried = [found for one in others() if (found := judge(training, one)) is not None]
    fitting = sorted((one for one in tried if one.fits), key=lambda one: one.distance)
    if not fitting and judged.beyond < _FAR:
        return _told(judged, "unclear")
    if not force:
        raise InputError(_refusal(judged, tried, fitting))
    return _told(judged, "misread")


def with_evaluation(proof: Proof, logged: Logged, step: int, recomputed: float) -> Proof:
    """Add what the Trainer's own evaluation says, where one was logged at the final checkpoint.

    The same rows without dropout give the same loss, but the held-out examples may be others than
    those of the Trainer: a difference is said, and refuses nothing.

    Parameters
    ----------
    recomputed
        The final checkpoint's loss on the held-out examples.
    """
    there = logged.evaluated.get(step)
    if there is None:
        return proof
    alike = abs(recomputed - there) <= 0.005 + 0.02 * abs(there)
    sentence = (
        f"{proof.sentence} On the held-out examples it is {recomputed:.4g}, logged {there:.4g}"
        + ("." if alike else ": were they the Trainer's evaluation data?")
    )
    fits = alike and proof.verdict in ("unknown", "unclear")
    return replace(proof, sentence=sentence, verdict="fits" if fits else proof.verdict)


def judge(training: Training, reading: Reading) -> Judged | None:
    """Return how a reading lies beside the log; None where nothing was logged beside a checkpoint.

    Trainers differ in what they divide by and in what they log of accumulated batches: what fits
    best counts.
    """
    ways = [reading, *(replace(reading, rows=rows, also=()) for rows in reading.also)]
    logs = [training]
    if (parts := training.accumulated) > 1:
        logs.append(training.scaled(1 / parts))
    found = [one for way in ways for log in logs if (one := _judged(log, way)) is not None]
    return min(found, key=lambda one: (max(one.beyond, 1), one.distance), default=None)


def _judged(training: Training, reading: Reading) -> Judged | None:
    losses, every = [], []
    for place, one in enumerate(training.saved):
        plain = measured_by(reading, training.recomputed.plain[place], training.batch)
        losses.append(plain.loss)
        between = _bracket(training, one, plain)
        found = _beyond(training, reading, place, plain.loss, between)
        if found is not None:
            every.append((*found, place))
    if not every:
        return None
    distance = sum(abs(loss - bound.loss) / bound.tolerance for _, loss, bound, _ in every)
    every.sort(key=lambda one: -one[0])
    beyond, loss, bound, place = every[len(every) // _OFTEN]
    return Judged(
        training, reading, beyond, distance / len(every), place, loss, bound, tuple(losses)
    )


def _bracket(training: Training, one: Saved, plain: Measured) -> Bracket:
    part = one.epoch % 1
    part = 0.0 if part > 0.999 or part < 0.001 else part
    rows = Rows(plain.spread, len(training.recomputed.sample), training.rows, training.batch)
    return bracket(training.logged, one.step, part, rows)


def _beyond(
    training: Training, reading: Reading, place: int, plain: float, between: Bracket
) -> tuple[float, float, Bound] | None:
    """Return how far a checkpoint is outside, the loss that is, and the bound that it is beyond."""
    excess, lack, loss = between.excess(plain), between.lack(plain), plain
    if lack > 1 and lack > excess:
        said = training.recomputed.dropped(place)
        loss = measured_by(reading, said, training.batch).loss
        lack = between.lack(loss)
    bound = between.nearest(loss)
    if lack > excess and between.lower:
        bound = max(between.lower, key=lambda one: (one.loss - loss) / one.tolerance)
    elif between.upper is not None:
        bound, loss = between.upper, plain
    return None if bound is None else (max(excess, lack), loss, bound)


def _without_log(training: Training, taken: Reading, force: bool) -> Proof:
    """Judge by the checkpoints alone, where no loss was logged beside one."""
    found = [measured_by(taken, said, training.batch) for said in training.recomputed.plain]
    first, last = found[0], found[-1]
    steps = [one.step for one in training.saved]
    said = "The Trainer logged no loss that could be compared with the recomputed one"
    if len(found) < 2:
        return Proof("unknown", taken.name, None, last.loss, None, f"{said}.")
    fell = (
        f"{said}; recomputed, it is {first.loss:.4g} at step {steps[0]} and {last.loss:.4g} at "
        f"step {steps[-1]}"
    )
    slack = 2 * last.spread / len(training.recomputed.sample) ** 0.5 + 0.02 + 0.05 * first.loss
    if last.loss <= first.loss + slack:
        return Proof("unknown", taken.name, None, last.loss, None, f"{fell}.")
    if not force:
        raise InputError(
            f"{training.recomputed.output.folder}: {_lower(fell)}: with {taken.name} it does not "
            "fall. Are the data, the columns, the labels and the loss those of the training? "
            f"{option('force', True)} adopts it as it is."
        )
    return Proof("misread", taken.name, steps[-1], last.loss, None, f"{fell}: it does not fall.")


def _told(judged: Judged, verdict: Verdict) -> Proof:
    """Return the proof of a reading: its figures at the last checkpoint, or at the worst."""
    training, place, loss, bound = judged.training, judged.place, judged.loss, judged.bound
    if verdict == "fits":
        plain = measured_by(judged.reading, training.recomputed.plain[-1], training.batch)
        last = _bracket(training, training.saved[-1], plain)
        if last.upper is not None:
            place, loss, bound = len(training.saved) - 1, plain.loss, last.upper
    step = training.saved[place].step
    sentence = (
        f"With {judged.reading.name} the loss is {loss:.4g} at step {step}; the Trainer logged "
        f"{bound.loss:.4g} for {_steps(bound)}.{_ENDS[verdict]}"
    )
    return Proof(verdict, judged.reading.name, step, loss, bound.loss, sentence)


def _refusal(judged: Judged, tried: list[Judged], fitting: list[Judged]) -> str:
    """Say what does not fit, and what does."""
    training = judged.training
    said = (
        f"{training.recomputed.output.folder}: {judged.reading.name} does not fit: at step "
        f"{training.saved[judged.place].step} the loss is {judged.loss:.4g}, the Trainer logged "
        f"{judged.bound.loss:.4g} for {_steps(judged.bound)}. "
    )
    # What can't be traced is named only where nothing else fits.
    named = [one for one in fitting if one.reading.supported] or fitting
    for one in named[:3]:
        loss = one.losses[judged.place]
        said += f"{_upper(one.reading.name)} fits ({loss:.4g}): {one.reading.remedy}. "
    if not fitting:
        names = ", ".join(dict.fromkeys(one.reading.name for one in tried))
        other = f"None of the other readings fits either ({names}): is" if names else "Is"
        said += f"{other} {training.source} the file of this training? "
    return f"{said}{option('force', True)} adopts it as it is."


def _steps(bound: Bound) -> str:
    first, last = bound.steps
    return f"step {last}" if first == last else f"the steps {first} to {last}"


def _lower(said: str) -> str:
    return said[:1].lower() + said[1:]


def _upper(said: str) -> str:
    return said[:1].upper() + said[1:]

"""Tasks as jobs of a Slurm cluster: every machine sees the same folders, a lost job is sent again.

submitit writes the task to a file by cloudpickle and the job reads it. That file lies in a folder
that is made anew for each run of tasks and that nobody else may enter. What comes back is JSON: no
file that was found is ever unpickled.
"""

from __future__ import annotations

import copy
import math
import os
import re
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Generic, TypeVar

from wordtrace.errors import InputError, TrainingError, WordtraceError, option
from wordtrace.execute import job_files
from wordtrace.execute.job_files import JobFiles, name_of
from wordtrace.execute.processes import cores
from wordtrace.execute.protocol import Lost
from wordtrace.execute.resources import check_resources

Item = TypeVar("Item")
Result = TypeVar("Result")

# Clusters limit the jobs of an array, mostly to 1,000.
_ARRAY = 1000
# How often answers are looked for, and how often Slurm is asked for jobs that ended without one.
_LOOK_EVERY_S, _ASK_EVERY_S = 0.2, 30.0
# How long a file that another machine wrote may take to be seen here.
_GRACE_S = 15.0


class SlurmCluster:
    """An :class:`~wordtrace.execute.protocol.Executor` over the machines of a Slurm cluster.

    Each task is a job of a job array (more arrays where there are over 1,000). The run's folder
    must be on storage that every machine sees under the same path, and the Python that runs here
    must be there, too. A task whose job dies, or runs out of its time, is sent again: a task must
    end the same when it is run twice. An interruption cancels the jobs. Where the program itself is
    killed they go on, and the next run of the same tasks takes the results that they left.

    Parameters
    ----------
    partition
        The partition, or several with commas; by default the cluster's own choice.
    workers
        The most jobs at a time; by default 64.
    attempts
        How often a task is tried.
    tolerant
        Also repeat a task that raised a :class:`WordtraceError`; and if all attempts fail, yield
        :class:`~wordtrace.execute.protocol.Lost` in place of a result and go on.
    cpus, memory, gpus
        What Slurm gives to each job: cores, bytes (0: the cluster's default), and GPUs. A job has
        as many threads as cores.
    minutes
        After how many minutes Slurm ends a job; by default 60, or a little more than the time limit
        of what is run.
    cluster
        "slurm"; "local" runs the jobs as processes of this machine, to try a study where there is
        no Slurm.

    Raises
    ------
    InputError
        When a number is not positive, or a name is wrong.

    Examples
    --------
    >>> from wordtrace.execute.slurm import SlurmCluster
    >>> cluster = SlurmCluster("short", workers=20, cpus=4, memory=8 << 30, minutes=30)
    >>> cluster.minutes
    30
    """

    def __init__(
        self,
        partition: str | None = None,
        workers: int | None = None,
        attempts: int = 3,
        *,
        tolerant: bool = False,
        cpus: int = 1,
        memory: int = 0,
        gpus: int = 0,
        minutes: float | None = None,
        cluster: str = "slurm",
    ) -> None:
        check_resources(workers, memory, gpus)
        if cpus < 1 or cpus != int(cpus):
            raise InputError(f"{option('cpus')} is {cpus:g}; Slurm gives whole cores, from 1.")
        if minutes is not None and not 0 < minutes < math.inf:
            raise InputError(f"{option('minutes')} is {minutes:g}; it must be over 0.")
        # It becomes a line of a shell script.
        if partition is not None and not re.fullmatch(r"[\w.,-]+", partition):
            raise InputError(
                f"{option('partition')} is {partition!r}; give names as `sinfo` lists them."
            )
        if cluster not in ("slurm", "local"):
            raise InputError(f"{option('cluster')} is {cluster!r}; it must be slurm or local.")
        self.partition, self.workers, self.attempts = partition, workers, attempts
        self.tolerant, self.cpus, self.memory, self.gpus = tolerant, int(cpus), memory, gpus
        self._minutes, self.cluster = minutes, cluster
        #: The seconds that a task gives itself, or None.
        self.limit: float | None = None
        self._folder: Path | None = None

    @property
    def minutes(self) -> float:
        """After how many minutes Slurm ends a job."""
        if self._minutes is not None:
            return self._minutes
        return 60 if self.limit is None else math.ceil(self.limit / 60) + 5

    def within(self, folder: Path) -> SlurmCluster:
        """Return this executor with the folder in which its jobs find their tasks."""
        copied = copy.copy(self)
        copied._folder = folder
        return copied

    def run(
        self, task: Callable[[Item], Result], items: Iterable[Item]
    ) -> Iterator[tuple[Item, Result]]:
        """Yield each item with its result, a JSON document, in the order of completion.

        Raises
        ------
        InputError
            When submitit is not installed or no job can be sent from this machine.
        WordtraceError
            When a task lost its job in every attempt, or raised an error, unless `tolerant`.
        """
        if self._folder is None:
            raise InputError(
                "a SlurmCluster has no place for its jobs' files; give it as "
                f"{option('executor')} to a function that retrains or builds an index."
            )
        waiting = (_Sent(item, name_of(item)) for item in items)
        again: list[_Sent[Item]] = []
        limit = self.workers or (64 if self.cluster == "slurm" else cores())
        size = _ARRAY if self.cluster == "slurm" else limit
        with JobFiles(self._folder) as files:
            # One array after the other, so that the limit holds for all jobs together.
            while part := again[:size] or list(islice(waiting, size)):
                again = again[size:]
                new = []
                for one in part:
                    if (found := files.left(one.name)) is None:
                        new.append(one)
                    else:
                        yield one.item, found["result"]
                for one, result in self._array(task, new, files, limit):
                    if not isinstance(result, WordtraceError):
                        yield one.item, result
                        continue
                    if not (self.tolerant or isinstance(result, _Died)):
                        raise result
                    if one.attempt < self.attempts and not isinstance(result, TrainingError):
                        again.append(_Sent(one.item, one.name, one.attempt + 1))
                        continue
                    files.keep |= isinstance(result, _Died)
                    if self.tolerant:
                        yield one.item, _lost(result, one.attempt)
                    else:
                        raise WordtraceError(
                            f"{result} That happened {self.attempts} times; what was finished is "
                            "kept: run the same command again to go on."
                        )

    def _array(
        self,
        task: Callable[[Item], Result],
        new: list[_Sent[Item]],
        files: JobFiles,
        limit: int,
    ) -> Iterator[tuple[_Sent[Item], Any]]:
        """Send tasks as an array; yield each with its result or its error as its job ends."""
        if not new:
            return
        sender = self._sender(files.own, limit)
        paths = [files.answer(one.name, one.attempt) for one in new]
        items = [one.item for one in new]
        count = len(new)
        try:
            jobs = sender.map_array(job_files.do, [task] * count, items, paths, [self.cpus] * count)
        except RuntimeError as error:  # of submitit: what sbatch said
            said = (str(error).strip().splitlines() or ["it gave no reason"])[-1]
            raise WordtraceError(f"Slurm did not take the jobs: {said}") from None
        flying = dict(zip(jobs, zip(new, paths, strict=True), strict=True))
        with _cancelling(flying):
            while flying:
                for job, answer in self._ended(flying, files.own):
                    one, _ = flying.pop(job)
                    yield one, answer
                time.sleep(_LOOK_EVERY_S)

    def _ended(
        self, flying: dict[Any, tuple[_Sent[Item], Path]], room: Path
    ) -> Iterator[tuple[Any, Any]]:
        """Yield each job that has ended, with its result or its error."""
        room.chmod(0o700)  # so that a network file system looks anew
        there = set(os.listdir(room))
        far = self.cluster == "slurm"
        for job, (one, path) in list(flying.items()):
            now = time.monotonic()
            if path.name in there:
                if job.done():
                    yield job, job_files.read(path)
            elif far and now - one.asked < _ASK_EVERY_S:
                continue
            elif job.done(force_check=True):
                one.ended = one.ended or now
                if not far or now - one.ended >= _GRACE_S:
                    yield job, self._died(job)
            else:
                one.asked = now

    def _died(self, job: Any) -> WordtraceError:
        return _Died(
            f"job {job.job_id} ended without a result ({job.state.lower()}): it died, out of "
            f"memory perhaps, or took over {self.minutes:g} minutes; its log is {job.paths.stderr}."
        )

    def _sender(self, room: Path, limit: int) -> Any:
        """Return what sends jobs with the resources that each is given."""
        try:
            import submitit
        except ImportError:
            raise InputError(
                "the executor slurm needs submitit: install it with `pip install "
                "'wordtrace[slurm]'`."
            ) from None
        try:
            sender = submitit.AutoExecutor(folder=room, cluster=self.cluster)
        except RuntimeError:
            raise InputError(
                "no Slurm was found here (there is no `srun`); run the command on a machine from "
                f"which jobs are sent, or give {option('executor', 'processes')}."
            ) from None
        sender.update_parameters(
            name="wordtrace",
            timeout_min=math.ceil(self.minutes),
            cpus_per_task=self.cpus,
            gpus_per_node=self.gpus or None,
            mem_gb=self.memory / (1 << 30) or None,
            slurm_partition=self.partition,
            slurm_array_parallelism=limit,
            local_timeout_min=self.minutes,
        )
        return sender


class _Died(WordtraceError):
    """A job ended without an answer."""


@dataclass(eq=False)
class _Sent(Generic[Item]):
    """A task: the name of its answers, the number of the attempt, and what is known of its job.

    Attributes
    ----------
    asked, ended
        When Slurm was last asked for the job, and when it was first said to have ended (or 0).
    """

    item: Item
    name: str
    attempt: int = 1
    asked: float = 0.0
    ended: float = 0.0


@contextmanager
def _cancelling(flying: dict[Any, Any]) -> Iterator[None]:
    """Cancel the jobs that have not ended when the block is left."""
    try:
        yield
    finally:
        # A whole array by its number, since there may be a thousand jobs.
        of = {job.job_id.partition("_")[0]: job for job in flying}
        for array, job in of.items():
            with suppress(OSError):
                if array != job.job_id:
                    job = type(job)(job.paths.folder, array)
                job.cancel(check=False)


def _lost(error: WordtraceError, attempts: int) -> Any:
    return Lost(f"{error} (tried {attempts} times)" if attempts > 1 else str(error))

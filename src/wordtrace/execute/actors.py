"""Objects that stay in processes of a Ray cluster, to be asked again and again."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from typing import Any

from wordtrace.errors import InputError, option
from wordtrace.execute.connection import connected, result_of
from wordtrace.execute.progress import track
from wordtrace.execute.threads import one_thread


class Actors:
    """Objects on the machines of a Ray cluster; each is an actor with one core and one thread.

    If the process or machine of an object dies, the object is made anew elsewhere and asked again,
    so making and asking must give the same result when repeated. After an error or an interruption
    all objects are gone.

    Parameters
    ----------
    address, workers
        As of :class:`~wordtrace.execute.ray.RayCluster`; `workers` is the most objects.
    attempts
        How often an object is made before asking it fails.

    Raises
    ------
    InputError
        When Ray is not installed, the cluster can't be reached, or it has fewer cores.
    """

    def __init__(
        self, address: str | None = None, workers: int | None = None, attempts: int = 4
    ) -> None:
        if workers is not None and workers < 1:
            raise InputError(f"{option('workers')} is {workers}; it must be at least 1.")
        self.attempts = attempts
        self._lost = (
            f"a worker of the cluster died {attempts} times at the same question ({{}}: its "
            f"process or machine died, out of memory perhaps); give fewer {option('workers')} or "
            f"less {option('memory')}, and run the same command again."
        )
        stack = ExitStack()
        self._ray = stack.enter_context(connected(address, workers))
        self._handles: list[Any] = []
        self._end = weakref.finalize(self, _release, self._ray, self._handles, stack)
        cores = max(1, int(self._ray.cluster_resources().get("CPU", 1)))
        if workers is not None and workers > cores:
            self.close()
            raise InputError(
                f"{option('workers')} is {workers}, but the Ray cluster has {cores} cores; give "
                f"{cores} or fewer."
            )
        #: The largest number of objects for which there is room.
        self.room: int = workers or cores

    def start(self, make: Callable[[Any], Any], items: Sequence[Any]) -> None:
        """Make an object from each item, on as many machines as there are; wait for all."""
        kept = self._ray.remote(
            num_cpus=1,
            max_restarts=self.attempts - 1,
            max_task_retries=self.attempts - 1,
            scheduling_strategy="SPREAD",
        )(_Kept)
        with self._closing(), track("Starting workers", len(items), "workers") as advance:
            self._handles += [kept.remote(make, item) for item in items]
            waiting = [handle.ready.remote() for handle in self._handles]
            while waiting:
                # Where the cluster is busy with other work, this takes as long as that.
                done, waiting = self._ray.wait(waiting, timeout=1.0)
                result_of(self._ray, done, self._lost)
                advance(len(done))

    def ask(self, method: str, *given: Any) -> list[Any]:
        """Call a method of every object with the same arguments; return the answers in order.

        Raises
        ------
        WordtraceError
            When an object was lost in every attempt.
        """
        with self._closing():
            # Put them once, so that each machine receives them once, however many objects it has.
            shared = [self._ray.put(one) for one in given]
            asked = [handle.ask.remote(method, *shared) for handle in self._handles]
            found: list[Any] = result_of(self._ray, asked, self._lost)
            return found

    @property
    def closed(self) -> bool:
        """Whether the objects are gone."""
        return not self._end.alive

    def close(self) -> None:
        """End the objects, and a cluster that was started here for them."""
        self._end()

    def _closing(self) -> ExitStack:
        """Close if the block fails, so that unfinished work does not mix with the next call."""
        stack = ExitStack()

        def left(kind: object, error: object, trace: object) -> None:
            if kind is not None:
                self.close()

        stack.push(left)
        return stack


class _Kept:
    """The actor.

    The object is made at the first call, because Ray reports an error in a constructor only as the
    death of the actor.
    """

    def __init__(self, make: Callable[[Any], Any], item: Any) -> None:
        self._make, self._item = make, item
        self._object: Any = None

    def ready(self) -> None:
        if self._object is None:
            with one_thread():
                self._object = self._make(self._item)

    def ask(self, method: str, *given: Any) -> Any:
        self.ready()
        with one_thread():
            return getattr(self._object, method)(*given)


def _release(ray: Any, handles: list[Any], stack: ExitStack) -> None:
    # When the interpreter ends, Ray may be gone already, and its actors with it.
    with suppress(Exception):
        for handle in handles:
            ray.kill(handle, no_restart=True)
    handles.clear()
    stack.close()

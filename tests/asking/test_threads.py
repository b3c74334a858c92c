"""An opened index that several threads ask at once answers each as if it were alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from time import sleep
from typing import Any

import numpy as np
import pytest
import torch

from wordtrace import api
from wordtrace.execute.once import once
from wordtrace.execute.threads import one_thread
from wordtrace.run import load
from wordtrace.run.manifest import RunManifest

TEXTS = [
    "the striker and the coach win a match",
    "profit of the bank and the bank of growth , and shares , and trade , and debt",
    "actor",
    "the market of the season",
    "a director and a star in a drama , a scene of the cast , a movie for the oscar award",
    "zebra",
    "league cup goal",
    "euro price of the stock",
]
MEASURES = ["tracin-we-topk", "tracin-we", "tracin-last", "tracin-all", "bm25"]


@pytest.fixture
def switching() -> Iterator[None]:
    """Let threads take turns far more often than they do, so that what can clash does."""
    import sys

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def at_once(tasks: list[Callable[[], Any]]) -> list[Any]:
    """Run each task in a thread of its own, all from the same moment on."""
    barrier = Barrier(len(tasks))

    def begin(task: Callable[[], Any]) -> Any:
        barrier.wait()
        return task()

    with ThreadPoolExecutor(len(tasks)) as pool:
        return list(pool.map(begin, tasks))


def answer(index: api.Index, text: str, measure: str) -> dict[str, Any]:
    # By whole word the gradients are computed once more, on the models that others use.
    found = index.trace(text, measure=measure, top=5, words=True).document()
    del found["seconds"]
    return found


def test_threads_that_ask_at_once_get_what_each_gets_alone(
    index: api.Index, switching: None
) -> None:

    alone = api.Index.open(index.folder.path)
    expected = {
        (text, measure): answer(alone, text, measure) for text in TEXTS for measure in MEASURES
    }
    # Newly opened: loading, too, is done by all at once.
    asked = api.Index.open(index.folder.path)
    for turn in range(3):
        wanted = [(text, MEASURES[(turn + at) % 5]) for at, text in enumerate(TEXTS)]
        found = at_once([lambda one=one: answer(asked, *one) for one in wanted])
        for one, document in zip(wanted, found, strict=True):
            assert document == close(expected[one]), one


def close(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: close(one) for key, one in value.items()}
    if isinstance(value, list):
        return [close(one) for one in value]
    return pytest.approx(value, rel=1e-5, abs=1e-9) if isinstance(value, float) else value


def test_a_matrix_and_predictions_are_asked_beside_gradients(
    index: api.Index, switching: None
) -> None:
    opened = api.Index.open(index.folder.path)
    expected = [api.influence(index.run, text, "tracin-all") for text in TEXTS]
    said = index.run.predict(TEXTS)

    def matrix(text: str) -> Any:
        return api.influence(opened.run, text, "tracin-all")

    tasks: list[Callable[[], Any]] = [lambda text=text: matrix(text) for text in TEXTS]
    tasks += [lambda: opened.run.predict(TEXTS)] * 4
    found = at_once(tasks)
    for one, other in zip(found, [*expected, *[said] * 4], strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-8)


def test_a_model_is_loaded_once_however_many_ask(
    run: api.Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded: list[str] = []
    load_model = load.load_model

    def counted(path: Path, manifest: RunManifest, folder: str) -> Any:
        loaded.append(folder)
        return load_model(path, manifest, folder)

    monkeypatch.setattr(load, "load_model", counted)
    opened = api.Run.open(run.path)
    models = at_once([lambda: opened.model(opened.final)] * 8)
    assert len(loaded) == 1
    assert len({id(one) for one in models}) == 1


def test_an_attribute_is_computed_once_however_many_ask() -> None:
    computed: list[int] = []

    class Thing:
        @once
        def value(self) -> object:
            computed.append(1)
            sleep(0.05)
            return object()

    thing = Thing()
    found = at_once([lambda: thing.value] * 8)
    assert len(computed) == 1
    assert len({id(one) for one in found}) == 1
    assert list(vars(thing)) == ["value"]


def test_holds_that_overlap_leave_the_number_of_threads_as_it_was() -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        first, second = one_thread(), one_thread()
        with ThreadPoolExecutor(1) as pool:
            first.__enter__()
            # This thread begins in the meantime: it finds one, which is not its own to leave.
            pool.submit(second.__enter__).result()
            first.__exit__(None, None, None)
            assert torch.get_num_threads() == 3
            assert pool.submit(torch.get_num_threads).result() == 1
            pool.submit(second.__exit__, None, None, None).result()
            assert pool.submit(torch.get_num_threads).result() == 3
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(torch.get_num_threads).result() == 3
        with one_thread():
            with one_thread():
                pass
            assert torch.get_num_threads() == 1
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)

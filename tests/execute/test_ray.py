"""A cluster of several worker processes on this machine: the same results, deaths survived."""

from __future__ import annotations

import os
import shutil
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest

from tests.execute.ray_jobs import Counter, die, die_once, meet, refuse, sick, square
from tests.patience import wait_until
from tests.trees import contents
from wordtrace import api
from wordtrace.errors import InputError, WordtraceError
from wordtrace.execute.actors import Actors
from wordtrace.execute.protocol import Lost
from wordtrace.execute.ray import RayCluster

ray = pytest.importorskip("ray", reason="Ray is not installed: pip install 'wordtrace[ray]'")

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    # Workers inherit it. Ray starts those beforehand that need no environment of their own.
    path = os.pathsep.join([os.getcwd(), str(Path(api.__file__).parents[2])])
    # Workers that give way to the tests beside them would take three times as long.
    with mock.patch.dict(os.environ, {"PYTHONPATH": path, "RAY_worker_niceness": "0"}):
        ray.init(
            address="local",
            num_cpus=2,
            object_store_memory=128 << 20,
            include_dashboard=False,
            log_to_driver=False,
        )
    yield ray
    ray.shutdown()


def test_each_item_comes_back_once_with_its_result_from_one_thread(cluster: Any) -> None:
    found = dict(RayCluster().run(square, range(9)))
    assert found == {item: (item * item, 1) for item in range(9)}
    assert list(RayCluster().run(square, [])) == []


def test_a_tasks_own_error_comes_through(cluster: Any) -> None:
    with pytest.raises(InputError, match=r"^item \d is wrong; give another\.$") as raised:
        list(RayCluster().run(refuse, range(3)))
    # It still knows which setting it names, for the command line.
    assert raised.value.worded(lambda one: f"--{one.name}").startswith("--item ")


def test_a_task_whose_worker_dies_runs_again(cluster: Any, tmp_path: Path) -> None:
    items = [str(tmp_path / name) for name in "abc"]
    assert sorted(result for _, result in RayCluster().run(die_once, items)) == ["a", "b", "c"]


def test_a_task_that_always_dies_is_one_sentence(cluster: Any) -> None:
    with pytest.raises(WordtraceError, match=r"failed 2 times .*what was finished is kept"):
        list(RayCluster(attempts=2).run(die, [1]))


def test_a_tolerant_cluster_loses_only_what_can_not_be_had(cluster: Any, tmp_path: Path) -> None:
    names = ["a", "nan", "nan once", "b", "hang", "hang once", "c"]
    items = [str(tmp_path / name) for name in names]
    tolerant = RayCluster(attempts=2, tolerant=True, patience=10)
    found = {Path(item).name: result for item, result in tolerant.run(sick, items)}
    for name in ("a", "b", "c", "nan once", "hang once"):
        assert found[name] == name
    assert found["nan"] == Lost("the loss is nan. (tried 2 times)")
    assert "gave no answer in 10 s" in found["hang"].reason
    # Twice; on a slow machine one sent first may be taken for hanging, and be sent once more.
    assert (tmp_path / "nan").read_text() in ("..", "...", "....")
    assert (tmp_path / "hang").read_text() in ("..", "...", "....")
    assert (tmp_path / "a").read_text() in (".", "..")


def test_what_hangs_before_anything_is_done_is_sent_again(cluster: Any, tmp_path: Path) -> None:
    """The first tasks are sent when nobody knows how long one takes."""
    items = [str(tmp_path / name) for name in ("hang once", "a")]
    found = list(RayCluster(workers=2, patience=1).run(sick, items))
    assert sorted(result for _, result in found) == ["a", "hang once"]


def test_a_task_has_the_resources_it_was_promised(cluster: Any, tmp_path: Path) -> None:
    for cpus, most in ((2, 1), (1, 2)):
        folder = tmp_path / str(cpus)
        folder.mkdir()
        items = [str(folder / str(place)) for place in range(2)]
        found = [count for _, count in RayCluster(cpus=cpus).run(meet, items)]
        assert max(found) == most
    with pytest.raises(InputError, match=r"cpus: no machine .* has 3 CPUs; .* has 2\."):
        list(RayCluster(cpus=3).run(square, [1]))
    with pytest.raises(InputError, match="memory: no machine of the cluster has"):
        list(RayCluster(memory=1 << 60).run(square, [1]))
    with pytest.raises(InputError, match="cpus is 0; it must be over 0"):
        RayCluster(cpus=0)


def test_an_index_built_by_a_cluster_with_a_worker_killed_is_byte_identical(
    cluster: Any, run: api.Run, tmp_path: Path
) -> None:
    api.build_index(run, tmp_path / "local", shard_size=3, workers=1)
    part, killed = tmp_path / "cluster.part", []
    over = threading.Event()

    def kill_one() -> None:
        while not (killed or over.is_set()):
            if len(list(part.glob("checkpoint-*/*.safetensors"))) > 5:
                for pid in workers():
                    os.kill(pid, signal.SIGKILL)
                    killed.append(pid)
                    return
            time.sleep(0.01)

    killer = threading.Thread(target=kill_one)
    killer.start()
    index = api.build_index(run, tmp_path / "cluster", shard_size=3, executor="ray")
    over.set()
    killer.join()
    assert killed
    assert contents(tmp_path / "cluster") == contents(tmp_path / "local")
    assert index.folder.check() == []


def test_retrainings_on_a_cluster_with_a_worker_killed_are_those_made_here(
    cluster: Any, run: api.Run, tmp_path: Path
) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    for folder in (here, there):
        shutil.copytree(run.path, folder, ignore=shutil.ignore_patterns("*.sqlite*"))
    choices = {"measures": ["tracin-we-topk"], "lds": 3, "k": [3, 8], "repeats": 2}
    expected = api.evaluate(here, 3, **choices, workers=1).document()
    killed: list[int] = []
    over = threading.Event()

    def kill_one() -> None:
        while not (killed or over.is_set()):
            for pid in workers():
                os.kill(pid, signal.SIGKILL)
                killed.append(pid)
                return
            time.sleep(0.01)

    killer = threading.Thread(target=kill_one)
    killer.start()
    found = api.evaluate(there, 3, **choices, executor="ray").document()
    over.set()
    killer.join()
    assert killed
    assert found["dropped"] == []
    for name in ("lds", "measures", "controls", "queries", "efficiency"):
        assert found[name] == expected[name]


def test_objects_are_made_once_kept_and_made_anew_where_their_process_died(
    cluster: Any, tmp_path: Path
) -> None:
    actors = Actors()
    assert actors.room == 2
    actors.start(Counter, [tmp_path / "a", tmp_path / "b"])
    for _ in range(3):
        assert actors.ask("made") == [("a", 1, 1), ("b", 1, 1)]
    assert actors.ask("die_once", "b") == ["a", "b"]
    assert actors.ask("made") == [("a", 1, 1), ("b", 2, 1)]
    actors.close()
    assert actors.closed
    assert ray.is_initialized()  # the test's own cluster


def test_what_an_object_raises_comes_through_and_one_that_is_lost_is_a_sentence(
    cluster: Any, tmp_path: Path
) -> None:
    for method, message in (
        ("refuse", r"^that is wrong; give another\.$"),
        ("die", r"^a worker of the cluster died 2 times .*run the same command again\.$"),
    ):
        actors = Actors(attempts=2)
        actors.start(Counter, [tmp_path / method])
        with pytest.raises(WordtraceError, match=message):
            actors.ask(method)
        assert actors.closed
    with pytest.raises(InputError, match="workers is 9, but the Ray cluster has 2 cores; give 2"):
        Actors(workers=9)


def test_a_trace_on_a_cluster_with_a_worker_killed_is_the_one_made_here(
    cluster: Any, run: api.Run, tmp_path: Path
) -> None:
    index = api.build_index(run, tmp_path / "index", shard_size=3, workers=1)
    index.remove([run.train.ids[row] for row in (1, 30)])
    texts = ["the striker and the coach", "profit of the bank", "a drama of the cast"] * 400
    expected = index.trace(texts, top=3).document()
    assert index.trace(texts[:3], executor="ray").queries == index.trace(texts[:3]).queries
    before = workers(b"ray::_Kept")
    assert len(before) == 2
    killed: list[int] = []
    over = threading.Event()

    def kill_one() -> None:
        while not (killed or over.is_set()):
            for pid in workers(b"ray::_Kept.ask"):
                os.kill(pid, signal.SIGKILL)
                killed.append(pid)
                return

    killer = threading.Thread(target=kill_one)
    killer.start()
    found = index.trace(texts, top=3, executor="ray").document()
    over.set()
    killer.join()
    assert len(set(killed) & set(before)) == 1
    assert len(set(workers(b"ray::_Kept")) - set(before)) == 1
    assert {**found, "seconds": 0} == {**expected, "seconds": 0}
    np.testing.assert_array_equal(
        api.influence(index, texts[:90], executor="ray"), api.influence(index, texts[:90])
    )
    index.close()
    wait_until(lambda: workers(b"ray::_Kept") == [])


def workers(title: bytes = b"ray::_alone") -> list[int]:
    """Return this cluster's worker processes that are at a task; Ray names them so."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            try:
                named = (folder / "cmdline").read_bytes().startswith(title)
            except OSError:
                continue
            if named and _is_below(int(folder.name), os.getpid()):
                found.append(int(folder.name))
    return found


def _is_below(pid: int, ancestor: int) -> bool:
    while pid > 1:
        try:
            pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            return False
        if pid == ancestor:
            return True
    return False


def test_wrong_names_and_addresses_are_refused(run: api.Run, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="executor is 'dask'; it must be processes, ray or slurm"):
        api.build_index(run, tmp_path / "x", executor="dask")
    with pytest.raises(InputError, match="give executor='ray'"):
        api.build_index(run, tmp_path / "x", address="auto")
    with pytest.raises(InputError, match="workers is 0"):
        RayCluster(workers=0)


def test_without_a_cluster_one_is_started_or_the_address_is_named(
    run: api.Run, tmp_path: Path
) -> None:
    ray.shutdown()
    with pytest.raises(InputError, match=r"no Ray cluster answers at 127\.0\.0\.1:1 "):
        list(RayCluster("127.0.0.1:1").run(square, [1]))
    assert dict(RayCluster(workers=1).run(square, range(2))) == {0: (0, 1), 1: (1, 1)}
    assert not ray.is_initialized()

"""Jobs of a Slurm cluster: on this machine as submitit runs them there, and what Slurm is told."""

from __future__ import annotations

import json
import os
import shutil
import stat
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.command import wordtrace
from tests.execute.jobs import act, works
from tests.forked import Forked
from tests.index.test_build import tree
from tests.patience import wait_until
from wordtrace import api
from wordtrace.errors import InputError, NumericalError, WordtraceError
from wordtrace.execute import job_files
from wordtrace.execute.named import named
from wordtrace.execute.protocol import Lost
from wordtrace.execute.slurm import SlurmCluster

submitit = pytest.importorskip("submitit", reason="pip install 'wordtrace[slurm]'")


@pytest.fixture
def marks(tmp_path: Path) -> Path:
    folder = tmp_path / "marks"
    folder.mkdir()
    return folder


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Jobs that are done in this process, when they are sent."""

    def executor(folder: Path, cluster: str) -> Any:
        return submitit.DebugExecutor(folder)

    monkeypatch.setattr(submitit, "AutoExecutor", executor)
    monkeypatch.setattr(submitit.DebugExecutor, "update_parameters", lambda *_, **__: None)


def test_jobs_come_back_and_only_those_that_can_not_be_done_are_lost(
    tmp_path: Path, marks: Path
) -> None:
    """As processes of this machine, two at a time."""
    cluster = SlurmCluster(workers=2, attempts=2, tolerant=True, cpus=2, cluster="local")
    items = works(marks, "threads", "die once", "die")
    found = {item.key: result for item, result in cluster.within(tmp_path / "j").run(act, items)}
    assert found["threads"] == {"threads": 2}
    assert found["die once"] == {"key": "die once"}
    assert "ended without a result" in found["die"].reason
    assert "(tried 2 times)" in found["die"].reason
    assert (marks / "die").read_text() == ".."
    (room,) = (tmp_path / "j").iterdir()  # the log stays
    assert str(room) in found["die"].reason
    assert stat.S_IMODE(room.stat().st_mode) == 0o700
    assert stat.S_IMODE(room.parent.stat().st_mode) == 0o700


def test_a_job_that_takes_longer_than_it_may_is_ended(tmp_path: Path, marks: Path) -> None:
    cluster = SlurmCluster(attempts=1, minutes=0.03, cluster="local").within(tmp_path / "j")
    with pytest.raises(WordtraceError, match=r"took over 0\.03 minutes; its log is .*go on"):
        list(cluster.run(act, works(marks, "hang")))


@pytest.mark.usefixtures("at_once")
def test_a_tasks_own_error_comes_through_as_it_was(tmp_path: Path, marks: Path) -> None:
    cluster = SlurmCluster().within(tmp_path / "j")
    with pytest.raises(NumericalError, match=r"^the loss is nan; lower learning_rate\.$") as raised:
        list(cluster.run(act, works(marks, "nan")))
    assert raised.value.worded(lambda one: f"--{one.name}").endswith("lower --learning_rate.")
    assert (marks / "nan").read_text() == "."
    tolerant = SlurmCluster(tolerant=True, attempts=2).within(tmp_path / "j")
    found = [result for _, result in tolerant.run(act, works(marks, "nan", "a"))]
    assert found == [{"key": "a"}, Lost("the loss is nan; lower learning_rate. (tried 2 times)")]
    assert (marks / "nan").read_text() == "..."
    assert not (tmp_path / "j").exists()  # nothing was lost whose log one would read


@pytest.mark.usefixtures("at_once")
def test_what_jobs_of_a_killed_study_left_is_taken(tmp_path: Path, marks: Path) -> None:
    first, second = works(marks, "a", "b")
    killed = job_files.JobFiles(tmp_path / "j")
    job_files.do(act, first, killed.answer(job_files.name_of(first), 1), 1)
    job_files.do(act, works(marks, "nan")[0], killed.answer(job_files.name_of(second), 1), 1)
    found = list(SlurmCluster().within(tmp_path / "j").run(act, [first, second]))
    assert found == [(first, {"key": "a"}), (second, {"key": "b"})]
    assert (marks / "a").read_text() == "."  # it was not done again


def test_jobs_of_a_killed_program_go_on_and_their_results_are_taken(
    tmp_path: Path, marks: Path
) -> None:
    program = """
import sys
from pathlib import Path
from tests.execute.jobs import act, works
from wordtrace.execute.slurm import SlurmCluster

cluster = SlurmCluster(cluster="local").within(Path(sys.argv[1]))
list(cluster.run(act, works(Path(sys.argv[2]), "wait")))
"""
    process = Forked(program, tmp_path / "j", marks)
    wait_until((marks / "wait").exists, process)
    process.kill()
    (marks / "go").touch()
    wait_until(lambda: bool(list((tmp_path / "j").glob("*/*.json"))))
    cluster = SlurmCluster(cluster="local").within(tmp_path / "j")
    assert [result for _, result in cluster.run(act, works(marks, "wait"))] == [{"key": "wait"}]
    assert (marks / "wait").read_text() == "."


SLURM = {
    "sbatch": 'cp "$1" {0}/script.sh; echo "Submitted batch job 7"',
    "srun": "exit 0",
    "scancel": 'echo "$@" >> {0}/cancelled',
    "sacct": "printf 'JobID|State|NodeList\\n7|%s|\\n7_0|%s|\\n7_1|%s|\\n' $(cat {0}/state{{,,}})",
}


@pytest.fixture
def slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with Slurm's commands, which do nothing but note what they are told."""
    folder = tmp_path / "slurm"
    folder.mkdir()
    for name, does in SLURM.items():
        path = folder / name
        path.write_text(f"#!/bin/bash\n{does.format(folder)}\n")
        path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    (folder / "state").write_text("RUNNING\n")
    return folder


def test_slurm_is_told_what_each_job_needs_and_an_interruption_cancels_all(
    tmp_path: Path, marks: Path, slurm: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster = SlurmCluster("short", 2, cpus=4, memory=8 << 30, gpus=1, minutes=29.5)

    def interrupt(seconds: float) -> None:
        raise KeyboardInterrupt

    clock = SimpleNamespace(monotonic=time.monotonic, sleep=interrupt)
    monkeypatch.setattr("wordtrace.execute.slurm.time", clock)
    with pytest.raises(KeyboardInterrupt):
        list(cluster.within(tmp_path / "j").run(act, works(marks, "a", "b", "c")))
    told = (slurm / "script.sh").read_text()
    for line in (
        "--array=0-2%2",
        "--cpus-per-task=4",
        "--mem=8GB",
        "--gpus-per-node=1",
        "--time=30",
        "--partition=short",
        "--job-name=wordtrace",
    ):
        assert f"#SBATCH {line}\n" in told
    assert (slurm / "cancelled").read_text() == "7\n"
    assert not (tmp_path / "j").exists()


def test_a_job_that_slurm_ended_is_lost_with_slurms_reason(
    tmp_path: Path, marks: Path, slurm: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wordtrace.execute.slurm._GRACE_S", 0.0)
    (slurm / "state").write_text("OUT_OF_MEMORY\n")
    cluster = SlurmCluster(tolerant=True, attempts=1).within(tmp_path / "j")
    ((_, lost),) = cluster.run(act, works(marks, "a"))
    assert "job 7 ended without a result (out_of_memory)" in lost.reason


def test_what_slurm_refuses_is_told_in_its_words(tmp_path: Path, marks: Path, slurm: Path) -> None:
    (slurm / "sbatch").write_text("#!/bin/bash\necho 'invalid partition specified: x' >&2; exit 1")
    with pytest.raises(WordtraceError, match="did not take the jobs: invalid partition specified"):
        list(SlurmCluster("x").within(tmp_path / "j").run(act, works(marks, "a")))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"workers": 0}, "workers is 0; it must be at least 1"),
        ({"cpus": 1.5}, "cpus is 1.5; Slurm gives whole cores"),
        ({"memory": -1}, "memory is -1; it can't be negative"),
        ({"gpus": -1}, "gpus is -1; it can't be negative"),
        ({"minutes": 0}, "minutes is 0; it must be over 0"),
        ({"partition": "a\n#SBATCH --wrap=x"}, "give names as `sinfo` lists them"),
        ({"cluster": "debug"}, "cluster is 'debug'; it must be slurm or local"),
    ],
)
def test_wrong_settings_are_named(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        SlurmCluster(**wrong)


def test_where_no_job_can_be_sent_that_is_said(
    tmp_path: Path, marks: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster = named("slurm", workers=2)
    assert isinstance(cluster, SlurmCluster)
    with pytest.raises(InputError, match="give it as executor to a function that retrains"):
        list(cluster.run(act, works(marks, "a")))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match=r"no Slurm was found here.*or give executor='processes'"):
        list(cluster.within(tmp_path / "j").run(act, works(marks, "a")))
    (tmp_path / "link").symlink_to(marks)
    with pytest.raises(InputError, match="link is a link, but jobs' files must be private"):
        list(cluster.within(tmp_path / "link").run(act, works(marks, "a")))


@pytest.mark.usefixtures("at_once")
def test_an_index_and_retrainings_by_jobs_are_those_made_here(run: api.Run, tmp_path: Path) -> None:
    """By the command line, with what each job is given."""
    api.build_index(run, tmp_path / "here", shard_size=9, workers=1)
    given = ("--executor", "slurm", "--cpus-a-task", "1", "--time-a-task", "5")
    there = tmp_path / "there"
    wordtrace("index", run.path, "--out", there, "--shard-size", "9", *given)
    assert tree(there) == tree(tmp_path / "here")
    trace = api.Index.open(there).trace(run.train.texts[0])
    trace.save(tmp_path / "trace.json")
    copies = [tmp_path / name for name in ("a", "b")]
    for folder in copies:
        shutil.copytree(run.path, folder, ignore=shutil.ignore_patterns("*.sqlite*"))
    said = []
    for folder, how in zip(copies, (given, ("--workers", "1")), strict=True):
        asked = ("--run", folder, "--k", "3", "--repeats", "2", "--remove", "proponents", "--json")
        found = json.loads(wordtrace("verify", tmp_path / "trace.json", *asked, *how).stdout)
        said.append(
            {name: value for name, value in found.items() if name not in ("seconds", "run")}
        )
    assert said[0] == said[1]
    assert not (copies[0] / "jobs").exists()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--time-a-task", "5"], "--time-a-task needs --executor ray or slurm."),
        (["--executor", "ray", "--partition", "x"], "--partition needs --executor slurm."),
        (["--executor", "slurm", "--cpus-a-task", "1.5"], "--cpus-a-task is 1.5; Slurm gives"),
        (["--executor", "slurm", "--gpus-a-task", "-1"], "--gpus-a-task is -1; it can't be"),
        (["--executor", "ray", "--gpus-a-task", "-1"], "--gpus-a-task is -1; it can't be"),
        (["--executor", "slurm", "--address", "auto"], "--address is of a Ray cluster"),
    ],
)
def test_the_command_line_names_what_is_wrong(run: api.Run, given: list[str], said: str) -> None:
    assert said in wordtrace("index", run.path, *given, status=2).stderr

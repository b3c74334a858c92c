"""Scripts that train badly, as their user meets them: on the command line, one sentence each."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest

import wordtrace as wt
from tests.command import wordtrace
from tests.forked import Forked
from tests.patience import wait_until
from tests.verification.conftest import Elsewhere


def given(elsewhere: Elsewhere, traced: wt.Trace, folder: Path, *more: str) -> list[str]:
    """Write a trace and a command's words; return the arguments of a small study by them."""
    traced.save(folder / "trace.json")
    (folder / "words.json").write_text(json.dumps(elsewhere.command(*more)))
    options = ["--data", str(elsewhere.data), "--retrain", f"@{folder / 'words.json'}", "--yes"]
    options += ["--k", "3", "--repeats", "2", "--workers", "1", "--remove", "proponents"]
    return ["verify", str(folder / "trace.json"), "--run", str(elsewhere.run), *options]


@pytest.mark.parametrize(
    ("mode", "status", "said"),
    [
        ("fails", 1, "the command that trains ended with exit status 1, with seed 1"),
        ("hangs", 1, "took longer than its time limit and was ended (1 s), with seed 1"),
        ("half", 1, "model.part can't be read as a model"),
        ("nothing", 1, "there is no whole model in"),
        ("one-seed", 2, "predict exactly the same, so no interval would mean anything"),
    ],
)
def test_it_ends_with_a_sentence(
    elsewhere: Elsewhere, traced: wt.Trace, tmp_path: Path, mode: str, status: int, said: str
) -> None:
    limit = ["--time-limit", "1"] if mode == "hangs" else []
    study = given(elsewhere, traced, tmp_path, "--mode", mode)
    told = wordtrace(*study, *limit, status=status).stderr
    assert said in told
    assert "Traceback" not in told
    if status == 1:
        assert "log.txt" in told


def test_one_that_ignores_the_seed_is_compared_in_groups(
    elsewhere: Elsewhere, traced: wt.Trace, tmp_path: Path
) -> None:
    # Each training has chances of its own, whatever the seed.
    more = ("--mode", "no-seed", "--trained", str(tmp_path / "trained"))
    study = given(elsewhere, traced, tmp_path, *more)
    assert "The training does not repeat" in wordtrace(*study).stdout


# Started by a fork: a process of its own would take ten seconds to import its libraries.
_COMMAND = """
import os, sys
from wordtrace.cli.main import main
os.environ["OMP_NUM_THREADS"] = "1"
sys.argv = ["wordtrace", *sys.argv[1:]]
main()
"""


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_a_stopped_study_leaves_no_orphan_and_ends_as_one_that_was_not(
    elsewhere: Elsewhere, traced: wt.Trace, tmp_path: Path, how: signal.Signals
) -> None:
    whole = given(elsewhere, traced, tmp_path)
    run = wt.Run.open(elsewhere.run)
    small = {"k": 3, "repeats": 2, "workers": 1, "remove": "proponents"}
    expected = wt.verify(traced, run=run, retrain=elsewhere.command(), **small).document()
    # The same training with a pause in it.
    more = ("--wait", str(tmp_path), "--trained", str(tmp_path / "trained"))
    whole = given(elsewhere, traced, tmp_path, *more)
    for one in range(3):
        (tmp_path / f"go-{one}").touch()
    study = Forked(_COMMAND, *whole, group=True, told=tmp_path)
    wait_until(lambda: len(list(tmp_path.glob("waits-*"))) == 1, study)
    os.kill(study.pid, how)
    assert study.wait() == (130 if how == signal.SIGINT else -signal.SIGKILL)
    wait_until(lambda: not _there(tmp_path))
    for one in range(9):
        (tmp_path / f"again-{one}").touch()
        (tmp_path / f"again-{one}").rename(tmp_path / f"go-{one}")
    found = json.loads(wordtrace(*whole, "--json").stdout)
    assert found["queries"] == expected["queries"]
    trained = (tmp_path / "trained").read_text().split()
    assert len(trained) == 10  # nine models, of which one was begun twice


def _there(folder: Path) -> bool:
    """Return whether a training waits, or what has started it."""
    told = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True)
    return str(folder) in told.stdout

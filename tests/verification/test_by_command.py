"""Studies of a training that was done elsewhere: by the command line, stopped, killed, gone on."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

import wordtrace as wt
from tests.command import wordtrace
from tests.forked import Forked
from tests.patience import wait_until
from tests.verification.conftest import Elsewhere
from wordtrace.errors import WordtraceError
from wordtrace.retrainers.choice import retrainer_for
from wordtrace.verification.retrainings import Retrainings

SMALL: dict[str, Any] = {"k": 3, "repeats": 2, "workers": 1, "remove": "proponents"}


def verified(elsewhere: Elsewhere, trace: wt.Trace, *more: str, **given: Any) -> wt.Verification:
    run = wt.Run.open(elsewhere.run)
    return wt.verify(trace, run=run, retrain=elsewhere.command(*more), **{**SMALL, **given})


def test_a_proof_on_the_command_line(
    elsewhere: Elsewhere, traced: wt.Trace, tmp_path: Path
) -> None:
    traced.save(tmp_path / "trace.json")
    (tmp_path / "words.json").write_text(json.dumps(elsewhere.command()))
    options = [*("--k", 3, "--repeats", 2, "--workers", 1, "--remove", "proponents")]
    told = wordtrace(
        *("verify", tmp_path / "trace.json", "--run", elsewhere.run),
        *(
            "--retrain",
            f"@{tmp_path / 'words.json'}",
            "--data",
            elsewhere.data,
            *options,
            "--yes",
            "--json",
        ),
    )
    (query,) = json.loads(told.stdout)["queries"]
    same = verified(elsewhere, traced).document()["queries"][0]
    assert query["without"] == same["without"]
    assert query["without"]["change"]["mean"] < 0
    said = wordtrace("info", elsewhere.run).stdout
    assert "9 retrained models are kept" in said
    assert json.loads(wordtrace("info", elsewhere.run, "--json").stdout)["retrained"]["models"] == 9


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--shell"], "--shell goes with --retrain, which is not given"),
        (
            ["--replay", "--retrain", "x"],
            "give one of --retrain, --replay, --from-checkpoint and --tail-patch",
        ),
        (["--retrain", "@none.json"], "the file can't be read (No such file or directory)"),
        (["--retrain", "@broken.json"], "the file is no JSON"),
        (["--retrain", "@text.json"], "the file must hold a list of words"),
        (["--retrain", "x {file}"], "the command of --retrain has the placeholder {file}"),
        (["--retrain", "x", "--time-limit", "0"], "--time-limit is 0.0; it must be over 0"),
        ([], "name what trains by --retrain: your own command"),
    ],
)
def test_options_that_do_not_fit_are_told(
    elsewhere: Elsewhere, traced: wt.Trace, tmp_path: Path, options: list[str], said: str
) -> None:
    traced.save(tmp_path / "trace.json")
    (tmp_path / "broken.json").write_text("[")
    (tmp_path / "text.json").write_text('"python"')
    given = ("verify", "trace.json", "--run", elsewhere.run, *options)
    assert said in wordtrace(*given, status=2, cwd=tmp_path).stderr


def test_a_command_that_always_fails_is_tried_once(
    elsewhere: Elsewhere, traced: wt.Trace, tmp_path: Path
) -> None:
    count = tmp_path / "trained"
    with pytest.raises(WordtraceError, match="ended with exit status 1") as caught:
        verified(elsewhere, traced, "--mode", "fails", "--trained", str(count))
    assert count.read_text() == "1\n"
    assert "\n  training with the seed 1" in str(caught.value)


def test_a_later_failure_loses_its_own_model_alone(elsewhere: Elsewhere, tmp_path: Path) -> None:
    run, count = wt.Run.open(elsewhere.run), tmp_path / "trained"
    words = elsewhere.command("--mode", "fails-with-2", "--trained", str(count))
    some = Retrainings(run, (("a goal", None),), retrainer_for(run, words, "verify"), workers=1)
    tasks = [some.task(seed, removed) for seed in (1, 2, 3) for removed in ((), (0,))]
    with pytest.raises(WordtraceError, match="2 of 6 retrainings could not be done") as caught:
        some.run(tasks)
    assert count.read_text().split() == ["1", "1", "2", "2", "3", "3"]
    assert len(list(elsewhere.run.glob("retrained/*/model"))) == 4
    assert str(caught.value).endswith("\n  bad luck")


# Its workers are forked, so that they need not import all that it has loaded.
_STUDY = """
import json, sys
from multiprocessing import get_context
import loky.process_executor as loky
import wordtrace as wt
def pool(max_workers, env, **given):
    return kind(max_workers, context=get_context("fork"), **given)
kind, loky.ProcessPoolExecutor = loky.ProcessPoolExecutor, pool
run, trace, words, options = sys.argv[1:]
given = json.loads(options)
wt.verify(wt.read_trace(trace), run=wt.Run.open(run), retrain=json.loads(words), **given)
"""


def test_killed_at_any_time_it_leaves_no_orphan_and_goes_on(
    elsewhere: Elsewhere, traced: wt.Trace, tmp_path: Path
) -> None:
    traced.save(tmp_path / "trace.json")
    words = elsewhere.command("--trained", str(tmp_path / "trained"), "--wait", str(tmp_path))
    options = {**SMALL, "workers": 2}
    for done in range(2):
        (tmp_path / f"go-{done}").touch()
    given = (elsewhere.run, tmp_path / "trace.json", json.dumps(words), json.dumps(options))
    study = Forked(_STUDY, *given, told=tmp_path)
    wait_until(lambda: len(list(tmp_path.glob("waits-*"))) >= 1, study)
    wait_until(lambda: len(list(elsewhere.run.glob("retrained/*/model/kept.json"))) >= 2, study)
    os.kill(study.pid, signal.SIGKILL)
    study.wait()
    wait_until(lambda: not any(_runs(one) for one in tmp_path.glob("waits-*")))
    before = len((tmp_path / "trained").read_text().split())
    for one in range(9):
        (tmp_path / f"go-{one}").touch()
    run = wt.Run.open(elsewhere.run)
    proof = wt.verify(traced, run=run, retrain=words, **SMALL)
    after = len((tmp_path / "trained").read_text().split())
    assert proof.document()["retrainings"] == 9
    assert after - before == 7


def _runs(mark: Path) -> bool:
    try:
        os.kill(int(mark.name.removeprefix("waits-")), 0)
    except ProcessLookupError:
        return False
    stat = Path("/proc") / mark.name.removeprefix("waits-") / "stat"
    return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] != "Z"


def test_fix_evaluate_and_clusters_train_by_the_command_too(
    elsewhere: Elsewhere, traced: wt.Trace, tmp_path: Path
) -> None:
    count = tmp_path / "trained"
    given: dict[str, Any] = {
        "retrain": elsewhere.command("--trained", str(count)),
        "workers": 1,
    }
    assert traced.index is not None
    run = wt.Run.open(elsewhere.run)
    index = wt.Index.open(traced.index, run.path)
    said = run.predict(["the coach of the team", "shares of the bank"]).argmax(1)
    wrong = [{"text": "the coach of the team", "label": run.label_names[(said[0] + 1) % 3]}]
    right = [{"text": "shares of the bank", "label": run.label_names[said[1]]}]
    asked = wt.read_examples([*wrong, *right], label_names=run.label_names)
    actions = ("remove", "blank", "relabel")
    fixed = index.fix(asked, k=(2,), actions=actions, measures=(), repeats=2, **given)
    assert fixed.document()["retrainings"] == len(count.read_text().split())
    count.unlink()
    judged = wt.evaluate(
        *(run, asked),
        measures=("bm25",),
        lds=0,
        k=(2,),
        repeats=2,
        signs=("proponents",),
        **given,
    )
    assert judged.document()["retrainings"] > 2
    found = wt.clusters(run, trainings=2, wrong=0.5, **given)
    assert found.trainings == 2

"""A study as it is asked for and told: choices, the command line, the page."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

import wordtrace as wt
from tests.command import wordtrace
from tests.evaluation.conftest import SMALL
from tests.report.tools import terminal
from wordtrace.errors import InputError
from wordtrace.evaluation.checks import check_scores
from wordtrace.report.page import render_html
from wordtrace.verification import retrainings


def test_a_matrix_is_checked_before_anything_is_trained() -> None:
    with pytest.raises(InputError, match=r"have the shape \(3, 2\).* need \(2, 3\)"):
        check_scores("theirs", np.zeros((3, 2), np.float32), 2, 3)
    bad = np.zeros((2, 3), np.float32)
    bad[1, 2] = np.nan
    with pytest.raises(InputError, match="theirs for query 1 and training row 2 is not finite"):
        check_scores("theirs", bad, 2, 3)


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({"k": [0]}, r"k must be between 1 and 95"),
        ({"k": [96]}, r"k must be between 1 and 95"),
        ({"repeats": 1}, r"repeats is 1; at least 2"),
        ({"signs": ["both"]}, r"signs is \['both'\]; give proponents, opponents"),
        ({"signs": []}, r"signs is \[\]"),
        ({"measures": []}, r"nothing to evaluate: give measures"),
        ({"measures": ["tracin"]}, r"tracin"),
        ({"repeats": 0, "k": [], "lds": 3}, r"repeats is 0; it must be at least 1"),
        ({"lds": 2}, r"lds is 2; at least 3"),
        ({"k": []}, r"nothing to train: lds is 0, and there is no k"),
        ({"lds": 3, "halves": "half"}, r"halves is 'half'; it must be stratified or plain"),
        ({"lds": 3, "halves": "plain"}, r"lds is 3; plain halves of 3 groups .* need 6 at least"),
        ({"k": [], "lds": 3, "width": 0.1}, r"width is for deletion curves: give k"),
        ({"k_queries": 0}, r"k_queries is 0; it must be at least 1"),
        ({"k_queries": 3}, r"only 2 queries; k_queries is 3"),
        ({"width": 2.0}, r"width is 2.0; it must be between 0 and 2"),
        ({"width": 0.1, "max_repeats": 1}, r"max_repeats is 1, below repeats, 2"),
        ({"scores": {"theirs": np.zeros((2, 96))}}, r"give queries"),
        ({"scores": {"bm25": np.zeros((2, 96))}, "measures": ["bm25"]}, r"which is a measure"),
    ],
)
def test_wrong_choices_are_told_before_anything_is_trained(
    run: wt.Run, monkeypatch: pytest.MonkeyPatch, choice: dict[str, Any], message: str
) -> None:
    monkeypatch.setattr(retrainings, "run_tasks", lambda *_, **__: pytest.fail("it retrained"))
    with pytest.raises(InputError, match=message):
        wt.evaluate(run, 2, **{**SMALL, **choice})


def test_what_would_leave_a_label_without_examples_is_refused(run: wt.Run) -> None:
    with pytest.raises(InputError, match="would leave a label without examples"):
        wt.evaluate(run, 2, **{**SMALL, "k": [94]})


def test_the_command_line_says_the_same(run: wt.Run, done: wt.Evaluation, tmp_path: Path) -> None:
    page, values = tmp_path / "study.html", tmp_path / "study.parquet"
    common = [run.path, "--queries", "4", "--measures", "tracin-we-topk,tracin-last"]
    common += ["--k", "2,7", "--repeats", "2", "--lds", "5", "--workers", "1"]
    said = wordtrace("evaluate", *common, "--json", "--out", page, "--values", values)
    document = json.loads(said.stdout)
    assert {**document, "seconds": 0, "run": ""} == {**done.document(), "seconds": 0, "run": ""}
    assert pq.read_table(values).equals(done.table())
    text = page.read_text()
    heads = ("Linear datamodeling scores (LDS)", "Differences of LDS", "Areas under the deletion")
    assert [text.index(head) for head in heads] == sorted(text.index(head) for head in heads)
    # Wide enough that no heading is folded, however wide the intervals are on this machine.
    shown = wordtrace("evaluate", *common, COLUMNS="200").stdout
    for said in (
        "LDS by log-odds",
        "of what is attainable",
        "5 halves are few",
        "DEL+",
        "random rows",
    ):
        assert said in shown


def test_plain_halves_are_warned_about_and_the_plan_says_how_much_they_show(run: wt.Run) -> None:
    asked = [run.path, "--queries", "6", "--measures", "bm25", "--halves", "plain"]
    asked += ["--lds", "6", "--repeats", "1", "--workers", "1"]
    plan = wt.plan(wt.evaluate, run, 6, measures=["bm25"], lds=40, repeats=1, workers=1)
    assert plan.kept + plan.least == plan.kept + plan.most == 40
    assert "With 6 queries and 40 halves the 95 % interval of a measure's LDS will be" in repr(plan)
    shown = " ".join(wordtrace("evaluate", *asked).stdout.split())
    assert "These halves differ in how many rows of each class they have" in shown
    assert "'with counts' is what they would be otherwise" in shown
    assert "With one seed it is not known how reliable" in shown


def test_documents_of_the_version_before_are_shown(done: wt.Evaluation) -> None:
    document = {**done.document(), "version": 1}
    document["lds"] = [
        {"measure": "bm25", "sets": 40, "repeats": 2, "mean": 0.3, "low": 0.2, "high": 0.4},
    ]
    del document["deleted"]
    page = render_html([document])
    assert "random halves (LDS)" in page
    assert "+0.30 [+0.20, +0.40]" in page


def test_scores_written_by_one_command_are_read_by_the_other(run: wt.Run, tmp_path: Path) -> None:
    assert run.held_out is not None
    asked = run.held_out.take(np.arange(3))
    lines = [
        json.dumps({"id": id, "text": text, "label": run.label_names[label]})
        for id, text, label in zip(asked.ids, asked.texts, asked.labels, strict=True)
    ]
    file = tmp_path / "asked.jsonl"
    file.write_text("\n".join(lines) + "\n")
    for ending in ("parquet", "npy"):
        out = tmp_path / f"scores.{ending}"
        wordtrace("scores", run.path, "--queries", file, "--measure", "tracin-last", "--out", out)
        said = wordtrace(
            *("evaluate", run.path, "--queries", file, "--measures", "tracin-last"),
            *(
                "--scores",
                f"theirs={out}",
                "--lds",
                "3",
                "--k",
                "3",
                "--repeats",
                "2",
                "--workers",
                "1",
            ),
            "--json",
        )
        document = json.loads(said.stdout)
        for found in (document["measures"], document["lds"]["measures"]):
            assert found["theirs"] == found["tracin-last"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--scores", "theirs"], "--scores 'theirs': give NAME=FILE."),
        (["--scores", "theirs=x.npy"], "--scores needs the queries that it is of"),
        (["--values", "x.csv"], "--values x.csv should end in .parquet"),
        (["--k", "ten"], "--k"),
        (["--queries", "none.csv"], "none.csv does not exist"),
        (["--measures", "tracin-what"], "tracin-what"),
        (["--out", "x.doc"], "--out x.doc"),
        (["--table", "x.doc"], "--table x.doc should end in .tex or .md"),
        (["--truth", "none.csv"], "none.csv does not exist"),
        (
            ["--executor", "gpu"],
            "--executor is 'gpu'; it must be processes, ray, slurm or stacked.",
        ),
        (["--cpus-a-task", "2"], "--cpus-a-task needs --executor ray or slurm."),
        (["--executor", "ray", "--cpus-a-task", "0"], "--cpus-a-task is 0; it must be over 0."),
    ],
)
def test_a_wrong_argument_gets_one_sentence(
    run: wt.Run, arguments: list[str], message: str
) -> None:
    done = wordtrace("evaluate", run.path, "--k", "3", *arguments, status=2)
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) <= 3


def test_the_page_escapes_what_texts_and_names_say(done: wt.Evaluation) -> None:
    document = json.loads(done.to_json())
    hostile = "<script>alert(1)</script>\x1b[31m"
    document["queries"][0]["text"] = document["queries"][0]["id"] = hostile
    document["measures"][hostile] = document["measures"].pop("tracin-last")
    document["removed"][hostile] = document["removed"].pop("tracin-last")
    document["dropped"] = [{"seed": 3, "reason": hostile}]
    halves = document["lds"]
    halves["measures"][hostile] = halves["measures"].pop("tracin-last")
    halves["differences"][0]["first"] = halves["by"] = hostile
    page = render_html([document])
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page
    assert "\x1b" not in page + terminal(document, color=False)

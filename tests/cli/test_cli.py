"""The command line as a user drives it."""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pyarrow.parquet as pq

from tests.cli.conftest import COLUMNS, SMALL
from tests.command import wordtrace
from wordtrace import api
from wordtrace.act.patch import Patch, read_patch


def test_from_trace_to_report(work: Path) -> None:
    done = wordtrace(
        "trace",
        "run/index",
        "the striker of the bank",
        "--label",
        "money",
        "--top",
        "6",
        "--bm25",
        "--out",
        "trace.json",
        "--json",
        cwd=work,
    )
    document = json.loads(done.stdout)
    assert document == json.loads((work / "trace.json").read_text())
    index = api.Index.open(work / "run/index")
    expected = index.trace("the striker of the bank", "money", top=6)
    assert [hit["id"] for hit in document["queries"][0]["proponents"]] == [
        hit.id for hit in expected.proponents
    ]
    done = wordtrace(
        "verify", "trace.json", "--k", "5", "--repeats", "2", "--out", "proof.json", cwd=work
    )
    assert "Wrote proof.json" in done.stderr
    shown = wordtrace("verify", "trace.json", "--k", "5", "--repeats", "2", cwd=work).stdout
    assert "Change of P(money)" in shown
    wordtrace("mislabels", "run/index", "--top", "3", "--out", "mislabels.json", cwd=work)
    wordtrace("report", "trace.json", "proof.json", "mislabels.json", "--out", "r.html", cwd=work)
    page = (work / "r.html").read_text()
    assert "money" in page
    assert "What removing the opponents did" in page


def test_the_result_is_all_that_is_on_standard_output(work: Path) -> None:
    for arguments in (
        ("info", "run", "--json"),
        ("info", "run/index", "--json"),
        ("mislabels", "run/index", "--json"),
        ("trace", "run/index", "the goal", "--json"),
        (
            "train",
            "data.csv",
            *COLUMNS,
            "--eval-fraction",
            "0.2",
            *SMALL,
            "--out",
            "run",
            "--json",
        ),
        ("index", "run", "--json"),
    ):
        json.loads(wordtrace(*arguments, cwd=work).stdout)


def test_a_file_of_queries(work: Path) -> None:
    shown = wordtrace(
        "trace",
        "run/index",
        "--queries",
        "data.csv",
        "--text-column",
        "body",
        "--label-column",
        "topic",
        "--limit",
        "3",
        "--json",
        cwd=work,
    )
    queries = json.loads(shown.stdout)["queries"]
    assert [query["label_source"] for query in queries] == ["file"] * 3
    wrong = wordtrace(
        "trace",
        "run/index",
        "--queries",
        "run/held_out.parquet",
        "--only-wrong",
        "--json",
        cwd=work,
    )
    for query in json.loads(wrong.stdout)["queries"]:
        assert query["label"] != query["predicted"]
    people = wordtrace("trace", "run/index", "the goal", cwd=work).stdout
    assert "Proponents of" in people


def test_scores_are_the_apis_matrix_by_id(work: Path) -> None:
    for out in ("s.parquet", "s.npy"):
        wordtrace(
            "scores",
            "run",
            "--queries",
            "run/held_out.parquet",
            "--measure",
            "tracin-last",
            "--out",
            out,
            cwd=work,
        )
    run = api.Run.open(work / "run")
    assert run.held_out is not None
    expected = api.influence(run, run.held_out, "tracin-last")
    np.testing.assert_allclose(np.load(work / "s.npy"), expected, rtol=1e-4)
    table = pq.read_table(work / "s.parquet")
    assert table["id"].to_pylist() == run.train.ids
    column = table[f"query {run.held_out.ids[2]}"].to_numpy()
    np.testing.assert_allclose(column, expected[2], rtol=1e-4)


def test_doing_it_again_does_nothing_and_says_so(work: Path) -> None:
    stamp = (work / "run/index/manifest.json").stat().st_mtime_ns
    assert "nothing was done" in wordtrace("index", "run", cwd=work).stderr
    assert (work / "run/index/manifest.json").stat().st_mtime_ns == stamp
    done = wordtrace("index", "run", "--top-k", "all", cwd=work, status=2)
    assert done.stderr == (
        "wordtrace: run/index was made with top k = 10, now it is null; choose another --out, or "
        "add --overwrite to replace it.\n"
    )


def test_the_analyses_answer_in_json_on_a_page_and_in_the_terminal(work: Path) -> None:
    listed = json.loads(wordtrace("measures", "--json").stdout)["measures"]
    assert {"tracin-we-topk", "influence-last", "tracin:LAYER,…"} <= {one["name"] for one in listed}
    done = wordtrace("cancellation", "run", "--limit", "30", "--layers", "last", "--json", cwd=work)
    assert [one["part"] for one in json.loads(done.stdout)["parameters"]] == ["weight", "bias"]
    wordtrace("words", "run", "the coach", "a coach", "--out", "words.html", cwd=work)
    assert "Word gradient similarity" in (work / "words.html").read_text()
    (work / "asked.csv").write_text("text\nthe striker and the coach\nbank shares\n")
    arguments = ["overlap", "run", "--queries", "asked.csv", "--measures", "bm25,tracin-last"]
    shown = wordtrace(*arguments, "--top", "5", cwd=work).stdout
    assert "Rank correlation" in shown
    assert "bm25" in shown
    pages = ["words.json", "overlap.json"]
    wordtrace("words", "run", "the coach", "--out", pages[0], cwd=work)
    wordtrace(*arguments, "--top", "5", "--out", pages[1], cwd=work)
    wordtrace("report", *pages, "--out", "both.html", cwd=work)
    assert "What each word weighs" in (work / "both.html").read_text()


def test_from_suspects_to_a_repaired_file(work: Path) -> None:
    shown = wordtrace("mislabels", "run/index", "--top", "4", "--patch", "fix.jsonl", cwd=work)
    assert "model says" in shown.stdout
    assert "wordtrace apply" in shown.stderr
    changes = [json.loads(line) for line in (work / "fix.jsonl").read_text().splitlines()]
    done = wordtrace(
        "apply", "fix.jsonl", "data.csv", "--out", "fixed.csv", *COLUMNS, "--json", cwd=work
    )
    assert json.loads(done.stdout)["relabelled"] == len(changes) > 0
    old, new = ((work / name).read_text().splitlines() for name in ("data.csv", "fixed.csv"))
    assert sum(a != b for a, b in zip(old, new, strict=True)) == len(changes)
    wordtrace(
        "apply", "fix.jsonl", "fixed.csv", "--out", "back.csv", "--reverse", *COLUMNS, cwd=work
    )
    assert (work / "back.csv").read_bytes() == (work / "data.csv").read_bytes()
    again = wordtrace(
        "apply", "fix.jsonl", "fixed.csv", "--out", "no.csv", *COLUMNS, status=2, cwd=work
    )
    assert "has that label already" in again.stderr
    assert not (work / "no.csv").exists()
    judged = wordtrace(
        "mislabels", "run/index", "--truth", "fixed.csv", "--truth-text", "body",
        "--truth-label", "topic", "--truth-id", "key", "--json", cwd=work,
    )  # fmt: skip
    assert json.loads(judged.stdout)["judged"]["wrong"] <= len(changes)


def test_what_was_decided_in_python_is_told_undone_and_applied(work: Path) -> None:
    folder = shutil.copytree(work / "run", work / "reviewed")
    with api.Index.open(folder / "index") as index:
        review, ids = index.review(), index.ids
        review.decide(ids[0], "relabel", label="sport")
        review.decide(ids[1:3], "remove", why="\x1b[31m \x9b31m \u202e \U000e0041 漢字")
        review.decide(ids[3], "keep")
    place = "reviewed/index"
    printed = wordtrace("review", place, "--json", cwd=work).stdout
    assert "漢字" in printed
    assert not re.search("[\x1b\x9b\u202e\U000e0041]", printed)
    told = json.loads(printed)
    assert told == {**review.document(20), "path": told["path"]}
    shown = wordtrace("review", place, "--top", 2, "--patch", "review.jsonl", cwd=work)
    assert "2 removed" in shown.stdout
    assert "and 2 more" in shown.stdout
    assert read_patch(work / "review.jsonl") == review.patch()
    assert "\x1b" not in shown.stdout
    wordtrace("apply", "review.jsonl", "data.csv", "--out", "mended.csv", *COLUMNS, cwd=work)
    wordtrace("review", place, "--undo", cwd=work)
    undone = wordtrace("review", place, "--undo", cwd=work)
    assert "Undone: a step on 2 rows" in undone.stderr
    assert "0 removed" in undone.stdout
    assert "Done again: a step on 2 rows" in wordtrace("review", place, "--redo", cwd=work).stderr
    # A step whose patch can't be written is none: the same command must not be a second.
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "full.jsonl")
    for _ in range(2):
        with patch.object(Patch, "write", side_effect=full):
            refused = wordtrace(
                "review", place, "--undo", "--patch", "full.jsonl", cwd=work, status=1
            )
        assert "The step is taken back." in refused.stderr
    assert (
        json.loads(wordtrace("review", place, "--json", cwd=work).stdout)["counts"]["remove"] == 2
    )


def test_fix_and_clusters_tell_and_write_patches(work: Path) -> None:
    (work / "wrong.csv").write_text(
        "text,label\n" + "".join(f"bank shares and profit {n},film\n" for n in range(2))
    )
    wordtrace(
        "fix", "run/index", "--queries", "wrong.csv", "--k", "2,30", "--repeats", "2",
        "--actions", "remove", "--measures", "", "--workers", 1, "--out", "fix.html", cwd=work,
    )  # fmt: skip
    assert "Share of retrainings" in (work / "fix.html").read_text()
    found = wordtrace(
        "clusters", "run", "--trainings", "4", "--wrong", "0.1", "--workers", 1, "--json", cwd=work
    )
    assert json.loads(found.stdout)["wrong"] > 0
    for arguments in (
        ["fix", "run/index", "--queries", "wrong.csv", "--k", "many"],
        ["fix", "run/index", "--queries", "wrong.csv", "--band", "0.3"],
        ["clusters", "run", "--wrong", "2"],
        ["apply", "data.csv", "data.csv", "--out", "x.csv"],
    ):
        done = wordtrace(*arguments, status=2, cwd=work)
        assert done.stderr.count("\n") == 1


def test_rows_are_listed_by_filters_and_written_as_a_table(work: Path) -> None:
    done = wordtrace(
        *("rows", "run/index", "--search", "goal", "--label", "sport", "--loss-from", "0"),
        *("--sort", "loss", "--descending", "--limit", "3", "--json", "--out", "rows.csv"),
        cwd=work,
    )
    found = json.loads(done.stdout)
    assert found["filters"] == {"q": "goal", "label": "sport", "loss_from": 0.0}
    losses = [row["loss"] for row in found["rows"]]
    assert losses == sorted(losses, reverse=True)
    assert all("goal" in row["text"] for row in found["rows"])
    assert len((work / "rows.csv").read_text().splitlines()) == 1 + len(found["rows"]) == 4

"""A study as a table that a paper prints."""

from __future__ import annotations

import copy
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

import wordtrace as wt
from tests.command import wordtrace
from wordtrace.errors import InputError
from wordtrace.report.paper import render_table


def line(mean: float, seeds: float) -> dict[str, Any]:
    auc = {"mean": mean, "low": mean - 0.05, "high": mean + 0.07}
    return {"auc": {**auc, "sd": {"seeds": seeds, "queries": 0.2}}}


STUDY: dict[str, Any] = {
    "format": "wordtrace-evaluation",
    "version": 1,
    "k": [10, 50],
    "examples": 2000,
    "queries": [{}] * 60,
    "repeats": {"a proponents": 2, "b proponents": 3},
    "retrainings": 1234,
    "measures": {
        "tracin-we-topk": {"proponents": line(-0.124, 0.011), "opponents": line(0.031, 0.012)},
        "a_b & 100%": {"proponents": line(-0.02, 0.013), "opponents": line(0.055, 0.014)},
    },
    "controls": {"random": line(0.001, 0.015), "own class": line(-0.004, 0.016)},
}


def test_markdown_says_what_the_study_says() -> None:
    lines = render_table(STUDY, ".md").splitlines()
    assert lines[0] == "| | AUC-DEL+ (lower is better) | SD | AUC-DEL− (higher is better) | SD |"
    assert lines[2] == (
        "| tracin-we-topk | **−0.124** [−0.174, −0.054] | 0.011 | +0.031 [−0.019, +0.101] | 0.012 |"
    )
    # The best is bold: the lowest of the one, the highest of the other.
    assert lines[3].startswith(r"| a\_b \& 100% | −0.020 [")
    assert "**+0.055** [+0.005, +0.125] | 0.014 |" in lines[3]
    assert lines[4].startswith("| random rows | +0.001 [")
    assert lines[5].startswith("| random rows of the query's class | −0.004 [")
    assert "2,000 training rows, 60 queries, 2 to 3 seeds, 1,234 retrainings" in lines[-1]


def scores(mean: float, share: float | None) -> dict[str, Any]:
    around = {"mean": mean, "low": mean - 0.02, "high": mean + 0.02}
    part = None if share is None else {"mean": share, "low": share - 0.1, "high": share + 0.1}
    return {**around, "share": part, "outcomes": {"probability": around}, "plain": None}


def test_scores_of_halves_stand_before_areas_the_best_first() -> None:
    halves = {
        "halves": 100,
        "stratified": True,
        "by": "class",
        "seeds": [1, 2],
        "queries": 60,
        "outcomes": ["log-odds", "probability"],
        "counts_tell": None,
        "reliability": {"mean": 0.4, "low": 0.38, "high": 0.42},
        "measures": {"bm25": scores(0.1, None), "a_b": scores(0.25, 0.4)},
    }
    both = {**STUDY, "version": 2, "lds": halves}
    lines = render_table(both, ".md").splitlines()
    head = "| | LDS (by log-odds) | share (of what is attainable) | LDS (by probability) |"
    assert lines[0] == head
    assert lines[2] == (
        r"| a\_b | **+0.250** [+0.230, +0.270] | +0.400 [+0.300, +0.500] "
        "| +0.250 [+0.230, +0.270] |"
    )
    assert lines[3] == "| bm25 | +0.100 [+0.080, +0.120] | – | +0.100 [+0.080, +0.120] |"
    assert "100 random halves of 2,000 training rows (with half of each class), 2 seeds" in lines[5]
    assert render_table(both, ".md").endswith(render_table(STUDY, ".md"))
    alone = render_table({**both, "k": []}, ".tex")
    assert alone.count("\\begin{table}") == 1
    assert r"a\_b & $\mathbf{+0.250}$ {\footnotesize $[+0.230, +0.270]$}" in alone


def test_latex_has_as_many_cells_in_each_row() -> None:
    text = render_table(STUDY, ".tex")
    rows = [one for one in text.splitlines() if one.endswith("\\\\")]
    assert len(rows) == 6
    for row in rows:
        assert len(re.findall(r"(?<!\\)&", row)) == 4
    assert r"  a\_b \& 100\% & $-0.020$ {\footnotesize $[-0.070, +0.050]$} & $0.013$" in text
    assert r"$\mathbf{-0.124}$" in text
    assert r"$\mathbf{+0.055}$" in text
    assert text.isascii()
    assert text.count("{") - text.count("}") == 0


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
def test_latex_compiles(tmp_path: Path) -> None:
    page = "\\documentclass{article}\\usepackage{booktabs}\\begin{document}%s\\end{document}"
    (tmp_path / "page.tex").write_text(page % render_table(STUDY, ".tex"))
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "page.tex"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)


def test_a_hostile_name_stays_text() -> None:
    hostile = copy.deepcopy(STUDY)
    name = "\\input{/etc/passwd}|<b>^~$"
    hostile["measures"][name] = hostile["measures"].pop("a_b & 100%")
    assert r"\textbackslash{}input\{/etc/passwd\}|<b>\textasciicircum{}\textasciitilde{}\$" in (
        render_table(hostile, ".tex")
    )
    assert r"| \\input{/etc/passwd}\|\<b\>^~$ |" in render_table(hostile, ".md")


def test_other_documents_and_endings_are_refused() -> None:
    with pytest.raises(InputError, match=r"only what `wordtrace evaluate` wrote"):
        render_table({**STUDY, "format": "wordtrace-trace"}, ".md")
    with pytest.raises(InputError, match=r"ends in \.tex or \.md, not in '\.doc'"):
        render_table(STUDY, ".doc")
    with pytest.raises(InputError, match="lacks something"):
        render_table({**STUDY, "controls": None}, ".md")


def test_a_study_is_saved_and_reported_as_a_table(run: wt.Run, tmp_path: Path) -> None:
    study = wt.evaluate(run, 3, measures=["tracin-last"], lds=0, k=[2], repeats=2, workers=1)
    study.save(tmp_path / "study.json")
    study.save(tmp_path / "study.tex")
    expected = render_table(study.document(), ".tex")
    assert (tmp_path / "study.tex").read_text() == expected
    wordtrace("report", tmp_path / "study.json", "--out", tmp_path / "again.tex")
    assert (tmp_path / "again.tex").read_text() == expected
    done = wordtrace(
        *("evaluate", run.path, "--queries", "3", "--measures", "tracin-last"),
        *(
            "--lds",
            "0",
            "--k",
            "2",
            "--repeats",
            "2",
            "--workers",
            "1",
            "--table",
            tmp_path / "table.md",
        ),
    )
    assert (tmp_path / "table.md").read_text() == render_table(study.document(), ".md")
    assert "Wrote" in done.stderr
    twice = wordtrace(
        *("report", tmp_path / "study.json", tmp_path / "study.json"),
        *("--out", tmp_path / "two.tex"),
        status=2,
    )
    assert "is the table of one study; give one file" in twice.stderr

"""The commands as a table: their options, their help, and how they spell what an error names."""

from __future__ import annotations

import csv
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import pyarrow.parquet as pq
import pytest
import typer
from typer.main import get_command
from typer.testing import CliRunner

import wordtrace as wt
from tests.command import wordtrace
from wordtrace.cli.flags import spelled
from wordtrace.cli.groups import grouped
from wordtrace.cli.main import COMMANDS, app
from wordtrace.cli.record import OtherModelOptions
from wordtrace.errors import InputError, Option
from wordtrace.measures.catalogue import measures

VERBS = get_command(app).commands  # type: ignore[attr-defined]
RUN = CliRunner()


def shown(*arguments: str, width: int = 80) -> str:
    found = RUN.invoke(app, [*arguments, "--help"], terminal_width=width, color=False)
    assert found.exit_code == 0
    return found.stdout


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_each_option_of_a_command_is_there_once_and_its_help_tells_of_all(verb: str) -> None:
    flags = [flag for one in VERBS[verb].params for flag in (*one.opts, *one.secondary_opts)]
    assert len(flags) == len(set(flags))
    text = shown(verb)
    for one in VERBS[verb].params:
        listed = one.opts[0] if one.opts[0].startswith("-") else one.metavar or one.opts[0]
        assert re.search(rf"^  (-\w, )?{re.escape(listed)}", text, re.M), listed


def test_the_help_lists_each_command_once_by_what_it_is_for() -> None:
    text = shown()
    assert "Start here: wordtrace demo, or train (or record), then index, then trace." in text
    places = [text.index(f"\n{purpose}:\n") for purpose in COMMANDS]
    assert places == sorted(places)
    for verbs in COMMANDS.values():
        for verb in verbs:
            assert len(re.findall(rf"^  {verb}  +[A-Z]", text, re.M)) == 1
    assert sum(map(len, COMMANDS.values())) == len(VERBS)


@pytest.mark.parametrize("arguments", [(), ("train",), ("evaluate",)])
def test_help_fits_a_narrow_terminal_and_has_no_colours(arguments: tuple[str, ...]) -> None:
    text = wordtrace(*arguments, "--help", COLUMNS="60", TERM="dumb", NO_COLOR="1").stdout
    assert "\x1b" not in text
    assert max(map(len, text.splitlines())) <= 60
    assert "..." not in re.sub(r"\[(TEXT|ARGS)\]\.\.\.", "", text)


@pytest.mark.parametrize(
    ("verb", "wanted", "flag"),
    [
        ("train", Option("learning_rate"), "--lr"),
        ("train", Option("eval_data"), "--eval"),
        ("train", Option("resume", False), "--no-resume"),
        ("train", Option("overwrite", True), "--overwrite"),
        ("record", Option("kind"), "--labels"),
        ("record", Option("label_names", ("a", "b")), "--label-names a,b"),
        ("record", Option("label_names", ("a, b", "c")), """--label-names '["a, b", "c"]'"""),
        ("train", Option("id", False), "--no-id"),
        ("record", Option("end", False), "--no-end"),
        ("index", Option("overlap"), "--calibrate"),
        ("index", Option("memory"), "--memory-a-task"),
        ("trace", Option("memory"), "--memory"),
        ("trace", Option("id"), "--id-column"),
        ("evaluate", Option("candidates"), "--least-overlap"),
        ("verify", Option("executor", "ray"), "--executor ray"),
        # Another command's, and nobody's.
        ("verify", Option("learning_rate"), "--lr"),
        (None, Option("checkpoints", 5), "--checkpoints 5"),
        ("trace", Option("no_such", False), "--no-no-such"),
    ],
)
def test_an_error_names_the_flag_of_the_command_that_runs(
    verb: str | None, wanted: Option, flag: str
) -> None:
    assert spelled(app, verb, wanted) == flag


def test_a_library_error_names_the_flag_and_the_exit_status_is_2(tmp_path: Path) -> None:
    file = tmp_path / "data.csv"
    file.write_text("text,label\na b,x\nc d,y\n")
    done = wordtrace("train", file, "--out", tmp_path / "run", "--lr", "-1", status=2)
    assert done.stderr == "wordtrace: --lr is -1.0; it must be over 0.\n"
    done = wordtrace("--debug", "train", file, "--out", tmp_path / "run", "--lr", "-1", status=1)
    assert done.stderr.endswith("InputError: learning_rate is -1.0; it must be over 0.\n")


@dataclass(frozen=True)
class Size:
    width: Annotated[int, typer.Option("-w", "--wide")]
    height: Annotated[int, typer.Option(help="High.")] = 3


def test_a_group_is_given_as_one_object_and_its_options_stand_on_their_own() -> None:
    seen: list[Any] = []

    def verb(name: str, size: Size, loud: bool = False) -> None:
        """Do it."""
        seen.append((name, size, loud))

    other = typer.Typer()
    other.command()(grouped(verb))
    assert RUN.invoke(other, ["it", "--wide", "2", "--loud"]).exit_code == 0
    assert seen == [("it", Size(2, 3), True)]
    assert RUN.invoke(other, ["it"]).exit_code == 2  # --wide has no default


def test_a_result_is_written_by_the_ending_of_its_file(work: Path) -> None:
    """As `save` writes it: what the command line takes is asked of the result."""
    asked = ("trace", "run/index", "the goal of the bank", "--top", "3", "--out")
    for ending in ("json", "html", "parquet", "CSV"):
        assert "Wrote" in wordtrace(*asked, f"goal.{ending}", cwd=work).stderr
    found = wt.load(work / "goal.json")
    saved = pq.read_table(work / "goal.parquet").to_pylist()
    listed = found.table().to_pylist()
    assert [one["id"] for one in saved] == [one["id"] for one in listed]
    assert [list(one) for one in saved] == [list(one) for one in listed]
    with (work / "goal.CSV").open(newline="", encoding="utf-8") as opened:
        assert [row["id"] for row in csv.DictReader(opened)] == [one["id"] for one in listed]
    assert (work / "goal.html").read_text().lstrip().startswith("<!doctype html>")


def test_measures_and_scores_are_written_so_too(work: Path) -> None:
    wordtrace("measures", "--out", "measures.csv", cwd=work)
    with (work / "measures.csv").open(newline="", encoding="utf-8") as opened:
        rows = list(csv.DictReader(opened))
    assert [row["name"] for row in rows] == [one["name"] for one in measures()["measures"]]
    (work / "asked.txt").write_text("the goal of the bank\n")
    wordtrace(
        *("scores", "run/index", "--queries", "asked.txt", "--label", "money", "--out", "s.csv"),
        cwd=work,
    )
    with (work / "s.csv").open(newline="", encoding="utf-8") as opened:
        assert len(list(csv.DictReader(opened))) == 96


@pytest.mark.parametrize(
    ("given", "names"),
    [
        (["a,b"], ("a", "b")),
        (['["rude, loud", "threat"]'], ("rude, loud", "threat")),
        (["rude, loud", "threat"], ("rude, loud", "threat")),
        (None, None),
    ],
)
def test_names_of_labels_may_hold_commas(
    given: list[str] | None, names: tuple[str, ...] | None
) -> None:
    assert OtherModelOptions(label_names=given).library()["label_names"] == names


@pytest.mark.parametrize("given", ["[1, 2]", "[", '["a"'])
def test_names_of_labels_that_are_no_list_are_refused(given: str) -> None:
    with pytest.raises(InputError, match=r"--label-names is .*as a JSON list it must hold texts"):
        OtherModelOptions(label_names=[given]).library()


def test_row_numbers_are_taken_and_a_note_says_how_quotes_were_read(tmp_path: Path) -> None:
    rows = "".join(f"7\tword {place} so\t{'ab'[place % 2]}\n" for place in range(8))
    data = tmp_path / "d.tsv"
    data.write_text(f'id\ttext\tlabel\n{rows}7\t"open\ta\n7\tclosed"\tb\n')
    small = ("--epochs", 1, "--eval-fraction", 0, "--vocabulary", 50, "--dim", 4)
    done = wordtrace("train", data, "--no-id", "--out", tmp_path / "run", *small, "--json")
    assert json.loads(done.stdout)["examples"] == 10
    assert "Note: d.tsv, line 10: a field begins with a quote" in done.stderr
    assert done.stderr.count("Note:") == 1
    refused = wordtrace("train", data, "--out", tmp_path / "other", *small, status=2)
    assert "row numbers (--no-id)" in refused.stderr


def test_what_is_no_option_and_no_command_does_not_steer_the_terminal() -> None:
    for line in (
        ("rows", "--\x9b31m\u202ex"),
        ("\x9b31m\u202ex",),
        ("rows", "x", "--limit", "\x9b"),
    ):
        said = wordtrace(*line, status=2).stderr
        assert "Error:" in said
        assert not re.search("[\x7f-\x9f\u202e]", said)

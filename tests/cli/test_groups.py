"""The commands that look at texts: duplicates, outliers, and mistakes without a retraining."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from wordtrace import api
from wordtrace.act.patch import read_patch
from wordtrace.cli.main import app
from wordtrace.errors import InputError

RUN = CliRunner()


def test_duplicates_and_outliers_print_save_and_write_patches(
    index: api.Index, tmp_path: Path
) -> None:
    place, patch = str(index.folder.path), tmp_path / "patch.jsonl"
    found = RUN.invoke(app, ["duplicates", place, "--json"])
    assert json.loads(found.stdout) == json.loads(index.duplicates().to_json())
    asked = ["duplicates", place, "--top", "0", "--threshold", "0.7", "--patch", str(patch)]
    shown = RUN.invoke(app, asked, env={"COLUMNS": "100"}).output
    expected = index.duplicates(threshold=0.7, top=None)
    assert read_patch(patch) == expected.patch()
    assert f"{expected.rows} of {len(index.ids)} training rows stand in" in shown
    assert f"Wrote {patch}: {len(expected.patch())} changes to review" in shown
    RUN.invoke(app, [*asked, "--action", "relabel"])
    assert read_patch(patch) == expected.patch("relabel")
    asked = ["outliers", place, "--top", "3", "--patch", str(patch)]
    shown = RUN.invoke(app, asked, env={"COLUMNS": "200"}).output
    assert len(read_patch(patch)) == 3
    assert index.outliers(top=1).rows[0].id in shown
    assert "An unusual text is not a wrong one" in shown


def test_mistakes_need_no_retraining(index: api.Index) -> None:
    found = RUN.invoke(app, ["clusters", str(index.folder.path), "--trainings", "0", "--json"])
    document = json.loads(found.stdout)
    assert document["trainings"] == 0
    assert document["wrong"] == index.mistakes().wrong


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["duplicates", "INDEX", "--action", "keep"], "--action is 'keep'; it must be remove or"),
        (["duplicates", "INDEX", "--top", "-1"], "--top is -1; it must be 0"),
        (["clusters", "RUN", "--trainings", "0"], "--trainings 0 takes an index's folder"),
    ],
)
def test_wrong_arguments_are_told(index: api.Index, arguments: list[str], sentence: str) -> None:
    places = {"INDEX": str(index.folder.path), "RUN": str(index.run.path)}
    found = RUN.invoke(app, [places.get(one, one) for one in arguments])
    assert isinstance(found.exception, InputError)
    assert sentence in str(found.exception)

"""Every script of the reproduction runs at its smallest size and has the rows of the paper."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from reproduction.__main__ import SCRIPTS, listing, main

from reproduction import layers, methods, no_overlap

pytest.importorskip("matplotlib")


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_writes_what_it_found(name: str, tmp_path: Path) -> None:
    assert main([name, "--size", "smoke", "--out", str(tmp_path), "--workers", "1"]) == 0
    found = json.loads((tmp_path / "smoke" / f"{name}.json").read_text())
    assert found["command"] == f"python -m reproduction {name} --size smoke"
    assert found["seconds"] > 0
    table = (tmp_path / "smoke" / f"{name}.md").read_text()
    assert table.count("\n|") == len(found["rows"]) + 1
    assert str(tmp_path) not in table + json.dumps(found)
    rows = [(row.get("set", row.get("embeddings")), row.get("measure")) for row in found["rows"]]
    assert EXPECTED.get(name, set()) <= set(rows)


#: Of the scripts that train again: data, and each method of the paper's there.
EXPECTED = {
    "layers": {(None, measure) for measure in layers.PAPER},
    "methods": {
        (methods.TITLES[name], measure) for name in methods.NAMES for measure in methods.PAPER[name]
    },
    "no-overlap": {
        (embeddings, measure)
        for embeddings, measures in no_overlap.PAPER.items()
        for measure in measures
    },
}


def test_the_list_says_what_each_size_costs() -> None:
    said = listing()
    assert all(f"{name}: " in said for name in SCRIPTS)
    assert "paper" in said


def test_an_unknown_name_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["layer"])
    assert "there is no 'layer'; known: layers" in capsys.readouterr().err

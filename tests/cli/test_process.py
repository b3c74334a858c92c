"""The command as a process: where it starts, read in part, quick to help."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest

from tests.command import python_process, wordtrace, wordtrace_process
from wordtrace import api
from wordtrace.api.matrix import open_either
from wordtrace.errors import InputError


def test_a_folder_that_is_gone_is_told(tmp_path: Path) -> None:
    """There PyTorch would end the process in words of its own."""
    for words, status, told in (
        ("words run 'the bank'", 2, "wordtrace: the folder in which this was started is gone;"),
        ("words --help", 0, ""),
    ):
        command = f"mkdir gone; cd gone; rmdir ../gone; exec {sys.executable} -m wordtrace {words}"
        done = subprocess.run(
            ["/bin/sh", "-c", command], capture_output=True, text=True, cwd=tmp_path
        )
        assert done.returncode == status, done.stderr
        assert done.stderr.startswith(told)
        assert done.stderr.count("\n") == bool(told)


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (("words", "run", "the goal of the bank", "a coach"), 0),
        (("index", "nowhere", "--debug", "--no-progress"), 1),
    ],
)
def test_the_other_tests_see_in_this_process_what_a_user_sees(
    work: Path, arguments: tuple[object, ...], status: int
) -> None:
    """The premise of tests/command.py."""
    before = (dict(os.environ), Path.cwd(), sys.argv, sys.excepthook, sys.stdout, sys.stderr)
    here = wordtrace(*arguments, cwd=work, status=status)
    after = (dict(os.environ), Path.cwd(), sys.argv, sys.excepthook, sys.stdout, sys.stderr)
    assert after == before
    there = wordtrace_process(*arguments, cwd=work, status=status)
    assert here.stdout == there.stdout
    # A traceback begins with the lines of code that called.
    assert here.stderr.splitlines()[-1:] == there.stderr.splitlines()[-1:]
    assert ("Traceback" in here.stderr) == ("Traceback" in there.stderr)


def test_what_goes_past_python_is_seen_in_this_process_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def shout() -> dict[str, Any]:
        os.write(1, b"from C\n")
        os.write(2, b"from C\n")
        logging.getLogger("nobody's").warning("from a log")
        warnings.warn("from a warning", stacklevel=1)
        return {"measures": []}

    monkeypatch.setattr("wordtrace.measures.catalogue.measures", shout)
    done = wordtrace("measures", "--json")
    assert done.stdout.startswith("from C\n{")
    assert done.stderr.startswith("from C\nfrom a log\n")
    assert "UserWarning: from a warning" in done.stderr


def test_help_imports_no_torch() -> None:
    script = (
        "import sys\n"
        "from wordtrace.cli.main import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "assert 'torch' not in sys.modules and 'pyarrow' not in sys.modules\n"
    )
    done = python_process(script)
    assert done.returncode == 0, done.stderr
    for verb in ("train", "index", "trace", "verify", "report", "mislabels", "scores", "demo"):
        assert verb in done.stdout
    for verb in ("train", "trace"):
        assert "--out" in wordtrace(verb, "--help").stdout


WRONG_PLACES = """
import json, sys
from wordtrace.cli.main import main
for arguments in json.loads(sys.argv[1]):
    try: main(arguments)
    except SystemExit as ended: print(ended.code)
assert "torch" not in sys.modules
"""


def test_a_wrong_place_is_told_before_anything_heavy_is_imported(tmp_path: Path) -> None:
    """And in the words of the library, which looks at the same files."""
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "run.json").touch()
    (tmp_path / "half.part").mkdir()
    index, run = "build an index with `wordtrace index RUN`.", "make a run with `wordtrace train`"
    told = {
        ("trace", "none", "x"): f"none does not exist; {index}",
        ("trace", ".", "x"): f". holds no manifest.json; {index}",
        ("mislabels", "run"): "run is a run, not an index; give run/index.",
        ("neighbours", "half", "--out", "x"): "half is not finished: its build was interrupted;",
        ("words", "none", "x"): f"none does not exist; {run}",
        ("index", "half"): "half is not finished: its training, or its rec",
        ("scores", "none", "--queries", "x", "--out", "y"): f"none does not exist; {run}",
        ("info", "."): f". holds no run.json; {run}",
        ("verify", "run/run.json", "none.json"): "none.json does not exist; give a file that",
        ("verify", "run/run.json", "--run", "none"): f"none does not exist; {run}",
    }
    done = python_process(WRONG_PLACES, json.dumps(list(told)), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["2"] * len(told)
    for line, sentence in zip(done.stderr.splitlines(), told.values(), strict=True):
        assert line.startswith(f"wordtrace: {sentence}")
    for opening in (api.Index.open, api.Run.open, api.read_trace, open_either):
        with pytest.raises(InputError, match=r" does not exist; (build|make|give) a"):
            opening("none")


#: A trace of a CNN needs torch, numpy, pyarrow (which takes pandas along, where it is installed),
#: safetensors, tokenizers, regex, typer and rich; of all others that are imported here or there:
NOT_NEEDED = {
    *("transformers", "datasets", "peft", "accelerate", "trl", "torch._dynamo"),
    *("scipy", "sklearn", "bm25s", "jinja2", "matplotlib"),
    *("loky", "ray", "submitit", "fastapi", "starlette", "uvicorn", "mcp"),
}


def test_a_trace_of_a_cnn_imports_only_what_it_needs(work: Path) -> None:
    script = (
        "import sys\n"
        "from wordtrace.cli.main import main\n"
        "try: main(['trace', 'run/index', 'the goal of the bank', '--top', '3'])\n"
        "except SystemExit: pass\n"
        "sys.stderr.write(' '.join(sys.modules))\n"
    )
    done = python_process(script, cwd=work)
    assert done.returncode == 0, done.stderr
    assert "proponents" in done.stdout.lower()
    loaded = set(done.stderr.split())
    assert "torch" in loaded
    assert NOT_NEEDED & loaded == set()


def test_a_reader_that_leaves_early_is_no_error(work: Path) -> None:
    done = subprocess.run(
        f"{sys.executable} -m wordtrace info run --json | head -1",
        shell=True,
        cwd=work,
        capture_output=True,
        text=True,
    )
    assert done.stdout == "{\n"
    assert "Traceback" not in done.stderr


def test_importing_the_library_is_free() -> None:
    script = "import sys, wordtrace; assert not {'torch', 'pyarrow', 'rich'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", script], check=True)

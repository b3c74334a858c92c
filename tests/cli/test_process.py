"""The command as a process: interrupted, read in part, quick to help."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest
from torture.sandbox import processes_of

from tests.command import wordtrace, wordtrace_process
from tests.patience import PATIENCE, wait_until
from wordtrace import api
from wordtrace.api.matrix import open_either
from wordtrace.errors import InputError

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
SMALL = ["--epochs", "3", "--batch-size", "8", "--dim", "8", "--vocabulary", "200"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "sent", "status", "told"),
    [
        ("train", signal.SIGINT, 130, "interrupted"),
        ("index", signal.SIGINT, 130, "interrupted"),
        ("train", signal.SIGHUP, 129, "ended by SIGHUP"),
        ("index", signal.SIGTERM, 143, "ended by SIGTERM"),
    ],
)
def test_a_signal_stops_cleanly_and_the_same_command_goes_on(
    work: Path, tmp_path: Path, kind: str, sent: signal.Signals, status: int, told: str
) -> None:
    arguments = {
        "train": [
            "train",
            work / "data.csv",
            "--text",
            "body",
            "--label",
            "topic",
            "--id",
            "key",
            "--epochs",
            "400",
            "--dim",
            "64",
            "--checkpoints",
            "2",
            "--out",
            tmp_path / "r",
        ],
        "index": ["index", work / "run", "--shard-size", "1", "--out", tmp_path / "r"],
    }[kind]
    process = subprocess.Popen(
        [sys.executable, "-m", "wordtrace", *map(str, arguments)],
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        # Where the tests run in the background, the signal would be ignored by inheritance.
        preexec_fn=lambda: [signal.signal(one, signal.SIG_DFL) for one in ENDING],
    )
    part = tmp_path / "r.part"
    wait_until(
        lambda: len([*part.glob("checkpoint*/*")]) >= 6 or len([*part.glob("*-0/*")]) >= 3, process
    )
    if sent == signal.SIGINT:  # a terminal's goes to all that it has started
        os.killpg(process.pid, sent)
    else:
        os.kill(process.pid, sent)
    out, error = process.communicate(timeout=PATIENCE)
    assert process.returncode == status, error
    end = f"wordtrace: {told}; what is done is kept: run the same command to go on."
    assert error.rstrip().endswith(end)
    wait_until(lambda: not processes_of(process.pid))
    assert not [one for one in os.listdir("/dev/shm") if str(process.pid) in one.split("-")]
    assert "Traceback" not in error
    assert out == ""
    assert part.exists()
    assert not (tmp_path / "r").exists()


WHILE_IMPORTED = """
import os, runpy, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "typer":
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Finder())
sys.argv = ["wordtrace", "measures"]
runpy.run_module("wordtrace", run_name="__main__", alter_sys=True)
"""


def test_ctrl_c_before_anything_has_begun_is_a_sentence_too() -> None:
    done = subprocess.run(
        [sys.executable, "-c", WHILE_IMPORTED], capture_output=True, text=True, timeout=PATIENCE
    )
    assert (done.returncode, done.stdout) == (130, "")
    assert done.stderr == "wordtrace: interrupted; nothing was begun.\n"


UNCATCHING = """
import signal, sys, time
signal.signal(signal.SIGINT, getattr(signal, sys.argv[1]))
from wordtrace.cli import main as cli
class Uncatching:
    def __del__(self):
        signal.raise_signal(signal.SIGTERM)
def slow(*given, **named):
    Uncatching()
    while True:
        time.sleep(0.01)
cli.app = slow
cli.main(["measures"])
"""


@pytest.mark.parametrize("at_ctrl_c", ["default_int_handler", "SIG_IGN", "SIG_DFL"])
def test_a_signal_whose_exception_nobody_can_pass_on_comes_again(at_ctrl_c: str) -> None:
    """As in a method by which a library in C clears up: Python would print it, and go on."""
    done = subprocess.run(
        [sys.executable, "-c", UNCATCHING, at_ctrl_c],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert (done.returncode, done.stdout) == (143, "")
    assert done.stderr.splitlines() == [
        "wordtrace: ended by SIGTERM; what is done is kept: run the same command to go on."
    ]


WHILE_TOLD = """
import signal
from wordtrace.cli import main as cli
told = cli._fail
def telling(*given):
    cli._fail = told
    signal.raise_signal(signal.SIGTERM)
cli._fail = telling
cli.main(["index", "nowhere"])
"""


def test_a_signal_while_an_error_is_told_ends_the_command_as_any_other() -> None:
    done = subprocess.run(
        [sys.executable, "-c", WHILE_TOLD], capture_output=True, text=True, timeout=PATIENCE
    )
    assert (done.returncode, done.stdout) == (143, "")
    assert done.stderr.splitlines() == [
        "wordtrace: ended by SIGTERM; what is done is kept: run the same command to go on."
    ]


AFTER_THE_LAST_WORD = """
import signal
from wordtrace.cli import main as cli
class Status(int):
    def __ge__(self, other):  # is looked at when all is done
        signal.raise_signal(signal.SIGTERM)
        return False
cli._run = lambda *given: Status(0)
cli.main(["measures"])
"""


def test_a_signal_after_all_is_done_changes_nothing() -> None:
    done = subprocess.run(
        [sys.executable, "-c", AFTER_THE_LAST_WORD],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert (done.returncode, done.stderr) == (0, "")


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


def test_a_signal_that_is_ignored_stays_so() -> None:
    """As ``nohup`` has it; and a program of the user's keeps its own handlers."""
    script = (
        "import os, signal\n"
        "from wordtrace.cli.main import main\n"
        "signal.signal(signal.SIGHUP, signal.SIG_IGN)\n"
        "signal.signal(signal.SIGTERM, lambda number, frame: print('mine', flush=True))\n"
        "try: main(['measures'])\n"
        "except SystemExit: pass\n"
        "for one in (signal.SIGHUP, signal.SIGTERM): os.kill(os.getpid(), one)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("mine\n")


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
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
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
    done = subprocess.run(
        [sys.executable, "-c", WRONG_PLACES, json.dumps(list(told))],
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
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
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=work)
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

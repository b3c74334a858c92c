"""The command line as a user drives it: in processes of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from tests.conftest import make_examples
from wordtrace import api

SMALL = ["--epochs", "3", "--batch-size", "8", "--dim", "8", "--vocabulary", "200"]


def wordtrace(
    *arguments: object, status: int = 0, cwd: Path | None = None, **extra: str
) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "wordtrace", *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=cwd,
        timeout=300,
        env={**os.environ, "OMP_NUM_THREADS": "1", **extra},
    )
    assert done.returncode == status, (done.returncode, done.stdout, done.stderr)
    return done


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with data, and a run and an index made by the command line."""
    folder = tmp_path_factory.mktemp("cli")
    examples = make_examples()
    lines = ["key,body,topic"]
    for id, text, label in zip(examples.ids, examples.texts, examples.labels, strict=True):
        lines.append(f'{id},"{text}",{examples.label_names[label]}')
    (folder / "data.csv").write_text("\n".join(lines) + "\n")
    done = wordtrace(
        "train",
        "data.csv",
        "--text",
        "body",
        "--label",
        "topic",
        "--id",
        "key",
        "--eval-fraction",
        "0.2",
        *SMALL,
        "--out",
        "run",
        cwd=folder,
    )
    assert "held-out accuracy" in done.stdout
    assert "Next: wordtrace index run" in done.stderr
    done = wordtrace("index", "run", cwd=folder)
    assert "top 10 positions" in done.stdout
    return folder


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
            "--text",
            "body",
            "--label",
            "topic",
            "--id",
            "key",
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


WRONG = {
    "no data": (("train", "no.csv", "--out", "x"), "no.csv does not exist; give .csv"),
    "no column": (("train", "data.csv", "--out", "x"), "no column 'text'; it has 'key', 'body'"),
    "no run": (("index", "nowhere"), "nowhere does not exist; make a run with `wordtrace train`"),
    "run for index": (("trace", "run", "x"), "run is a run, not an index; give run/index"),
    "no text": (("trace", "run/index"), "give a TEXT or --queries FILE"),
    "empty text": (("trace", "run/index", " "), "query 0 is empty"),
    "label": (("trace", "run/index", "x", "--label", "no"), "there is no label 'no'; the run has"),
    "measure": (("trace", "run/index", "x", "--measure", "bm52"), "did you mean bm25?"),
    "ending": (("trace", "run/index", "x", "--out", "x.txt"), "should end in .json or .html"),
    "folder": (("trace", "run/index", "x", "--out", "no/x.json"), "the folder no does not exist"),
    "top-k": (("index", "run", "--top-k", "ten"), "--top-k is 'ten'; give a number or 'all'"),
    "trace": (("verify", "data.csv"), "is not valid JSON"),
    "steps": (
        ("train", "data.csv", "--out", "x", "--checkpoint-steps", "a"),
        "--checkpoint-steps is 'a'",
    ),
    "report": (("report", "no.json"), "no.json does not exist"),
    "scores": (
        ("scores", "run", "--queries", "data.csv", "--out", "x.csv"),
        "end in .parquet or .npy",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_input_is_one_sentence_and_no_traceback(work: Path, name: str) -> None:
    arguments, message = WRONG[name]
    status = 1 if name == "trace" else 2
    done = wordtrace(*arguments, cwd=work, status=status)
    assert message in done.stderr
    assert done.stderr.startswith("wordtrace: ")
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""
    assert not (work / "x").exists()
    assert not (work / "x.part").exists()


def test_unknown_options_exit_with_2(work: Path) -> None:
    assert "--nonsense" in wordtrace("index", "run", "--nonsense", cwd=work, status=2).stderr
    wordtrace("nonsense", cwd=work, status=2)


def test_debug_shows_the_traceback(work: Path) -> None:
    done = wordtrace("index", "nowhere", "--debug", cwd=work, status=1)
    assert "Traceback" in done.stderr
    assert "InputError" in done.stderr


def test_check_finds_damage(work: Path, tmp_path: Path) -> None:
    import shutil

    shutil.copytree(work / "run", tmp_path / "run")
    assert "as they were written" in wordtrace("check", tmp_path / "run").stderr
    wordtrace("check", tmp_path / "run/index")
    shard = tmp_path / "run/index/checkpoint-0/shard-00000.safetensors"
    data = bytearray(shard.read_bytes())
    data[-3] ^= 64
    shard.write_bytes(data)
    done = wordtrace("check", tmp_path / "run/index", status=1)
    assert "has changed since the index was built" in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["train", "index"])
def test_ctrl_c_stops_cleanly_and_the_same_command_goes_on(
    work: Path, tmp_path: Path, kind: str
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
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    part = tmp_path / "r.part"
    until = time.monotonic() + 120
    while len(list(part.glob("checkpoint*/*"))) < 6 and len(list(part.glob("*-0/*"))) < 3:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < until
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGINT)
    out, error = process.communicate(timeout=60)
    assert process.returncode == 130, error
    assert error.rstrip().endswith("run the same command to go on.")
    assert "Traceback" not in error
    assert out == ""
    assert part.exists()
    assert not (tmp_path / "r").exists()


def test_help_is_quick_and_imports_no_torch() -> None:
    script = (
        "import sys, time; start = time.perf_counter()\n"
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


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["cancellation", "run", "--layers", "attention"], "there is no layer 'attention'"),
        (["cancellation", "nowhere"], "nowhere"),
        (["words", "run", "  "], "TEXT is empty"),
        (["words", "run", "coach", "--label2", "film"], "--label2, --pair2 and --span2"),
        (["words", "run", "coach", "--pair", "team"], "leave out --pair"),
        (["overlap", "run", "--queries", "data.csv", "--measures", "nonsense"], "no measure"),
        (["measures", "--out", "measures.txt"], ".json or .html"),
    ],
)
def test_wrong_arguments_of_the_analyses_are_one_sentence(
    work: Path, arguments: list[str], said: str
) -> None:
    if "data.csv" in arguments:
        arguments = [*arguments, "--text-column", "body", "--label-column", "topic"]
    done = wordtrace(*arguments, status=2, cwd=work)
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
    assert "Traceback" not in done.stderr


def test_from_suspects_to_a_repaired_file(work: Path) -> None:
    options = ["--text", "body", "--label", "topic", "--id", "key"]
    shown = wordtrace("mislabels", "run/index", "--top", "4", "--patch", "fix.jsonl", cwd=work)
    assert "model says" in shown.stdout
    assert "wordtrace apply" in shown.stderr
    changes = [json.loads(line) for line in (work / "fix.jsonl").read_text().splitlines()]
    done = wordtrace(
        "apply", "fix.jsonl", "data.csv", "--out", "fixed.csv", *options, "--json", cwd=work
    )
    assert json.loads(done.stdout)["relabelled"] == len(changes) > 0
    old, new = ((work / name).read_text().splitlines() for name in ("data.csv", "fixed.csv"))
    assert sum(a != b for a, b in zip(old, new, strict=True)) == len(changes)
    wordtrace(
        "apply", "fix.jsonl", "fixed.csv", "--out", "back.csv", "--reverse", *options, cwd=work
    )
    assert (work / "back.csv").read_bytes() == (work / "data.csv").read_bytes()
    again = wordtrace(
        "apply", "fix.jsonl", "fixed.csv", "--out", "no.csv", *options, status=2, cwd=work
    )
    assert "has that label already" in again.stderr
    assert not (work / "no.csv").exists()
    judged = wordtrace(
        "mislabels", "run/index", "--truth", "fixed.csv", "--truth-text", "body",
        "--truth-label", "topic", "--truth-id", "key", "--json", cwd=work,
    )  # fmt: skip
    assert json.loads(judged.stdout)["judged"]["wrong"] <= len(changes)


def test_fix_and_clusters_tell_and_write_patches(work: Path) -> None:
    (work / "wrong.csv").write_text(
        "text,label\n" + "".join(f"bank shares and profit {n},film\n" for n in range(2))
    )
    wordtrace(
        "fix", "run/index", "--queries", "wrong.csv", "--k", "2,30", "--repeats", "2",
        "--actions", "remove", "--measures", "", "--out", "fix.html", cwd=work,
    )  # fmt: skip
    assert "Share of retrainings" in (work / "fix.html").read_text()
    found = wordtrace("clusters", "run", "--trainings", "4", "--wrong", "0.1", "--json", cwd=work)
    assert json.loads(found.stdout)["wrong"] > 0
    for arguments in (
        ["fix", "run/index", "--queries", "wrong.csv", "--k", "many"],
        ["fix", "run/index", "--queries", "wrong.csv", "--band", "0.3"],
        ["clusters", "run", "--wrong", "2"],
        ["apply", "data.csv", "data.csv", "--out", "x.csv"],
    ):
        done = wordtrace(*arguments, status=2, cwd=work)
        assert done.stderr.count("\n") == 1

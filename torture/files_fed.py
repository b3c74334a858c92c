"""What runs in the process in which a reader is fed with inputs."""

from __future__ import annotations

import contextlib
import inspect
import io
import json
import random
import shutil
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import wordtrace as wt
from torture.files_damage import cuts, flips, of_tensors
from torture.files_loop import limited, small_memory
from wordtrace.act.decisions import History
from wordtrace.act.review import FORMAT, VERSION
from wordtrace.cli.matrix import read_matrix
from wordtrace.data.chat_files import read_chat
from wordtrace.data.examples_file import read_written
from wordtrace.data.readers import read_dialogues
from wordtrace.disk import atomic
from wordtrace.disk.journal import Journal
from wordtrace.errors import WordtraceError
from wordtrace.execute.ledger import Ledger
from wordtrace.index.manifest import Manifest
from wordtrace.index.shards import map_shard
from wordtrace.index.texts import StoredTexts
from wordtrace.models.chat_template import ChatTemplate
from wordtrace.models.tokenizer import Tokenizer
from wordtrace.run import adam
from wordtrace.run.kept_tokens import read_tokens
from wordtrace.run.manifest import RunManifest, identity
from wordtrace.run.replay_record import ReplayRecord
from wordtrace.run.replay_rows import ReplayRows


@dataclass(frozen=True)
class Reader:
    """A function that reads a file.

    Attributes
    ----------
    kind
        What it reads: the row of the table.
    seeds
        Whole files of its kind, by their names.
    read
        It gets the file's path.
    ways
        How its inputs are made: "guided" by what its code does with them, "structured" as its
        documents or tables are, "damaged" as files are.
    modules
        Those whose code guides.
    """

    kind: str
    seeds: tuple[str, ...]
    read: Callable[[Path], Any]
    ways: tuple[str, ...]
    modules: tuple[str, ...] = ()


def _examples(path: Path) -> Any:
    return wt.read_examples(path, text="body", label="topic", id="key", require_labels=False)


def _saved(name: str) -> Callable[[Path], Any]:
    """Return what reads a folder of ``datasets`` in which one file is another one."""

    def read(path: Path) -> Any:
        folder = Path("saved")
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(_SAVED, folder)
        shutil.copy(path, folder / name)
        return _examples(folder)

    return read


def _review(path: Path) -> Any:
    history = History()
    for line in Journal(path, FORMAT, VERSION).news()[1]:
        history.follow(line)
    return list(history.latest())


def _ledger(path: Path) -> Any:
    with Ledger(path) as ledger:
        return ledger.get("key:3"), ledger.starting("key"), len(ledger)


def _template(path: Path) -> Any:
    shutil.copy(path, path.parent / "chat.json")
    return ChatTemplate.open(path.parent)


def _run(path: Path) -> Any:
    found = RunManifest.of(atomic.read_json(path), path)
    return identity(found.document())


def _texts(path: Path) -> Any:
    found = StoredTexts(path, 48)
    return found.strings("id"), found.strings("text"), found.labels


def _shard(path: Path) -> Any:
    block = map_shard(path, 0, 24)
    return [block.postings(token) for token in range(len(block.token_offsets) - 1)]


#: Where the section has put a folder of ``datasets``, from the working folder of a reader.
_SAVED = Path("../seeds/own/saved")
_ARROW = "data-00000-of-00001.arrow"
_TABLES = ("wordtrace.data.text_files", "wordtrace.data.tsv_quotes", "wordtrace.data.columns")
_RESULTS = ("trace.json", "proof.json", "rows.json", "words.json", "duplicates.json")
_ALL, _BOTH = ("guided", "structured", "damaged"), ("structured", "damaged")

READERS: dict[str, Reader] = {
    "read_examples, CSV": Reader("data", ("data.csv",), _examples, _ALL, _TABLES),
    "read_examples, TSV": Reader("data", ("data.tsv",), _examples, _ALL, _TABLES),
    "read_examples, JSONL": Reader(
        *("data", ("data.jsonl", "sets.jsonl", "numbers.jsonl"), _examples, _ALL),
        ("wordtrace.data.json_files", "wordtrace.data.columns", "wordtrace.data.label_values"),
    ),
    "read_examples, JSON": Reader("data", ("data.json",), _examples, _BOTH),
    "read_examples, gzip": Reader("data", ("data.csv.gz",), _examples, ("damaged",)),
    "read_examples, Parquet": Reader("data", ("data.parquet",), _examples, ("damaged",)),
    **{
        f"a folder of datasets, {name}": Reader("data", (f"saved/{name}",), _saved(name), ways)
        for name, ways in (
            ("state.json", _BOTH),
            ("dataset_info.json", _BOTH),
            (_ARROW, ("damaged",)),
        )
    },
    "read_dialogues": Reader(
        *("conversations", ("chat.jsonl",), read_dialogues, _ALL),
        ("wordtrace.data.conversations", "wordtrace.data.json_files"),
    ),
    "read_chat": Reader(
        *("conversations", ("chat.jsonl", "chat.json"), read_chat, _ALL),
        ("wordtrace.data.chat_files",),
    ),
    "read_patch": Reader(
        "patches", ("patch.jsonl",), wt.read_patch, _ALL, ("wordtrace.act.patch",)
    ),
    "load": Reader("results", _RESULTS, wt.load, _BOTH),
    "read_trace": Reader("results", ("trace.json",), wt.read_trace, _BOTH),
    "matrix, Parquet": Reader(
        *("results", ("matrix.parquet",)),
        *(lambda path: read_matrix(path, ["0", "1"], []), ("damaged",)),
    ),
    "matrix, NumPy": Reader(
        *("results", ("matrix.npy",), lambda path: read_matrix(path, [], []), ("damaged",)),
    ),
    "review": Reader(
        *("reviews", ("decisions.jsonl",), _review, _ALL),
        ("wordtrace.disk.journal", "wordtrace.act.decisions"),
    ),
    "ledger": Reader("ledgers", ("ledger.sqlite",), _ledger, ("damaged",)),
    "run.json": Reader("manifests", ("run.json",), _run, _BOTH),
    "manifest.json": Reader(
        *("manifests", ("manifest.json",), lambda path: Manifest.of(atomic.read_json(path)), _BOTH),
    ),
    "replay.json": Reader("replays", ("replay.json",), ReplayRecord.read, _BOTH),
    "rows of a replay": Reader(
        "replays", ("replay_rows.safetensors",), ReplayRows.read, ("damaged",)
    ),
    "kept tokens": Reader("replays", ("kept_tokens.safetensors",), read_tokens, ("damaged",)),
    "chat template": Reader("tokenizers", ("template.json",), _template, _BOTH),
    "tokenizer": Reader(
        *("tokenizers", ("tokenizer.json",)),
        *(lambda path: Tokenizer.open(path, 16).encode(["the goal"]), _BOTH),
    ),
    "Adam's step sizes": Reader(
        *("checkpoints", ("adam.safetensors",)),
        *(lambda path: adam.root_steps(path, 120, 8), ("damaged",)),
    ),
    "stored examples": Reader("tables", ("train.parquet",), read_written, ("damaged",)),
    "stored texts": Reader("tables", ("texts.safetensors",), _texts, ("damaged",)),
    "shard": Reader("shards", ("shard.safetensors",), _shard, ("damaged",)),
}


def feed(name: str, way: str, rounds: str, seed: str, seeds: str) -> None:
    """Feed a reader, and write one letter for each input: v for a value, r for a refusal.

    What is neither is written to ``fell``. The working folder is this process's own.
    """
    reader = READERS[name]
    whole = [(Path(seeds) / one) for one in reader.seeds]
    suffix = "".join(whole[0].suffixes)
    place = Path(f"input{suffix}")
    for path in whole:  # what is imported at the first reading takes its time
        shutil.copy(path, place)
        with contextlib.suppress(WordtraceError):
            reader.read(place)
    small_memory()
    warnings.simplefilter("ignore")
    with open("ends", "a", buffering=1) as ends:

        def one(data: bytes) -> None:
            for left in Path().glob(f"{place}?*"):  # what SQLite leaves beside it
                left.unlink()
            place.write_bytes(data)
            with limited(), contextlib.redirect_stderr(io.StringIO()):
                try:
                    reader.read(place)
                    ends.write("v")
                except WordtraceError as error:
                    ends.write("r" if _clear(str(error)) else "x")
                    if not _clear(str(error)):
                        _fell(data, f"no sentence: {error!s:.300}")
                except BaseException as error:
                    ends.write("x")
                    _fell(data, f"{type(error).__name__}: {error!s:.300}")
            ends.flush()

        _WAYS[way](reader, whole, one, int(rounds), int(seed))


def _clear(sentence: str) -> bool:
    return 10 < len(sentence) < 1500 and "\n" not in sentence.strip()


def _fell(data: bytes, error: str) -> None:
    with open("fell", "a") as file:
        line = {"data": data[:600].decode("latin-1"), "error": error}
        file.write(json.dumps(line) + "\n")


def _guided(
    reader: Reader, whole: list[Path], one: Callable[[bytes], None], rounds: int, seed: int
) -> None:
    """Let libFuzzer make the inputs, guided by which lines of our code they reach."""
    import atheris

    for name in reader.modules:
        for function in list(vars(import_module(name)).values()):
            if inspect.isfunction(function) and function.__module__ == name:
                atheris.instrument_func(function)
    corpus = Path("corpus")
    corpus.mkdir()
    for path in whole:
        small = path.read_bytes()[:1500]
        (corpus / path.name).write_bytes(small[: small.rfind(b"\n") + 1] or small)
    options = [f"-runs={rounds}", f"-seed={seed + 1}", "-max_len=3000", "-verbosity=0"]
    atheris.Setup(["fuzz", *options, "-rss_limit_mb=0", "-timeout=3600", str(corpus)], one)
    atheris.Fuzz()


def _damaged(
    reader: Reader, whole: list[Path], one: Callable[[bytes], None], rounds: int, seed: int
) -> None:
    """Cut the whole files, flip their bits, and let their headers lie."""
    generator = random.Random(seed)
    each = max(1, rounds // len(whole))
    for path in whole:
        data = path.read_bytes()
        one(data)
        found = [*cuts(data), *flips(data, each, generator)]
        if path.suffix == ".safetensors":
            found += of_tensors(data)
        for damage in generator.sample(found, min(len(found), each)):
            assert damage.data is not None
            one(bytes.fromhex(damage.data))


def _structured(
    reader: Reader, whole: list[Path], one: Callable[[bytes], None], rounds: int, seed: int
) -> None:
    """Let Hypothesis make documents and tables of the right form with wrong values."""
    import hypothesis
    from hypothesis import strategies as st

    from torture.files_forms import forms

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=rounds,
        database=None,
        deadline=None,
        derandomize=False,
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(st.one_of([forms(path) for path in whole]))
    def given(data: bytes) -> None:
        one(data)

    given()


_WAYS = {"guided": _guided, "structured": _structured, "damaged": _damaged}

"""What a user has after some days: a run with everything beside it whose files are damaged."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import wordtrace as wt
from torture import kills_targets
from torture.files_damage import checked
from torture.sandbox import Command
from torture.world import make_world

TEXT = "the goal of the bank and the actor"
TRACE = ("trace", "run/index", TEXT, "--top", "3", "--json")
PROJECTED = ("trace", "run/projected", TEXT, "--top", "3", "--json")
ROWS = ("rows", "run/index", "--json")
INFO = ("info", "run", "--json")
INFO_INDEX = ("info", "run/index", "--json")
WORDS = ("words", "run", TEXT, "--json")
_QUERIES = ("--queries", "queries.csv", "--text-column", "body", "--label-column", "topic")
LAST = ("scores", "run", *_QUERIES, "--measure", "tracin-last", "--out", "OUT.npy")
BM25 = ("scores", "run", *_QUERIES, "--measure", "bm25", "--out", "OUT.npy")
NOC = ("scores", "run/index", *_QUERIES, "--measure", "tracin-we-noc", "--out", "OUT.npy")
REVIEW = ("review", "run/index", "--json")
_PROOF = ("--remove", "proponents", "--k", "3", "--repeats", "2", "--workers", "1")
# In a copied world the run lies elsewhere than the trace says.
VERIFY = ("verify", "trace.json", "--run", "run", *_PROOF, "--json")
CHECK, CHECK_PROJECTED = ("check", "run/index"), ("check", "run/projected")
# Of a training of Hugging Face's Trainer.
INFO_ADOPTED = ("info", "adopted", "--json")
TRACE_ADOPTED = ("trace", "adopted/index", TEXT, "--top", "3", "--json")
WORDS_ADOPTED = ("words", "adopted", TEXT, "--json")
VERIFY_ADOPTED = (
    *("verify", "adopted.json", "--run", "adopted", "--replay", "--yes", "--k", "2"),
    *("--repeats", "2", "--workers", "1", "--json"),
)
CHECK_ADOPTED = ("check", "adopted/index")


@dataclass(frozen=True)
class Target:
    """Some files that are damaged.

    Attributes
    ----------
    name
        What they are.
    files
        Their paths in the world's folder.
    commands
        What reads them.
    check
        The command that finds damage to them.
    own
        Whether the user may take them away, or put those of another run there.
    """

    name: str
    files: tuple[str, ...]
    commands: tuple[tuple[str, ...], ...]
    check: tuple[str, ...] = CHECK
    own: bool = False


def make(folder: str) -> None:
    """Make the world in this process's working folder, and its twin: another seed, all else alike.

    Parameters
    ----------
    folder
        The name of the twin's folder.
    """
    made = make_world(Path("made"))
    for path in sorted(made.folder.iterdir()):
        path.rename(path.name)
    made.folder.rmdir()
    run = wt.Run.open("run")
    _grow(run)
    (Path(folder) / "run").mkdir(parents=True)
    examples = wt.read_examples("data.csv", text="body", label="topic", id="key")
    steps = tuple(one.step for one in run.checkpoints)
    settings = wt.Settings(dim=8, vocabulary=120, checkpoints=steps)
    recipe = replace(run.recipe, seed=6)
    twin = wt.train(examples, f"{folder}/run", recipe=recipe, settings=settings, eval_fraction=0.2)
    wt.build_index(twin, f"{folder}/run/index", shard_size=24, workers=1)
    _grow(twin)
    for name in ("run", f"{folder}/run"):
        place = Path(name)
        trace = wt.Index.open(place / "index").trace(TEXT, top=3)
        trace.save(place.parent / "trace.json")
        review = wt.Review.open(place)
        review.decide(trace.proponents[0].id, "remove")
        review.decide(trace.opponents[0].id, "relabel", label="sport")
    wt.verify(wt.read_trace("trace.json"), remove="proponents", k=3, repeats=2, workers=1)
    kills_targets.tokenizer()
    kills_targets.fine_tuned("tuned", "adopted")
    adopted = wt.build_index(wt.Run.open("adopted"), "adopted/index", workers=1)
    trace = adopted.trace(TEXT, top=3)
    trace.save("adopted.json")
    wt.verify(trace, k=2, repeats=2, workers=1, retrain=wt.Replay())


def _grow(run: wt.Run) -> None:
    """Give an index every kind of file, and the run a second index."""
    place = run.path / "index"
    more = wt.read_examples(
        "more.csv", text="body", label="topic", id="key", label_names=run.label_names
    )
    index = wt.Index.open(place)
    index.add(more, workers=1)
    index.remove(index.ids[3:5])
    wt.build_index(run, run.path / "projected", project=4, dtype="int8", shard_size=24, workers=1)


def made_world(folder: Path) -> Path:
    """Make the world, in a process of its own."""
    folder.mkdir(parents=True)
    done = Command(["twin"], folder, target="torture.files_world:make").run()
    if done.status != 0:
        raise RuntimeError(done.error)
    return folder


def older(world: Path, to: Path) -> Path:
    """Return the world as an earlier wordtrace would have made it: without sizes and samples.

    What is damaged is then read, and not refused before.
    """
    shutil.copytree(world, to)
    names = ("run/run.json", "run/index/manifest.json", "run/projected/manifest.json")
    for name in (*names, "adopted/run.json", "adopted/index/manifest.json"):
        document: dict[str, Any] = json.loads((to / name).read_text())
        for entry in ("sizes", "samples"):
            document.pop(entry, None)
        (to / name).write_text(json.dumps(checked(document)))
    return to


def targets(world: Path) -> list[Target]:
    """Return all kinds of files of a world, each with what reads them."""
    run = wt.Run.open(world / "run")
    weights = [f"run/{one.folder}/model.safetensors" for one in run.checkpoints]
    final = f"run/{run.final.folder}"

    def those(form: str) -> tuple[str, ...]:
        return tuple(sorted(one.relative_to(world).as_posix() for one in world.glob(form)))

    adopted: dict[str, tuple[str, tuple[tuple[str, ...], ...]]] = {
        "run.json": ("run.json", (INFO_ADOPTED, TRACE_ADOPTED)),
        "configuration": ("config.json", (TRACE_ADOPTED, WORDS_ADOPTED)),
        "tokenizer": ("tokenizer.json", (TRACE_ADOPTED, WORDS_ADOPTED)),
        "weights": ("checkpoints/step-000002/model.safetensors", (TRACE_ADOPTED,)),
        "Adam's step sizes": ("checkpoints/step-000002/adam.safetensors", (TRACE_ADOPTED,)),
        "replay": ("replay.json", (INFO_ADOPTED, VERIFY_ADOPTED)),
        "rows of its replay": ("start/rows.safetensors", (VERIFY_ADOPTED,)),
        "random states of its replay": ("start/random_states.safetensors", (VERIFY_ADOPTED,)),
        "weights before its first step": ("start/model.safetensors", (VERIFY_ADOPTED,)),
    }
    return [
        Target("run.json", ("run/run.json",), (INFO, TRACE)),
        Target("weights of a checkpoint", tuple(weights[:1]), (TRACE, LAST)),
        Target("weights of the final model", (f"{final}/model.safetensors",), (TRACE, WORDS)),
        Target("weights before training", those("run/checkpoints/step-000000/m*"), (TRACE,)),
        Target("step.json", (f"{final}/step.json",), (INFO, TRACE)),
        Target("training examples", ("run/train.parquet",), (BM25, WORDS)),
        Target("held-out examples", ("run/held_out.parquet",), (VERIFY,)),
        Target("tokenizer", ("run/tokenizer.json",), (TRACE, WORDS)),
        Target("ledger of retrainings", ("run/retrainings.sqlite",), (VERIFY,), own=True),
        Target("journal of a review", ("run/review/decisions.jsonl",), (REVIEW,), own=True),
        Target("manifest of an index", ("run/index/manifest.json",), (INFO_INDEX, TRACE)),
        Target("table of examples", those("run/index/examples*"), (ROWS, TRACE)),
        Target("table of tokens", those("run/index/tokens*"), (NOC,)),
        Target("stored texts", those("run/index/texts*"), (TRACE, ROWS)),
        Target("removed rows", those("run/index/removed*"), (TRACE, ROWS)),
        Target("shard", those("run/index/checkpoint-*/*"), (TRACE,)),
        Target("shard, int8", those("run/projected/checkpoint-*/*"), (PROJECTED,), CHECK_PROJECTED),
        Target(
            "projection", ("run/projected/projection.safetensors",), (PROJECTED,), CHECK_PROJECTED
        ),
        *(
            Target(
                f"an adopted training's {name}",
                (f"adopted/{file}",),
                tuple(commands),
                CHECK_ADOPTED,
            )
            for name, (file, commands) in adopted.items()
        ),
    ]

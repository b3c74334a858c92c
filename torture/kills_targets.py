"""What the section `kills` runs in processes of their own, besides commands."""

from __future__ import annotations

import json
import re
import shlex
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch

import wordtrace as wt
from wordtrace.cli.main import main
from wordtrace.errors import InputError, WordtraceError

TEXT = "the goal of the match and the bank"


def seen(place: Path) -> Any:
    """Return what a reader sees of a place: an answer, or the sentence of a refusal."""
    try:
        if place.suffix:
            return _file(place)
        if place.name.endswith("index"):
            index = wt.Index.open(place)
            problems = index.folder.check()
            trace = index.trace(TEXT, label="sport", top=4)
            scores = [(one.id, one.score) for one in trace.proponents]
            return {"count": index.folder.count, "scores": scores, "problems": problems}
        run = wt.Run.open(place)
        said = run.predict([TEXT])
        return {"problems": run.check(), "rows": run.train.ids, "said": repr(said)}
    except WordtraceError as error:
        return {"refused": str(error)}
    except Exception as error:
        return {"crashed": f"{type(error).__name__}: {error}"}


def _file(place: Path) -> Any:
    """Read a result whole, or say that it is not there."""
    if not place.exists():
        return {"refused": "does not exist"}
    text = place.read_text("utf-8")
    if place.suffix == ".json":
        return sorted(json.loads(text))
    if place.suffix == ".jsonl":
        return [json.loads(line) for line in text.splitlines()]
    return text


def decide(run: str) -> None:
    """Decide about rows, as a route of the app does."""
    review = wt.Review.open(run)
    review.decide(["row-4", "row-7"], "remove")
    review.decide("row-8", "relabel", label="money")


def groups(index: str) -> None:
    """Compute what the app's view of groups shows, and keep it."""
    from wordtrace.app.kept_groups import KeptGroups

    opened = wt.Index.open(index)
    served: Any = SimpleNamespace(
        index=opened, run=opened.run, state="state-of-both", check=lambda: None
    )
    found = KeptGroups(served)
    assert found.outliers.ask(600.0) is not None
    assert found.duplicates[0.8].ask(600.0) is not None


def prove(index: str) -> None:
    """Ask for a proof as a route of the app does, and do it; or go on with what is there."""
    from wordtrace.app.proof_asked import ProofAsked, Wish, retrainer
    from wordtrace.app.proof_folders import ProofFolder, folders
    from wordtrace.app.proof_job import work
    from wordtrace.verification.plan import plan

    opened = wt.Index.open(index)
    known = folders(opened.run.path)
    if known:
        (folder,) = known
    else:
        served: Any = SimpleNamespace(index=opened, run=opened.run)
        asked = ProofAsked.model_validate(
            {
                "questions": [{"text": TEXT, "label": "sport"}],
                "remove": "proponents",
                "k": 3,
                "repeats": 2,
                "workers": 1,
            }
        )
        wish = Wish.of(served, asked)
        found = plan(wish.study(opened, retrainer(opened.run, None, None)))
        folder = ProofFolder.new(opened.run.path, wish, found)
    if folder.state()["state"] != "done":
        work(folder, opened, None)


def tokenizer() -> None:
    """Write a tokenizer: two trainings of one differ."""
    tiny: Any = import_module("tests.huggingface.architectures")
    tiny.tokenizer("wordpiece").save_pretrained("tokens")


def fine_tuned(folder: str, recording: str = "") -> object:
    """Train a tiny encoder by the Trainer, with the callback where a recording is named."""
    from transformers import PreTrainedTokenizerFast

    tiny: Any = import_module("tests.huggingface.architectures")
    torch.manual_seed(4)
    examples = tiny.make_examples(32)
    try:
        callbacks = [wt.TraceCallback(recording)] if recording else None
    except InputError as error:
        # A training that had ended before the kill: the message names the command to go on with.
        if advice := re.search("`wordtrace ([^`]*)`", str(error)):
            try:
                main(shlex.split(advice[1]))
            except SystemExit as ended:
                if ended.code:
                    raise
            # Whoever runs the script again is told of the run; the recording is not needed now.
            return fine_tuned(folder, recording)
        if "holds a run already" not in str(error):
            raise
        return None
    # Nothing is saved with the callback: it records by itself.
    saving: dict[str, Any] = (
        {"save_strategy": "no"} if recording else {"save_steps": 0.5, "save_only_model": True}
    )
    tiny.fine_tune(
        tiny.ARCHITECTURES[0],
        Path(folder),
        examples,
        tokens=PreTrainedTokenizerFast.from_pretrained("tokens"),
        callbacks=callbacks,
        num_train_epochs=1,
        max_steps=4,
        logging_steps=2,
        **saving,
    )
    if not recording:
        rows = zip(examples.ids, examples.texts, examples.labels.tolist(), strict=True)
        lines = [
            json.dumps({"id": id, "text": text, "label": examples.label_names[label]})
            for id, text, label in rows
        ]
        Path("tuned.jsonl").write_text("\n".join(lines) + "\n")
    return None


def dataset(data: str, out: str) -> None:
    """Save a file of data as a folder of ``datasets``."""
    import datasets

    datasets.Dataset.from_csv(data).save_to_disk(out)

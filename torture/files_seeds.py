"""Whole files of every kind that a reader takes, to be damaged."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pandas
import torch
from safetensors.torch import save_file

import wordtrace as wt
from wordtrace.execute.ledger import Ledger
from wordtrace.run.kept_tokens import write_tokens
from wordtrace.run.replay_record import Loss, ReplayRecord
from wordtrace.run.replay_rows import Column, ReplayRows

_CHAT = [
    {"messages": [{"role": "user", "content": "hi, you"}, {"role": "assistant", "content": "ho"}]},
    {
        "prompt": [{"role": "user", "content": "é"}],
        "completion": [{"role": "assistant", "content": "b"}],
    },
]


def write_seeds(folder: str) -> None:
    """Write them into a folder of this process's working folder, which holds a world."""
    place = Path(folder)
    place.mkdir()
    datasets.disable_progress_bars()
    index = wt.Index.open("run/index")
    _data(place)
    _results(place, index)
    _inner(place, index.run)


def _data(place: Path) -> None:
    """Write the same table in every format of data."""
    with open("data.csv", newline="") as file:
        rows = list(csv.DictReader(file))[:24]
    rows[0]["body"] = 'a "quoted", text\nof two lines é𝄞'
    frame = pandas.DataFrame(rows)
    for ending, mark in (("csv", ","), ("tsv", "\t"), ("csv.gz", ",")):
        frame.to_csv(place / f"data.{ending}", sep=mark, index=False)
    frame.to_parquet(place / "data.parquet")
    (place / "data.json").write_text(json.dumps(rows))
    (place / "data.jsonl").write_text("".join(json.dumps(one) + "\n" for one in rows))
    (place / "chat.jsonl").write_text("".join(json.dumps(one) + "\n" for one in _CHAT))
    (place / "chat.json").write_text(json.dumps(_CHAT[0]["messages"]))
    datasets.Dataset.from_list(rows).save_to_disk(str(place / "saved"))
    lists = [{**row, "topic": [row["topic"], "x"]} for row in rows]
    (place / "sets.jsonl").write_text("".join(json.dumps(one) + "\n" for one in lists))
    numbers = [{**row, "topic": at / 7} for at, row in enumerate(rows)]
    (place / "numbers.jsonl").write_text("".join(json.dumps(one) + "\n" for one in numbers))


def _results(place: Path, index: wt.Index) -> None:
    """Write results and what is made of them."""
    trace = wt.read_trace("trace.json")
    trace.save(place / "trace.json")
    wt.verify(trace, remove="proponents", k=3, repeats=2, workers=1).save(place / "proof.json")
    index.rows(q="goal").save(place / "rows.json")
    wt.words(index.run, "the goal of the bank").save(place / "words.json")
    found = index.duplicates()
    found.save(place / "duplicates.json")
    index.review().patch().write(place / "patch.jsonl")
    matrix = wt.scores(index.run, ["a goal", "a bank"], measure="bm25")
    matrix.save(place / "matrix.npy")
    matrix.save(place / "matrix.parquet")


def _inner(place: Path, run: wt.Run) -> None:
    """Write what a run of a Trainer holds beside what every run does."""
    offsets = np.array([0, 2, 5], np.int64)
    ids = Column(np.array([5, 6, 7, 8, 9], np.int32), offsets, "int64", 0.0)
    ReplayRows({"input_ids": ids}, np.array([2, 3], np.int64)).write(
        place / "replay_rows.safetensors"
    )
    record: dict[str, Any] = {
        "made_with": {"torch": "2"},
        "device": "cpu",
        "machine": "x86",
        "threads": 1,
        "trainer": "Trainer",
        "collator": "DataCollator",
        "arguments": {"seed": 3, "learning_rate": 0.1},
        "loss": Loss(),
        "model": {"class": "BertModel", "trainable": ["a"], "adapter": False, "dtype": None},
        "resumed": (3,),
        "logged": ((2, 0.7), (4, 0.5)),
        "whole": (4, 0.6),
    }
    document = ReplayRecord(**record).document()
    (place / "replay.json").write_text(json.dumps(document, default=vars))
    write_tokens(place / "kept_tokens.safetensors", run.encoded)
    template = {"templates": {"default": "{{ messages }}"}, "special_tokens": {}, "training": None}
    (place / "template.json").write_text(json.dumps(template))
    with Ledger(place / "ledger.sqlite") as ledger:
        for at in range(30):
            ledger.record(f"key:{at}", {"value": at / 3})
    adam = {
        "rows": torch.tensor([1, 4]),
        "second_moment": torch.rand(2, 8),
        "epsilon": torch.tensor(1e-8, dtype=torch.float64),
    }
    save_file(adam, place / "adam.safetensors")
    for name in (
        "run/run.json",
        "run/index/manifest.json",
        "run/tokenizer.json",
        "run/train.parquet",
    ):
        (place / Path(name).name).write_bytes(Path(name).read_bytes())
    shard = next(iter(sorted(Path("run/index").glob("checkpoint-0/*"))))
    (place / "shard.safetensors").write_bytes(shard.read_bytes())
    (place / "texts.safetensors").write_bytes(Path("run/index/texts.safetensors").read_bytes())
    (place / "decisions.jsonl").write_bytes(Path("run/review/decisions.jsonl").read_bytes())

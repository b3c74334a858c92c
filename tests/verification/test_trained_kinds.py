"""A foreign training of every kind of model: its data, and what is read of its folder."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pytest
import torch

import wordtrace as wt
from tests.adopt.trainings import TEMPLATE, language_model, rows
from tests.huggingface.architectures import ARCHITECTURES, model_of, tokenizer, with_adapter
from wordtrace.errors import TrainingError
from wordtrace.retrainers.ask import said_by
from wordtrace.retrainers.retrainer import Change, Probe, Said

BERT = ARCHITECTURES[0]
NAMES = ("film", "money", "sport")


def saved(folder: Path, model: Any, tokens: Any) -> Path:
    model.save_pretrained(folder)
    tokens.save_pretrained(folder)
    return folder


def classifier(folder: Path, names: tuple[str, ...], problem: str, seed: int = 3) -> Path:
    tokens = tokenizer("wordpiece")
    model = model_of(BERT, tokens, names)
    torch.manual_seed(seed)
    torch.nn.init.normal_(model.classifier.weight)
    model.config.problem_type = problem
    return saved(folder, model, tokens)


def lines(path: Path, data: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(one) + "\n" for one in data))
    return path


def change_of(run: wt.Run, probes: tuple[Probe, ...], removed: tuple[int, ...] = ()) -> Change:
    weights = np.ones(len(run.train), np.float32)
    weights[list(removed)] = 0
    return Change("one", 1, weights, run.train.labels, (), probes)


def said(run: wt.Run, change: Change, made: Callable[[Path, Path], Path], **given: Any) -> Said:
    """Train by a function that has a model ready, as a script of the user's would save it."""

    def train(data: Path, seed: int, out: Path) -> Path:
        return made(data, out)

    return wt.Function(train, name="ready", **given).for_run(run).train(run, change)


def copied(model: Path) -> Callable[[Path, Path], Path]:
    return lambda data, out: Path(shutil.copytree(model, out, dirs_exist_ok=True))


def test_numbers_are_said_as_the_model_gives_them(tmp_path: Path) -> None:
    data = lines(
        tmp_path / "rated.jsonl",
        [{"text": one["text"], "label": at / 7} for at, one in enumerate(rows(12))],
    )
    first = classifier(tmp_path / "first", ("score",), "regression")
    run = wt.record(first, data, tmp_path / "run")
    other = classifier(tmp_path / "other", ("LABEL_0",), "regression", seed=4)
    change = change_of(run, (("a goal", None), ("the bank", None)), removed=(2,))
    seen: list[str] = []

    def made(file: Path, out: Path) -> Path:
        seen.extend(file.read_text().splitlines())
        return copied(other)(file, out)

    found = said(run, change, made)
    again = wt.record(other, data, tmp_path / "again").predict(["a goal", "the bank"])
    assert np.allclose(found.probes, again, atol=1e-6)
    assert not np.allclose(found.probes, run.predict(["a goal", "the bank"]), atol=0.1)
    whole = data.read_text().splitlines()
    assert seen == whole[:2] + whole[3:]


def test_several_labels_are_found_by_their_names(tmp_path: Path) -> None:
    data = lines(
        tmp_path / "tagged.jsonl",
        [{"text": one["text"], "label": [one["annotated_label"], "film"]} for one in rows(12)],
    )
    problem = "multi_label_classification"
    first = classifier(tmp_path / "first", NAMES, problem)
    run = wt.record(first, data, tmp_path / "run")
    turned = classifier(tmp_path / "turned", NAMES[::-1], problem)
    found = said(run, change_of(run, (("a goal", None),)), copied(turned))
    straight = said_by(run, run.model(run.final), [("a goal", None)])
    assert np.allclose(found.probes, straight.probes[:, ::-1], atol=1e-6)


def test_a_column_for_each_label_is_relabelled(tmp_path: Path) -> None:
    given = [
        {"text": one["text"], **{name: int(one["label"] == name) for name in NAMES}}
        for one in rows(12)
    ]
    data = lines(tmp_path / "tagged.jsonl", given)
    first = classifier(tmp_path / "first", NAMES[::-1], "multi_label_classification")
    run = wt.record(first, data, tmp_path / "run", label=NAMES)
    labels = run.train.labels.copy()
    labels[3] = run.labelling.parse("{sport, film}")
    change = replace(change_of(run, (("a goal", None),)), labels=labels)
    seen: list[Any] = []

    def made(file: Path, out: Path) -> Path:
        seen.extend(map(json.loads, file.read_text().splitlines()))
        return copied(first)(file, out)

    said(run, change, made)
    assert seen[3] == {**given[3], "film": 1, "money": 0, "sport": 1}
    assert [*seen[:3], *seen[4:]] == [*given[:3], *given[4:]]


def test_an_adapter_is_read_with_the_base_that_the_run_keeps(tmp_path: Path) -> None:
    from transformers import AutoModelForCausalLM

    model, tokens = language_model()
    base = tmp_path / "base"
    given = {"task_type": "CAUSAL_LM", "target_modules": ["c_attn"], "fan_in_fan_out": True}
    adapter = with_adapter(model, tokens, base, AutoModelForCausalLM, **given)
    data = lines(
        tmp_path / "asked.jsonl",
        [{"id": one["id"], "prompt": one["asked"], "completion": one["said"]} for one in rows(12)],
    )
    places = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        for name, parameter in adapter.named_parameters():
            if "lora_" in name:
                torch.nn.init.normal_(parameter, std=0.2)
        places.append(tmp_path / f"adapter-{seed}")
        adapter.save_pretrained(places[-1])
        tokens.save_pretrained(places[-1])
    run = wt.record(places[0], data, tmp_path / "run", copy=True)
    again = wt.record(places[1], data, tmp_path / "again", copy=True)
    shutil.rmtree(base)  # as a name on the hub: no folder here
    probes = (("the coach of the team", " wins"), ("the bank", " falls"))
    seen: list[str] = []

    def made(file: Path, out: Path) -> Path:
        seen.extend(file.read_text().splitlines())
        return copied(places[1])(file, out / "checkpoint-3")

    found = said(run, change_of(run, probes, removed=(0, 11)), made)
    assert np.allclose(found.probes, said_by(again, again.model(again.final), probes).probes)
    assert found.probes.shape == (2, 1)
    assert seen == data.read_text().splitlines()[1:-1]
    kept = run.path / "retrained" / "one" / "model"
    assert {one.name for one in kept.iterdir()} == {
        *("adapter_config.json", "adapter_model.safetensors", "kept.json")
    }


def test_conversations_get_their_messages_back(tmp_path: Path) -> None:
    model, tokens = language_model(n_positions=96)
    tokens.add_special_tokens({"additional_special_tokens": ["<|im_start|>", "<|im_end|>"]})
    tokens.chat_template, tokens.model_max_length = TEMPLATE, 96
    model.resize_token_embeddings(len(tokens))
    talks = [
        [{"role": "user", "content": one["asked"]}, {"role": "assistant", "content": one["said"]}]
        for one in rows(9)[:6]
    ]
    data = lines(tmp_path / "talks.jsonl", [{"messages": talk} for talk in talks])
    run = wt.record(saved(tmp_path / "chat", model, tokens), data, tmp_path / "run", copy=True)
    probes = tuple((text, None) for text in run.train.texts[:2])
    change = change_of(run, probes, removed=(4,))
    seen: list[Any] = []

    def made(file: Path, out: Path) -> Path:
        seen.append(
            [json.loads(line)["messages"] for line in file.read_text().splitlines()]
            if file.is_file()
            else datasets.load_from_disk(str(file))["messages"][:]
        )
        return copied(tmp_path / "chat")(file, out)

    found = said(run, change, made)
    data.unlink()
    shutil.rmtree(run.path / "retrained")
    again = said(run, change, made)
    assert seen == [[*talks[:4], talks[5]]] * 2
    assert np.array_equal(found.probes, again.probes)
    assert np.allclose(found.probes, said_by(run, run.model(run.final), probes).probes)


def test_a_model_for_another_task_is_refused(tmp_path: Path) -> None:
    data = lines(
        tmp_path / "news.jsonl",
        [{"text": one["text"], "label": one["annotated_label"]} for one in rows(12)],
    )
    first = classifier(tmp_path / "first", NAMES, "single_label_classification")
    run = wt.record(first, data, tmp_path / "run")
    model, tokens = language_model()
    other = saved(tmp_path / "other", model, tokens)
    with pytest.raises(TrainingError, match="holds a language model, the run has a classifier"):
        said(run, change_of(run, (("a goal", None),)), copied(other))

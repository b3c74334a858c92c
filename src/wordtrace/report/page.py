"""One self-contained HTML page, or a piece of one for a notebook."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from wordtrace.report import figures, numbers, sentences
from wordtrace.report.analyses import blocks
from wordtrace.report.arrange import arrange, facts, title_of
from wordtrace.report.documents import whole
from wordtrace.report.excerpts import excerpt
from wordtrace.report.judged import judged_blocks
from wordtrace.report.text import STAND_IN, clean, scale_of, segments, word_name

if TYPE_CHECKING:
    # Imported when the first page is made: a result that nobody shows needs none of them.
    from jinja2 import Environment
    from markupsafe import Markup


def render_html(documents: Sequence[Mapping[str, Any]], title: str | None = None) -> str:
    """Return a whole page: no script, no external request, all text escaped.

    Parameters
    ----------
    documents
        Results of the commands, in any order.

    Raises
    ------
    InputError
        For a document of another kind, of a newer version, or that is not whole.
    """
    from jinja2 import UndefinedError

    with whole(UndefinedError):
        sections = arrange(documents)
        ordered = list({id(part.document): part.document for part in sections}.values())
        return _environment().get_template("page.html.j2").render(
            sections=sections,
            facts=facts(ordered),
            kinds={section.kind for section in sections},
            title=title or title_of(sections),
        )  # fmt: skip


def render_fragment(document: Mapping[str, Any]) -> str:
    """Return one document as HTML for a notebook: scoped styles, no script, no ids.

    Raises
    ------
    InputError
        As in :func:`render_html`.
    """
    from jinja2 import UndefinedError

    with whole(UndefinedError):
        return (
            _environment()
            .get_template("fragment.html.j2")
            .render(sections=arrange([document]), title=None)
        )


@lru_cache(maxsize=1)
def _environment() -> Environment:
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("wordtrace.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters: dict[str, Callable[..., Any]] = {
        "clean": lambda value: clean(str(value), newlines=False),
        "coordinate": lambda value: f"{value:.1f}",
        "interval": numbers.interval,
        "percent": numbers.percent,
        "signed": numbers.signed,
        "stand_ins": _stand_ins,
        "word_name": word_name,
    }
    environment.filters |= filters
    environment.globals |= {
        "blocks": blocks,
        "judged_blocks": judged_blocks,
        "control_name": sentences.control_name,
        "dumbbells": figures.dumbbells,
        "excerpt": excerpt,
        "explained": sentences.explained,
        "held_out_sentence": sentences.held_out_sentence,
        "intervals": figures.intervals,
        "planted_sentence": sentences.planted_sentence,
        "prediction_sentence": sentences.prediction_sentence,
        "scale_of": scale_of,
        "score_digits": numbers.score_digits,
        "seconds": numbers.seconds,
        "segments": segments,
        "share_sentence": sentences.share_sentence,
        "trace_sentence": sentences.trace_sentence,
        "verdict": sentences.verdict,
        "verified": sentences.verified,
    }
    return environment


def _stand_ins(text: str) -> Markup:
    """Escape a cleaned text and set its ⟨U+…⟩ small."""
    from markupsafe import Markup, escape

    small = Markup('<span class="odd">{}</span>')
    parts: list[Markup] = []
    end = 0
    for match in STAND_IN.finditer(text):
        parts += [escape(text[end : match.start()]), small.format(match.group())]
        end = match.end()
    return Markup("").join([*parts, escape(text[end:])])

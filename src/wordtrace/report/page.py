"""One self-contained HTML page, or a piece of one for a notebook."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from wordtrace import __version__
from wordtrace.report import figures, numbers
from wordtrace.report.blocks import Block, Say, Sides
from wordtrace.report.documents import whole
from wordtrace.report.excerpts import excerpt
from wordtrace.report.messages import messages_of
from wordtrace.report.provenance import provenance
from wordtrace.report.runs import run_lines
from wordtrace.report.sections import Section, facts, sections_of, title_of
from wordtrace.report.text import STAND_IN, clean

if TYPE_CHECKING:
    # Imported when the first page is made: a result that nobody shows needs none of them.
    from jinja2 import Environment
    from markupsafe import Markup

#: Up to so many predictions all rows of a trace are shown; else so many of each side.
_FEW, _ROWS = 5, 8


def render_html(
    documents: Sequence[Mapping[str, Any]],
    title: str | None = None,
    runs: Sequence[Mapping[str, Any]] = (),
) -> str:
    """Return a whole page: no script, no external request, all text escaped.

    Parameters
    ----------
    documents
        Results of the commands; they are shown in this order.
    runs
        Descriptions of runs that the documents are of, to name their models at the top.

    Raises
    ------
    InputError
        For a document of another kind, of a newer version, or that is not whole.
    """
    with whole():
        sections = _fitting(sections_of(documents))
        done, names = facts(documents), run_lines(documents, runs)
        made_from = provenance(documents, runs)
    return _environment().get_template("page.html.j2").render(
        sections=sections,
        facts=done,
        runs=names,
        provenance=made_from,
        version=__version__,
        kinds={section.kind for section in sections},
        title=title or title_of(sections),
    )  # fmt: skip


def render_fragment(document: Mapping[str, Any]) -> str:
    """Return one document as HTML for a notebook: scoped styles, no script, no ids.

    Raises
    ------
    InputError
        See :func:`render_html`.
    """
    with whole():
        sections = _fitting(sections_of([document]))
    template = _environment().get_template("fragment.html.j2")
    return template.render(sections=sections, title=None)


def _fitting(sections: Sequence[Section]) -> list[Section]:
    """Show fewer rows a prediction where there are many, so that a page stays small enough to send.

    Twenty predictions with twenty long texts for and against each made pages of 3.6 MB.
    """
    if sum(section.kind == "trace" for section in sections) <= _FEW:
        return list(sections)
    return [replace(section, blocks=[*_fewer(section.blocks)]) for section in sections]


def _fewer(blocks: Sequence[Block]) -> Iterator[Block]:
    for block in blocks:
        if not isinstance(block, Sides):
            yield block
            continue
        one, other = (replace(side, hits=side.hits[:_ROWS]) for side in block.sides)
        yield Sides((one, other))
        if any(len(side.hits) > _ROWS for side in block.sides):
            yield Say(f"The {_ROWS} strongest of each side; the JSON document has all.", soft=True)


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
        "kind": lambda block: type(block).__name__,
        "signed": numbers.signed,
        "stand_ins": _stand_ins,
    }
    environment.filters |= filters
    environment.globals |= {
        "dumbbells": figures.dumbbells,
        "excerpt": excerpt,
        "intervals": figures.intervals,
        "messages_of": messages_of,
    }
    return environment


def _stand_ins(given: str) -> Markup:
    """Clean and escape a text, and set its ⟨U+…⟩ small."""
    from markupsafe import Markup, escape

    text = clean(given)
    small = Markup('<span class="odd">{}</span>')
    parts: list[Markup] = []
    end = 0
    for match in STAND_IN.finditer(text):
        parts += [escape(text[end : match.start()]), small.format(match.group())]
        end = match.end()
    return Markup("").join([*parts, escape(text[end:])])

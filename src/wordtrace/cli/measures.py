"""``wordtrace measures``."""

from __future__ import annotations

from wordtrace.cli.output import Json, Out, check_out, emit


def measures(out: Out = None, as_json: Json = False) -> None:
    """List the measures: what each computes, needs and costs."""
    from wordtrace.measures.catalogue import MeasureList
    from wordtrace.measures.catalogue import measures as listed

    check_out(out)
    emit(MeasureList(listed()), as_json, out)

"""A trace as a table that joins on the ids of its queries and examples."""

from __future__ import annotations

import pyarrow as pa

from wordtrace.data import frames
from wordtrace.explain.prediction import Trace

_TABLE = pa.schema(
    {
        **dict.fromkeys(("query", "explained", "sign"), pa.string()),
        "rank": pa.int64(),
        "id": pa.string(),
        "score": pa.float64(),
        "label": pa.string(),
        **dict.fromkeys(("text", "text2"), pa.large_string()),
        **dict.fromkeys(("special_share", "stop_share"), pa.float64()),
        "words": frames.WORDS,
    }
)


def trace_table(trace: Trace) -> pa.Table:
    """Return a row a hit.

    Columns: query (its id in its file, else its number from 0), explained (the label that is
    explained), sign ("proponent" or "opponent"), rank (from 1 on either side), id, score, label,
    text, text2 (of pairs), special_share, stop_share, words (null where the measure has none).
    """
    rows = [
        {
            "query": query.id if query.id is not None else str(place),
            "explained": query.label,
            "sign": sign,
            "rank": rank,
            "id": hit.id,
            "score": hit.score,
            "label": hit.label,
            "text": hit.text,
            "text2": hit.text2,
            "special_share": hit.special_share,
            "stop_share": hit.stop_share,
            "words": None if hit.contributions is None else frames.words_of(hit.words),
        }
        for place, query in enumerate(trace.queries)
        for sign, hits in (("proponent", query.proponents), ("opponent", query.opponents))
        for rank, hit in enumerate(hits, 1)
    ]
    table = pa.Table.from_pylist(rows, schema=_TABLE)
    pairs = any(query.text2 is not None for query in trace.queries)
    return table if pairs else table.drop_columns(["text2"])

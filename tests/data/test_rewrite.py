"""Changing rows of a data file by their numbers."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from wordtrace.data.rewrite import rewrite

HUGGING_FACE = (
    b'{"info": {"features": {"label": {"names": ["money", "sport"], "_type": "ClassLabel"}}}}'
)


def test_parquet_of_numbered_classes_takes_a_class_by_its_name(tmp_path: Path) -> None:
    """`datasets` writes the numbers, and the classes beside them."""
    table = pa.table({"text": ["a goal", "a bank"], "label": pa.array([1, 1])})
    pq.write_table(
        table.replace_schema_metadata({b"huggingface": HUGGING_FACE}), tmp_path / "news.parquet"
    )
    rewrite(
        tmp_path / "news.parquet", tmp_path / "new.parquet", {1: {"label": "money"}}, label="label"
    )
    written = pq.read_table(tmp_path / "new.parquet")
    assert written["label"].to_pylist() == [1, 0]
    assert written.schema.metadata[b"huggingface"] == HUGGING_FACE

"""A report says what it is made from."""

from __future__ import annotations

from hashlib import blake2b

import wordtrace as wt
from tests.report.samples import trace, verification
from wordtrace.report.markdown import render_markdown
from wordtrace.report.page import render_html
from wordtrace.report.provenance import provenance
from wordtrace.run.describe import describe_run


def test_runs_data_and_models_are_named_by_their_fingerprints(run: wt.Run) -> None:
    found = dict(provenance([verification()], [describe_run(run)]))
    assert found["run, fingerprint"] == run.fingerprint[:16]
    data = (run.path / "train.parquet").read_bytes()
    assert found["training data, fingerprint"] == blake2b(data, digest_size=20).hexdigest()[:16]
    weights = next((run.path / run.final.folder).glob("*.safetensors")).read_bytes()
    assert found["final model, fingerprint"] == blake2b(weights, digest_size=20).hexdigest()[:16]
    assert found["seeds of the verification"] == "8, 9, 10, 11, 12, 13, 14, 15"


def test_page_and_markdown_show_it_once() -> None:
    documents = [trace(), trace(), verification()]
    for text in (render_html(documents), render_markdown(documents)):
        assert text.count("measure of the trace") == 1
        assert text.count("8, 9, 10, 11, 12, 13, 14, 15") == 1

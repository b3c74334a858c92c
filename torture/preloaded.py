"""What commands import at their first use, loaded before they are forked: seconds for each."""

from __future__ import annotations

from importlib import import_module

from typer.testing import CliRunner

from wordtrace.api import _MODULES
from wordtrace.cli.main import app

for name in (
    *sorted(set(_MODULES.values())),
    "bm25s",
    "pandas",
    "pyarrow.csv",
    "pyarrow.dataset",
    "pyarrow.parquet",
    "scipy.sparse",
    "scipy.stats",
    "sklearn.feature_extraction.text",
    "torch._dynamo",  # by every optimizer of PyTorch
):
    import_module(name)
# A command line imports what it reads its options with when it reads the first.
CliRunner().invoke(app, ["info", "--help"])

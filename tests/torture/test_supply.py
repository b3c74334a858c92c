"""The judge of what is shipped notices what is wrong."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

from torture import bare, supply


def test_a_file_that_does_not_belong_in_the_wheel_is_seen(tmp_path: Path) -> None:
    wheel = tmp_path / "some.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("tests/__init__.py", "")
    (attempt,) = supply._content(wheel)
    assert attempt.end == "wrong"
    assert "tests/__init__.py" in attempt.detail or "wordtrace/" in attempt.detail


def test_where_it_is_bare_what_an_extra_brings_is_absent() -> None:
    allowed = bare.installed_alone()
    assert {"torch", "numpy", "pyarrow", "typer"} <= set(allowed)
    assert not {"fastapi", "transformers", "ray", "mcp", "matplotlib"} & set(allowed)
    code = (
        "import sys\nfrom torture import bare\n"
        "sys.meta_path[:] = [bare.Hiding(finder, ['numpy']) for finder in sys.meta_path]\n"
        "import numpy\n"
        "try: import pytest\n"
        "except ModuleNotFoundError as error: assert error.name == 'pytest'\n"
        "else: raise SystemExit(1)\n"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_a_licence_that_binds_what_uses_it_is_none_of_ours() -> None:
    assert supply.permissive("BSD-3-Clause")
    assert supply.permissive("License :: OSI Approved :: MIT License")
    assert not supply.permissive("GPL-3.0-only AND MIT")
    assert not supply.permissive("AGPL-3.0")
    assert not supply.permissive("")

"""`wordtrace index --dry-run` beside the build itself: time, memory and disk.

``python -m benchmarks estimate``: the paper's CNN on 10,000 BBC paragraphs, and the packaged
encoder cut to one layer on 1,500, each by one worker and by two.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks import corpus
from wordtrace import api

BUILD = """
import json, resource, sys, time
from pathlib import Path
from wordtrace import api
start = time.perf_counter()
index = api.build_index(sys.argv[1], sys.argv[2], workers=int(sys.argv[3]))
seconds = time.perf_counter() - start
most = max(resource.getrusage(who).ru_maxrss for who in (
    resource.RUSAGE_CHILDREN if int(sys.argv[3]) > 1 else resource.RUSAGE_SELF,))
size = sum(file.stat().st_size for file in Path(sys.argv[2]).rglob("*") if file.is_file())
unit = 1 if sys.platform == "darwin" else 1024
print(json.dumps({"seconds": seconds, "memory": most * unit, "bytes": size}))
"""


def measure(folder: Path) -> list[dict[str, Any]]:
    """Return estimates, what the build took, and their ratios."""
    encoder = api.train(
        corpus.paragraphs(1_500),
        folder / "one-layer-1500",
        eval_fraction=0,
        model=str(corpus.encoder()),
        layers=1,
        max_length=corpus.MAX_LENGTH,
        epochs=1,
        seed=corpus.SEED,
    )
    runs = {"CNN, 10,000 texts": corpus.trained(folder, 10_000), "1 layer, 1,500 texts": encoder}
    return [
        _beside(name, run, workers, folder / "estimated")
        for name, run in runs.items()
        for workers in (1, 2)
    ]


def _beside(name: str, run: api.Run, workers: int, out: Path) -> dict[str, Any]:
    said = _in_process(
        "import json, sys\nfrom wordtrace import api\n"
        "print(json.dumps(api.estimate_index(sys.argv[1], workers=int(sys.argv[2]))))",
        *(run.path, workers),
    )
    shutil.rmtree(out, ignore_errors=True)
    took = _in_process(BUILD, run.path, out, workers)
    pairs = {
        "time": (said["seconds"], took["seconds"], "s", 1),
        "memory": (said["memory_bytes_a_worker"], took["memory"], "MB", 1e6),
        "disk": (said["bytes"], took["bytes"], "MB", 1e6),
    }
    told = ", ".join(
        f"{what} {given / unit:.1f} → {real / unit:.1f} {sign} ({given / real - 1:+.0%})"
        for what, (given, real, sign, unit) in pairs.items()
    )
    return {
        "what": f"estimate → build, {name}, {workers} workers",
        "found": told,
        **{what: {"estimated": given, "built": real} for what, (given, real, *_) in pairs.items()},
    }


def _in_process(script: str, *arguments: object) -> dict[str, Any]:
    command = [sys.executable, "-c", script, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found

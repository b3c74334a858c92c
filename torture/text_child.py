"""What the attacks by text do in the process that is attacked: many command lines, one by one."""

from __future__ import annotations

import io
import json
import sys
import traceback
from importlib import import_module
from pathlib import Path
from typing import Any

import wordtrace as wt
from wordtrace.cli.main import main


class Screen(io.TextIOWrapper):
    """A terminal that keeps what it is sent: nothing is left out because it is none."""

    def __init__(self) -> None:
        super().__init__(io.BytesIO(), encoding="utf-8", errors="replace", newline="")

    def isatty(self) -> bool:
        """Say that it is a terminal."""
        return True

    def shown(self) -> str:
        """Return what it was sent."""
        self.flush()
        assert isinstance(self.buffer, io.BytesIO)
        return self.buffer.getvalue().decode("utf-8", "replace")


def run_lines(orders: str, answers: str) -> None:
    """Run command lines, a JSON list of lists, and write what each said as a JSON list."""
    found = [_run(line) for line in json.loads(Path(orders).read_text("ascii"))]
    Path(answers).write_text(json.dumps(found), "ascii")


def _run(line: list[str]) -> dict[str, Any]:
    out, error = Screen(), Screen()
    given = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = out, error
    status: Any = 0
    try:
        main(line)
    except SystemExit as end:
        status = end.code
    except BaseException:
        traceback.print_exc()
        status = 1
    finally:
        sys.stdout, sys.stderr = given
    return {"status": status or 0, "out": out.shown(), "error": error.shown()}


def decide(run: str, changes: str) -> None:
    """Decide about rows in the review, by the library: changes are a JSON list of arguments."""
    review = wt.Review.open(run)
    for one in json.loads(Path(changes).read_text("ascii")):
        review.decide(one.pop("id"), one.pop("action"), **one)


def save_all(saved: str, stem: str) -> None:
    """Write a result in every form that it has, and as a notebook shows it."""
    result: Any = wt.load(saved)
    for ending in (".html", ".md", ".csv", ".parquet", ".json"):
        result.save(f"{stem}{ending}")
    Path(f"{stem}.fragment.html").write_text(result._repr_html_(), "utf-8")


def talk(conversations: str, folder: str) -> None:
    """Fine-tune a small language model by TRL on conversations, as anybody would."""
    trainings: Any = import_module("tests.adopt.trainings")
    rows = [json.loads(line) for line in Path(conversations).read_text("ascii").splitlines()]
    trainings.talked(Path(folder), rows, max_steps=4, save_steps=2, logging_steps=1)

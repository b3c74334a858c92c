"""``wordtrace info`` and ``wordtrace check``."""

from __future__ import annotations

from dataclasses import asdict

from wordtrace.cli.output import Json, say
from wordtrace.cli.places import EitherFolder


def info(folder: EitherFolder, as_json: Json = False) -> None:
    """Say what a run or an index is made of."""
    from wordtrace.cli.show import show_index, show_run
    from wordtrace.index.describe import describe_index
    from wordtrace.index.folder import IndexFolder
    from wordtrace.index.place import is_index
    from wordtrace.retrainers.kept_models import kept_models
    from wordtrace.run.describe import describe_run
    from wordtrace.run.run import Run

    if is_index(folder):
        show_index(describe_index(IndexFolder.open(folder)), as_json)
    else:
        run = Run.open(folder)
        show_run({**describe_run(run), "retrained": asdict(kept_models(run))}, as_json)


def check(folder: EitherFolder) -> None:
    """Compare every file of a run or an index with its checksum."""
    from wordtrace.act.beside import check_beside
    from wordtrace.errors import CorruptError
    from wordtrace.index.folder import IndexFolder
    from wordtrace.index.place import is_index
    from wordtrace.run.run import Run

    problems = []
    if is_index(folder):
        opened = IndexFolder.open(folder)
        problems, run = opened.check(), opened.open_run()
    else:
        run = Run.open(folder)
    problems += run.check() + check_beside(run)
    if problems:
        raise CorruptError("; ".join(problems) + ". Make it again.")
    say(f"{folder}: all files are as they were written.")

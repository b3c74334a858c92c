"""What lies beside a run's own files and grows: decisions about rows, results of retrainings."""

from __future__ import annotations

from wordtrace.act.review import FORMAT, PLACE, VERSION
from wordtrace.disk.journal import Journal
from wordtrace.disk.regular import is_there
from wordtrace.errors import CorruptError
from wordtrace.execute.ledger import Ledger
from wordtrace.retrainers.retrain import LEDGER
from wordtrace.run.run import Run


def check_beside(run: Run) -> list[str]:
    """Check each line and each result by its own checksum; return what is wrong, or nothing."""
    problems = []
    journal = Journal(run.path / PLACE, FORMAT, VERSION)
    try:
        journal.news()
        if journal.torn:
            problems.append(f"{journal.path} ends in a line without its end, which does not count")
        elif is_there(journal.path) and not journal.path.stat().st_size:
            problems.append(f"{journal.path} is empty: what was decided is lost")
        if is_there(run.path / LEDGER):
            with Ledger(run.path / LEDGER) as ledger:
                ledger.starting("")
    except CorruptError as error:
        problems.append(str(error).removesuffix("."))
    return problems

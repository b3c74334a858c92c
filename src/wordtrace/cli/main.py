"""The ``wordtrace`` command.

Heavy modules are imported inside the verbs: ``wordtrace --help`` answers at once.
"""

from __future__ import annotations

import errno
import io
import os
import sys
import threading
import warnings
from collections.abc import Callable
from functools import partial
from typing import Annotated, Any

import typer

from wordtrace.cli import (
    agents,
    apply,
    cancellation,
    clusters,
    demo,
    duplicates,
    evaluate,
    explorer,
    fix,
    index,
    index_life,
    info,
    measures,
    mislabels,
    neighbours,
    outliers,
    overlap,
    record,
    report,
    review,
    rows,
    scores,
    trace,
    train,
    verify,
    words,
)
from wordtrace.cli.flags import spelled
from wordtrace.cli.groups import grouped
from wordtrace.cli.help import Verb, Verbs
from wordtrace.cli.signals import Ends, ending

app = typer.Typer(
    name="wordtrace",
    cls=Verbs,
    help=(
        "Trace a language model's prediction back to the training examples, and the words in "
        "them, that caused it; then prove by retraining what removing them does.\n\n"
        "Start here: wordtrace demo, or train (or record), then index, then trace."
    ),
    epilog=(
        "Anywhere on the line: --debug shows the traceback of an error, --no-progress hides "
        "progress. Results go to standard output, all else to standard error."
    ),
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        from wordtrace import __version__

        typer.echo(f"wordtrace {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say the version.")
    ] = False,
) -> None:
    pass


#: What a user wants, and the commands for it, in the order of ``wordtrace --help``.
COMMANDS: dict[str, dict[str, Callable[..., None]]] = {
    "Start here": {
        "demo": demo.demo,
        "train": train.train,
        "record": record.record,
        "index": index.index,
        "trace": trace.trace,
    },
    "See": {
        "app": explorer.app,
        "serve": explorer.serve,
        "mcp": agents.mcp,
        "rows": rows.rows,
    },
    "Ask": {
        "scores": scores.scores,
        "words": words.words,
        "neighbours": neighbours.neighbours,
        "report": report.report,
    },
    "Mend the data": {
        "mislabels": mislabels.mislabels,
        "review": review.review,
        "clusters": clusters.clusters,
        "duplicates": duplicates.duplicates,
        "outliers": outliers.outliers,
        "fix": fix.fix,
        "apply": apply.apply,
    },
    "Prove by retraining": {"verify": verify.verify},
    "Compare measures": {
        "measures": measures.measures,
        "evaluate": evaluate.evaluate,
        "overlap": overlap.overlap,
        "cancellation": cancellation.cancellation,
    },
    "Look after runs and indexes": {
        "info": info.info,
        "check": info.check,
        "index-add": index_life.add,
        "index-remove": index_life.remove,
        "index-merge": index_life.merge,
    },
}
for purpose, verbs in COMMANDS.items():
    for name, verb in verbs.items():
        app.command(name, cls=Verb, rich_help_panel=purpose)(grouped(verb))


#: An exit status from here on is that of a signal.
_SIGNALLED = 128


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit: 0 done, 1 failed, 2 wrong input, 130 interrupted.

    And 143 or 129 where SIGTERM or SIGHUP ended it.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    _open_closed_streams()
    for stream in (sys.stdout, sys.stderr):
        # A terminal that can't show a character gets a ?, a program always gets UTF-8.
        if isinstance(stream, io.TextIOWrapper):
            here = stream.isatty()
            stream.reconfigure(errors="replace", encoding=None if here else "utf-8")
    debug = _take(given, "--debug")
    if _take(given, "--no-progress"):
        os.environ["WORDTRACE_PROGRESS"] = "0"
    with ending() as ends:
        try:
            status = _run(given, debug, ends)
            ends.over()
        except KeyboardInterrupt:  # while an error was being told
            status = _interrupted(ends)
        if status >= _SIGNALLED:
            # A thread that does not end must not hold up a user who wants it to end now.
            guard = threading.Timer(3, os._exit, (status,))
            guard.daemon = True
            guard.start()
    sys.exit(status)


#: A sentence that repeats a value of thousands of letters shows its beginning and end.
_LONGEST = 4000


def _open_closed_streams() -> None:
    """Open /dev/null in the place of a standard stream that was closed.

    A file would get its number else, and be written to as if it were the stream.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            os.dup2(os.open(os.devnull, os.O_RDWR), number)
            stream = open(number, "w" if number else "r")  # noqa: SIM115
            setattr(sys, name, stream)


def _run(arguments: list[str], debug: bool, ends: Ends) -> int:
    from wordtrace.errors import WordtraceError

    warnings.showwarning = partial(_warn, warnings.showwarning)
    try:
        _refuse_lost(arguments)
        status = app(arguments, prog_name="wordtrace", standalone_mode=False)
        sys.stdout.flush()
        # Typer turns Ctrl-C into a status.
        return _interrupted(ends) if status == 130 else status if isinstance(status, int) else 0
    except KeyboardInterrupt:
        return _interrupted(ends)
    except WordtraceError as error:
        if debug:
            raise
        command = next((one for one in arguments if not one.startswith("-")), None)
        return _fail(error.worded(partial(spelled, app, command)), error.exit_code)
    except BrokenPipeError:
        # The reader of our output has gone (`| head`): nothing is wrong. Python would complain
        # once more when it flushes at exit.
        _let_go_of_output()
        return 0
    except OSError as error:
        if debug:
            raise
        return _refused(error)
    except Exception as error:
        if type(error).__name__ == "Abort" or ends.heard:
            return _interrupted(ends)
        if hasattr(error, "exit_code") and hasattr(error, "show"):
            from wordtrace.report.text import clean

            shown = io.StringIO()
            error.show(shown)
            sys.stderr.write(clean(shown.getvalue()))
            return int(error.exit_code)
        if debug:
            raise
        return _unforeseen(error)
    except BaseException as error:
        # What panics in a library that is written in Rust is no Exception.
        if debug or type(error).__name__ != "PanicException":
            raise
        return _unforeseen(error)


def _refuse_lost(arguments: list[str]) -> None:
    """Refuse to begin in a folder that is gone (InputError): PyTorch can't be loaded there."""
    from wordtrace.errors import InputError

    if _ASKING & set(arguments):
        return
    try:
        os.getcwd()
    except FileNotFoundError:
        raise InputError(
            "the folder in which this was started is gone; change to another (cd) and run it again."
        ) from None


#: What is answered anywhere.
_ASKING = {"-h", "--help", "--version"}


def _unforeseen(error: BaseException) -> int:
    from wordtrace.execute.memory import lacking

    bug = (
        f"{type(error).__name__}: {error}. This is a bug of wordtrace; "
        "add --debug for the traceback."
    )
    return _fail(lacking(error) or bug, 1)


def _refused(error: OSError) -> int:
    """Tell what the system refused, and of which file."""
    from wordtrace.disk.refused import ADVICE

    why, where = error.strerror or error, error.filename
    if error.errno not in ADVICE:
        wrong = error.errno == errno.ENAMETOOLONG  # no place at all
        return _fail(f"{where}: {why}." if where else f"{why}.", 2 if wrong else 1)
    if where is None:
        # All that is written elsewhere has a name. What can't be written now can't be at exit.
        _let_go_of_output()
    advice = ADVICE[error.errno]
    return _fail(f"{where or 'standard output'} can't be written: {why}. {advice}", 1)


def _let_go_of_output() -> None:
    """Have nothing more written to standard output, not even at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def _warn(
    otherwise: Callable[..., None], message: Warning | str, category: type[Warning], *more: Any
) -> None:
    """Say a warning of ours as a sentence; other libraries' as Python does."""
    from wordtrace.cli.output import say
    from wordtrace.errors import DataWarning

    if issubclass(category, DataWarning):
        say(f"Note: {message}")
    else:
        otherwise(message, category, *more)


def _interrupted(ends: Ends) -> int:
    ends.over()
    ends.told()
    told = f"{ends.words}; what is done is kept: run the same command to go on."
    return _fail(told, ends.status)


def _fail(message: str, status: int) -> int:
    from wordtrace.report.text import clean

    if len(message) > _LONGEST:
        half = _LONGEST // 2
        message = f"{message[:half]} … {message[-half:]}"
    sys.stderr.write(f"wordtrace: {clean(message)}\n")
    return status


def _take(arguments: list[str], flag: str) -> bool:
    """Remove a flag that may stand anywhere before ``--``."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    found = flag in arguments[:end]
    arguments[:end] = [argument for argument in arguments[:end] if argument != flag]
    return found

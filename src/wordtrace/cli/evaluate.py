"""``wordtrace evaluate``."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from wordtrace.cli.columns import ColumnOptions, Truth
from wordtrace.cli.effect import excludes, needs
from wordtrace.cli.executors import RetrainingOptions
from wordtrace.cli.measure_options import StudyMeasureOptions
from wordtrace.cli.output import Json, Out, check_out, emit, say
from wordtrace.cli.places import FurtherRuns, RunFolder, names, numbers
from wordtrace.cli.retraining import HowTrained
from wordtrace.errors import InputError

if TYPE_CHECKING:
    from wordtrace.data.examples import Examples
    from wordtrace.run.run import Run


_study = partial(typer.Option, rich_help_panel="Study")


@dataclass(frozen=True)
class Study:
    """On which halves models are trained, how often, and which rows are left out for curves."""

    lds: Annotated[
        int,
        _study(
            help="On how many random halves of the rows models are trained, for the linear "
            "datamodeling score; 0 for deletion curves alone."
        ),
    ] = 100
    halves: Annotated[
        str,
        _study(
            help="stratified: half of the rows of each class. plain: half of all rows; what class "
            "counts tell is then taken out."
        ),
    ] = "stratified"
    repeats: Annotated[int, _study(help="Seeds of each retraining.")] = 3
    k: Annotated[
        str,
        _study(
            "--k", help="Also deletion curves: how many rows to leave out, with commas between."
        ),
    ] = ""
    k_queries: Annotated[
        int | None,
        _study(help="For how many of the queries: by default 20, or all with --lds 0."),
    ] = None
    signs: Annotated[
        str, _study(help="proponents (DEL+), opponents (DEL−), or both with a comma.")
    ] = "proponents,opponents"
    only: Annotated[str, _study(help="Queries that the model gets right, wrong; all.")] = "all"
    balanced: Annotated[bool, _study(help="As many queries of each label.")] = False
    seed: Annotated[int, _study(help="Seed of the draw of queries.")] = 0
    candidates: Annotated[
        int | None,
        _study(
            "--least-overlap",
            help="Only so many training texts, of least TF-IDF overlap, may be named.",
        ),
    ] = None
    width: Annotated[
        float | None,
        _study(help="Add seeds where intervals are widest, until all are this narrow."),
    ] = None
    max_repeats: Annotated[int, _study(help="With --width: the most seeds.")] = 40

    def library(self) -> dict[str, Any]:
        """Return them as the library takes them (InputError)."""
        sizes = numbers(self.k, "--k", int) if self.k else []
        return {**asdict(self), "k": sizes, "signs": names(self.signs)}


def evaluate(
    run: RunFolder,
    study: Study,
    columns: ColumnOptions,
    judged: Truth,
    how: HowTrained,
    where: RetrainingOptions,
    options: StudyMeasureOptions,
    measures: Annotated[
        str | None,
        typer.Option(
            help="With commas between; 'wordtrace measures' lists them. By default tracin-we-idf, "
            "tracin-last (not of language models), bm25 and embedding-similarity."
        ),
    ] = None,
    queries: Annotated[
        str | None,
        typer.Option(
            help="A file of labelled texts, or how many held-out rows to draw; by default all of "
            "them, up to 500."
        ),
    ] = None,
    scores: Annotated[
        list[str] | None,
        typer.Option(
            help="Another tool's scores as NAME=FILE: .npy of shape (queries, rows), or Parquet "
            "as 'wordtrace scores' writes it. Needs --queries FILE. Repeatable."
        ),
    ] = None,
    causes: Annotated[
        Path | None,
        typer.Option(
            help="A JSON file of known causes: for a query's id a list of ids of training rows. "
            "Also tell how well each measure finds them."
        ),
    ] = None,
    with_runs: FurtherRuns = None,
    table: Annotated[
        Path | None, typer.Option(help="Write the figures as a table to print: .tex or .md.")
    ] = None,
    values: Annotated[
        Path | None,
        typer.Option(
            help="Write every single effect of deletion here, or each query's LDS (.parquet)."
        ),
    ] = None,
    out: Out = None,
    as_json: Json = False,
) -> None:
    """Compare measures by retraining on random halves (LDS), or without named rows (DEL)."""
    from wordtrace import api

    check_out(out)
    _refuse_idle(study, queries)
    if measures is not None:
        options.refuse_idle(*names(measures))
    executor = {**how.library(), **where.library()}
    _check_tables(values, table)
    opened = api.Run.open(run, how.opened_on).with_runs(names(with_runs or ""))
    wrong = judged.wrong_ids(opened)
    known = None if causes is None else _causes(causes)
    asked: Examples | int | None = None
    if queries is not None:
        asked = int(queries) if queries.isdecimal() else columns.labelled(opened, Path(queries))
    with how.consent(as_json):
        found = api.evaluate(
            opened,
            asked,
            measures=None if measures is None else names(measures),
            scores=_matrices(scores or [], asked, opened),
            **study.library(),
            wrong=wrong,
            causes=known,
            **executor,
            **options.library(),
        )
    emit(found, as_json, out)
    for file in (values, table):
        if file is not None:
            found.save(file)
            say(f"Wrote {file}")


def _refuse_idle(study: Study, queries: str | None) -> None:
    needs("--k", bool(study.k), "k_queries", "signs")
    needs("--width", study.width is not None, "max_repeats")
    excludes("--lds 0", study.lds == 0, "halves")
    of_a_file = [one.name for one in fields(ColumnOptions)]
    needs("--queries FILE", queries is not None and not queries.isdecimal(), *of_a_file)


def _check_tables(values: Path | None, table: Path | None) -> None:
    from wordtrace.report.paper import ENDINGS

    if values is not None and (values.suffix != ".parquet" or not values.parent.is_dir()):
        raise InputError(f"--values {values} should end in .parquet, in a folder that exists.")
    if table is not None and (table.suffix not in ENDINGS or not table.parent.is_dir()):
        raise InputError(f"--table {table} should end in .tex or .md, in a folder that exists.")


def _causes(file: Path) -> dict[str, list[str]]:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"--causes {file} can't be read ({error.strerror}).") from None
    except (ValueError, RecursionError) as error:
        raise InputError(f"--causes {file} is no JSON ({error}).") from None
    lists = list(found.values()) if isinstance(found, dict) else [None]
    if not all(isinstance(one, list) and all(isinstance(id, str) for id in one) for one in lists):
        raise InputError(
            f"--causes {file} must hold for each query's id a list of rows' ids, as "
            '{"q1": ["17", "23"]}.'
        )
    return dict(found)


def _matrices(given: list[str], asked: Examples | int | None, run: Run) -> dict[str, Any]:
    from wordtrace.cli.matrix import read_matrix

    found = {}
    for one in given:
        name, equals, file = one.partition("=")
        if not equals or not name or not file:
            raise InputError(f"--scores {one!r}: give NAME=FILE.")
        if asked is None or isinstance(asked, int):
            raise InputError("--scores needs the queries that it is of: give --queries FILE.")
        found[name] = read_matrix(Path(file), asked.ids, run.train.ids)
    return found

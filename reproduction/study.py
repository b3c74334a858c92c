"""What the scripts that train again share: a run, a study of its measures, and rows of a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import wordtrace as wt
from reproduction.data import Given, load
from reproduction.record import described
from reproduction.settings import Setting

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Of the printed tables, beside the names of methods.
COLUMNS = {
    "AUC-DEL+ ↓": "{plus:+.3f} [{plus_low:+.3f}, {plus_high:+.3f}]",
    "SD": "{plus_sd:.3f}",
    "AUC-DEL− ↑": "{minus:+.3f} [{minus_low:+.3f}, {minus_high:+.3f}]",
    "SD ": "{minus_sd:.3f}",
    "LDS ↑": "{lds:+.3f} [{lds_low:+.3f}, {lds_high:+.3f}]",
    "paper's AUC-DEL+": "{paper_plus:+.3f}",
    "paper's AUC-DEL−": "{paper_minus:+.3f}",
}
_SIGNS = {"plus": "proponents", "minus": "opponents"}


def trained(
    name: str, size: str, setting: Setting, folder: Path, given: Given | None, **changes: Any
) -> wt.Run:
    """Return the run of a data set at a size, trained if it is not there; its queries held out."""
    train, queries = load(name, size, setting.rows, setting.queries, given)
    return wt.train(train, folder, eval_data=queries, **{**setting.choices(), **changes})


def studied(
    run: wt.Run, setting: Setting, measures: Sequence[str], workers: int | None, **how: Any
) -> wt.Evaluation:
    """Judge measures by both yardsticks: deletion on some queries, random halves on all."""
    cnn = setting.model.startswith("cnn")
    executor = "stacked" if cnn and setting.device == "cuda" else "processes"
    return wt.evaluate(
        run,
        measures=measures,
        lds=setting.halves,
        repeats=setting.repeats,
        k=setting.k,
        k_queries=setting.deleted,
        balanced=True,
        workers=workers,
        executor=executor,
        **how,
    )


def row(
    study: wt.Evaluation, measure: str, paper: tuple[float | None, float | None] | None = None
) -> dict[str, Any]:
    """Return a measure's figures by the names that :data:`COLUMNS` has, the paper's beside them."""
    found: dict[str, Any] = {"measure": measure}
    for place, (short, sign) in enumerate(_SIGNS.items()):
        line = study.document()["measures"][measure][sign]
        found |= _area(short, line)
        found |= _named(f"{short}_over_random", line["over_random"])
        found[f"paper_{short}"] = None if paper is None else paper[place]
    return found | _named("lds", study.lds[measure])


def controls(study: wt.Evaluation) -> list[dict[str, Any]]:
    """Return rows of the controls: as many random rows, and of the query's own label."""
    said = {"random": "random rows", "own class": "random rows of the query's label"}
    return [
        {"measure": said[name], **_area("plus", line)}
        for name, line in study.document()["controls"].items()
    ]


def above(study: wt.Evaluation, first: str, second: str) -> str:
    """Say by how much the first measure is above the second one, by each yardstick."""
    said = []
    for sign, name in (("proponents", "AUC-DEL+"), ("opponents", "AUC-DEL−")):
        for one in study.document()["comparisons"]:
            if one["sign"] == sign and {one["first"], one["second"]} == {first, second}:
                said.append(f"{name} {_difference(one, first)}")
    for one in study.lds_differences:
        if {one["first"], one["second"]} == {first, second}:
            said.append(f"LDS {_difference(one, first)}")
    return f"{first} less {second}: {', '.join(said)}."


def told(run: wt.Run, study: wt.Evaluation, setting: Setting) -> str:
    """Say what a study was made of."""
    found, halves = study.document(), study.document()["lds"]
    reliability = study.reliability
    return (
        f"{run.manifest.source}: {len(run.train):,} rows, held-out accuracy "
        f"{_accuracy(run):.2f}; deletion of k = {', '.join(map(str, found['k']))} rows for "
        f"{len(found['deleted'])} queries, {setting.repeats} seeds each, intervals of 95 % over "
        f"queries and seeds, SD over seeds; LDS over {halves['halves']} random halves with "
        f"{setting.repeats} seeds and {halves['queries']} queries, reliability "
        f"{reliability['mean'] if reliability else float('nan'):.2f}; "
        f"{found['retrainings']:,} models."
    )


def about(run: wt.Run, study: wt.Evaluation, setting: Setting) -> dict[str, Any]:
    """Return the same for the JSON, with the figures of every measure."""
    found = study.document()
    return {
        "data": {**described(run.train, run.held_out), "source": run.manifest.source},
        "model": setting.model,
        "layers": setting.layers,
        "recipe": run.recipe.document(),
        "accuracy": _accuracy(run),
        "seeds": found["seeds"],
        "halves": setting.halves,
        "repeats": setting.repeats,
        "models": found["retrainings"],
        "controls": found["controls"],
        "lds_differences": list(study.lds_differences),
    }


def curves(studies: Mapping[str, wt.Evaluation]) -> Figure:
    """Draw each study's deletion curves, opponents above proponents, and its LDS below.

    Of a single k, a curve is a point: then it stands with its interval, as the LDS does.
    """
    from matplotlib.figure import Figure

    figure = Figure((4.6 * len(studies), 9.6), layout="constrained")
    axes = figure.subplots(3, len(studies), squeeze=False)
    for place, (name, study) in enumerate(studies.items()):
        for drawn, short in zip(axes[1::-1, place], _SIGNS, strict=True):
            if len(study.document()["k"]) == 1:
                _draw_areas(study, short, drawn)
            else:
                wt.plots.deletion(study, "proponents" if short == "plus" else "opponents", drawn)
        wt.plots.lds(study, ax=axes[2, place])
        axes[0, place].set_title(name)
    return figure


def _draw_areas(study: wt.Evaluation, short: str, drawn: Axes) -> None:
    found = study.document()
    lines = {f"{name} rows": line for name, line in found["controls"].items()}
    lines |= {name: by[_SIGNS[short]] for name, by in reversed(found["measures"].items())}
    for place, (name, line) in enumerate(lines.items()):
        colour = "#8a93a3" if name.endswith(" rows") else "#1c62b2"
        area = line["auc"]
        drawn.plot([area["low"], area["high"]], [place, place], color=colour, linewidth=1.6)
        drawn.plot(area["mean"], place, "o", color=colour, markersize=5)
    drawn.axvline(0, color="#8a93a3", linewidth=0.8)
    drawn.set_yticks(range(len(lines)), list(lines))
    drawn.set_xlabel(f"DEL{'+' if short == 'plus' else '−'} at k = {found['k'][0]}")
    drawn.spines[["top", "right"]].set_visible(False)


def _named(name: str, found: Mapping[str, Any]) -> dict[str, float]:
    return {
        name: float(found["mean"]),
        f"{name}_low": float(found["low"]),
        f"{name}_high": float(found["high"]),
    }


def _area(short: str, line: Mapping[str, Any]) -> dict[str, float]:
    return {**_named(short, line["auc"]), f"{short}_sd": float(line["auc"]["sd"]["seeds"])}


def _difference(found: Mapping[str, Any], first: str) -> str:
    turn = found["first"] != first
    mean = -found["mean"] if turn else found["mean"]
    low, high = (-found["high"], -found["low"]) if turn else (found["low"], found["high"])
    said = f"{mean:+.3f} [{low:+.3f}, {high:+.3f}]" + ("*" if found["excludes_zero"] else "")
    return said.replace("-", "−")


def _accuracy(run: wt.Run) -> float:
    found = run.manifest.held_out
    return float("nan") if found is None or found.accuracy is None else float(found.accuracy)

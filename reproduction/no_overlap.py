"""Table 4 (lower part), Tables 9 and 10, Figures 3 and 4: training rows that share no words.

The paper: a method may name only the training rows that share least with a query (5,000 of 50,000,
by TF-IDF). With word embeddings frozen, TR-WE still finds rows that matter, by start, end and
frequent tokens: without them (TR-WE-NoC) it finds none, and with start and end alone (TR-common) it
finds less. With embeddings that learn, no method finds any. Synonyms (TR-WE-Syn) gain little.

Here: the same on toxicity, embeddings frozen and not, with controls and the linear datamodeling
score. That score adds up all rows that a method may name, so it is low for all of them: most of
what halves of the rows do comes from rows that are not candidates.

What differs: as in `methods`. The share of candidates is larger at the sizes smoke and cpu, or
there would be too few rows to leave out. Table 10's TR-WE-Syn column repeats Table 4's TR-common,
so the paper has no figure of TR-WE-Syn but Table 9's.
"""

from __future__ import annotations

from pathlib import Path

from reproduction import settings
from reproduction.data import Given
from reproduction.record import Finding
from reproduction.study import COLUMNS, about, above, controls, curves, row, studied, told, trained

MEASURES = {
    "influence-last": "Inf-last",
    "representer": "Rep",
    "tracin-last": "TR-last",
    "tracin-we": "TR-WE",
    "tracin-we-topk": "TR-WE-topk",
    "tracin-we-syn": "TR-WE-Syn",
    "tracin-we-noc": "TR-WE-NoC",
    "tracin-common": "TR-common",
}
#: AUC-DEL+ and AUC-DEL−.
PAPER: dict[str, dict[str, tuple[float, float]]] = {
    "frozen": {
        "influence-last": (-0.009, 0.008),
        "representer": (-0.008, 0.007),
        "tracin-last": (-0.006, 0.010),
        "tracin-we": (-0.018, 0.026),
        "tracin-we-topk": (-0.016, 0.026),
        "tracin-we-noc": (0.003, 0.001),
        "tracin-common": (-0.008, 0.015),
    },
    "learning": {
        "tracin-last": (0.001, -0.013),
        "tracin-we": (0.002, -0.003),
        "tracin-we-topk": (0.003, -0.007),
        "tracin-we-syn": (0.004, -0.008),
        "tracin-we-noc": (0.006, -0.004),
    },
}


def run(size: str, work: Path, given: Given | None = None, workers: int | None = None) -> Finding:
    """Train with embeddings frozen and learning, and judge both."""
    setting = settings.NO_OVERLAP[size]
    share = settings.LEAST_OVERLAP[size]
    rows, said, documents, studies = [], [], {}, {}
    for name, paper in PAPER.items():
        trained_run = trained(
            *("toxicity", size, setting, work / f"no-overlap-{name}", given),
            freeze_embeddings=name == "frozen",
        )
        candidates = round(share * len(trained_run.train))
        study = studied(trained_run, setting, list(MEASURES), workers, candidates=candidates)
        rows += [
            {
                "embeddings": name,
                "method": MEASURES[measure],
                **row(study, measure, None if given else paper.get(measure)),
            }
            for measure in MEASURES
        ]
        rows += [{"embeddings": name, "method": "control", **one} for one in controls(study)]
        said.append(f"Embeddings {name}: {told(trained_run, study, setting)}")
        said.append(f"A method may name {candidates:,} rows for each query.")
        for second in ("tracin-last", "tracin-we-noc", "tracin-common"):
            said.append(above(study, "tracin-we", second))
        documents[name] = {**about(trained_run, study, setting), "candidates": candidates}
        studies[f"toxicity, embeddings {name}"] = study
    columns = {
        "embeddings": "{embeddings}",
        "method": "{method}",
        "measure": "{measure}",
        **COLUMNS,
    }
    return Finding(
        "no-overlap", rows, columns, " ".join(said), {"sets": documents}, curves(studies)
    )


def costs(size: str) -> tuple[int, float]:
    """Return how many models are trained at most, and the seconds that they take."""
    setting = settings.NO_OVERLAP[size]
    models = 2 * setting.models(len(MEASURES))
    return models, models * setting.seconds

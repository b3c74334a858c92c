"""Tables 4 and 7, Figure 1: which method names rows whose removal changes a prediction.

The paper: on toxicity, AG News and MNLI with BERT models, TracIn over word embeddings (TR-WE, and
TR-WE-topk) changes predictions 4 to 10 times as much as methods of the last layer, and more than
TR-TFIDF; start and end tokens alone (TR-common) do little. All standard deviations are alike.

Here: each method on each task, by deletion and by the linear datamodeling score, with random rows
and random rows of the query's label beside. Two more methods stand there: the product's default,
`tracin-we-idf`, and `bm25`, which knows no model.

What differs: at the sizes smoke and cpu the model is the paper's CNN on pretrained word embeddings,
since an encoder's retrainings would take days; `gpu` takes an encoder of two layers, `paper` the
paper's own by their hub names, RoBERTa among them. Rows are hundreds, not 50,000, so k rows are a
larger share of them. "toxicity" is tweets here, toxic where most annotators found hate or offence.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from reproduction import settings
from reproduction.data import NAMES, Given
from reproduction.record import Finding
from reproduction.settings import Setting
from reproduction.study import COLUMNS, about, above, controls, curves, row, studied, told, trained

MEASURES = {
    "influence-last": "Inf-last",
    "representer": "Rep",
    "tracin-last": "TR-last",
    "tracin-we": "TR-WE",
    "tracin-we-topk": "TR-WE-topk",
    "tracin-tfidf": "TR-TFIDF",
    "tracin-common": "TR-common",
    "tracin-we-idf": "this project's default",
    "bm25": "words alone",
}
Pair = tuple[float, float]
#: AUC-DEL+ and AUC-DEL− in the order of the measures; MNLI has three of the seven.
PAPER: dict[str, dict[str, Pair]] = {
    "toxicity": dict(
        zip(
            MEASURES,
            (
                *((-0.008, 0.014), (-0.008, 0.021), (-0.013, 0.023), (-0.100, 0.149)),
                *((-0.099, 0.151), (-0.067, 0.063), (0.016, 0.014)),
            ),
            strict=False,
        )
    ),
    "agnews": dict(
        zip(
            MEASURES,
            (
                *((-0.018, 0.033), (-0.016, 0.028), (-0.021, 0.028), (-0.166, 0.130)),
                *((-0.174, 0.131), (-0.090, 0.072), (-0.017, 0.023)),
            ),
            strict=False,
        )
    ),
    "nli": {
        "tracin-last": (0.006, 0.026),
        "tracin-we-topk": (-0.198, 0.169),
        "tracin-tfidf": (-0.004, 0.005),
    },
    "toxicity, RoBERTa": dict(
        zip(
            MEASURES,
            (
                *((-0.011, 0.023), (-0.004, 0.012), (0.001, 0.003), (-0.030, 0.033)),
                *((-0.038, 0.030), (-0.001, 0.006), (-0.001, 0.010)),
            ),
            strict=False,
        )
    ),
}
TITLES = {"toxicity": "toxicity", "agnews": "AG News", "nli": "NLI"}


def run(size: str, work: Path, given: Given | None = None, workers: int | None = None) -> Finding:
    """Train, score and judge on each task; what is there from before is taken up."""
    rows, said, documents, studies = [], [], {}, {}
    for name, setting in tasks(size, given).items():
        task = name.partition(",")[0]
        trained_run = trained(task, size, setting, work / f"methods-{name}", given)
        study = studied(trained_run, setting, list(MEASURES), workers)
        paper = {} if given else PAPER.get(name, {})
        title = Path(given.file).stem if given else TITLES.get(name, name)
        rows += [
            {"set": title, "method": MEASURES[measure], **row(study, measure, paper.get(measure))}
            for measure in list(MEASURES)
        ]
        rows += [{"set": title, "method": "control", **one} for one in controls(study)]
        said.append(told(trained_run, study, setting))
        for second in ("tracin-last", "tracin-tfidf"):
            said.append(above(study, "tracin-we-topk", second))
        documents[name] = about(trained_run, study, setting)
        studies[title] = study
    columns = {"data": "{set}", "method": "{method}", "measure": "{measure}", **COLUMNS}
    return Finding("methods", rows, columns, " ".join(said), {"sets": documents}, curves(studies))


def costs(size: str) -> tuple[int, float]:
    """Return how many models are trained at most, and the seconds that they take."""
    found = [
        (setting.models(len(MEASURES), 4), setting.seconds) for setting in tasks(size).values()
    ]
    return sum(models for models, _ in found), sum(models * one for models, one in found)


def tasks(size: str, given: Given | None = None) -> dict[str, Setting]:
    """Return each task's setting; at the paper's size with the models that the paper has."""
    setting = settings.METHODS[size]
    if given:
        return {"agnews": setting}
    found = dict.fromkeys(NAMES, setting)
    if size == "paper":
        found["toxicity"] = replace(setting, training=settings.PAPERS_TOXICITY)
        found["agnews"] = replace(setting, deleted=100)
        found["nli"] = replace(
            setting,
            rows=392_702,
            model="google-bert/bert-base-uncased",
            k=(20, 40, 60, 80, 100, 200, 400, 600, 800, 1000, 5000),
            deleted=30,
            seconds=19_200.0,
        )
        found["toxicity, RoBERTa"] = replace(
            found["toxicity"], model="FacebookAI/roberta-base", seconds=19_200.0
        )
    return found

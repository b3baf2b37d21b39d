"""Reading what the jobs have uploaded."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dev.demo.expected import Metrics, Split

if TYPE_CHECKING:
    from pathlib import Path

_LABELS = {"0": "<= 50000", "1": "> 50000"}
_FIGURES = {"precision": "precision", "recall": "recall", "f1-score": "F1"}


@dataclass(frozen=True)
class Results:
    """What was found: rows of the input, the halves by name, the evaluation as the script wrote it."""

    rows: int
    splits: dict[str, Split]
    evaluation: dict[str, Any]


def count_rows(csv: Path) -> int:
    """The lines of a file without its header."""
    with csv.open("rb") as file:
        return sum(chunk.count(b"\n") for chunk in iter(lambda: file.read(1 << 20), b"")) - 1


def read_split(folder: Path, half: str) -> Split:
    """Read `<half>_features.csv` and `<half>_labels.csv`, which have no header.

    Raises:
        OSError: a file is missing.
        ValueError: the features' rows are not of one length.
    """
    labels = Counter((folder / f"{half}_labels.csv").read_text().split())
    with (folder / f"{half}_features.csv").open() as file:
        lengths = Counter(line.count(",") + 1 for line in file)
    if len(lengths) != 1:
        raise ValueError(f"{half}_features.csv has rows of {sorted(lengths)} columns")
    columns, rows = next(iter(lengths.items()))
    return Split(rows=rows, columns=columns, negative=labels["0"], positive=labels["1"])


def read_results(census: Path, folder: Path) -> Results:
    """Read the outputs of all jobs from `folder`, laid out as `s3.download` does."""
    outputs = folder / "outputs"
    splits = {
        f"{job}/{half}": read_split(place / half, half)
        for job, place in (("preprocess", outputs), ("own-image", outputs / "own-image"))
        for half in ("train", "test")
    }
    evaluation = json.loads((folder / "evaluation.json").read_text())
    return Results(count_rows(census), splits, evaluation)


def metrics(evaluation: dict[str, Any]) -> Metrics:
    """The figures of evaluation.json by the names that people read."""
    figures = {"accuracy": evaluation["accuracy"], "ROC AUC": evaluation["roc_auc"]}
    for label, people in _LABELS.items():
        for key, figure in _FIGURES.items():
            figures[f"{figure}, {people}"] = evaluation[label][key]
    return figures

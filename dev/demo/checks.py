"""Whether the results are right: counts exactly, metrics within a tolerance. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass

from dev.demo import expected
from dev.demo.results import Results, metrics


@dataclass(frozen=True)
class Check:
    """One comparison."""

    what: str
    wanted: float
    found: float
    tolerance: float = 0

    @property
    def holds(self) -> bool:
        return abs(self.found - self.wanted) <= self.tolerance

    def __str__(self) -> str:
        within = f" within {self.tolerance:g}" if self.tolerance else ""
        return f"{self.what}: {self.found:g}, should be {self.wanted:g}{within}"


def checks(results: Results) -> list[Check]:
    """Every comparison of the demo, in the order of the work."""
    return [Check("census-income.csv rows", expected.ROWS, results.rows), *_counts(results), *_figures(results)]


def _counts(results: Results) -> Iterator[Check]:
    for name, wanted in expected.SPLITS.items():
        found = asdict(results.splits[name])
        for field, number in asdict(wanted).items():
            yield Check(f"{name} {field}", number, found[field])
    tested = expected.SPLITS["preprocess/test"]
    for label, number in (("0", tested.negative), ("1", tested.positive)):
        yield Check(f"evaluated rows of class {label}", number, results.evaluation[label]["support"])


def _figures(results: Results) -> Iterator[Check]:
    found = metrics(results.evaluation)
    for name in ("accuracy", "ROC AUC"):
        yield Check(f"{name} beside AWS's", expected.PUBLISHED[name], found[name], expected.PUBLISHED_TOLERANCE)
        yield Check(f"{name} beside the reference", expected.REFERENCE[name], found[name], expected.REFERENCE_TOLERANCE)

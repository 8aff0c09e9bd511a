"""Keeps a cell's outcome for the MLflow run of its training, and finds that run by its loss curve."""

import hashlib
import json
from collections.abc import Iterable, Mapping

from m2m.training.trainer.journal import Journal, find_records
from m2m.training.trainer.keep_training import keep_training


def hash_curve(points: Iterable[tuple[int, float, float]]) -> str:
    """32 hexadecimal digits of a loss curve (step, loss, learning rate), which no two trainings share."""
    rows = [[int(step), float(loss), float(rate)] for step, loss, rate in points]
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()[:32]


def keep_outcome(points: Iterable[tuple[int, float, float]], metrics: Mapping[str, object]) -> None:
    """Keep the numbers of `metrics` for the run with this loss curve; MLflow gets them with the next records.

    Loading MLflow here would take some three seconds a cell. No error ends the stage.
    """
    with keep_training("the outcome of this cell cannot be recorded for MLflow; its metrics are complete"):
        curve = hash_curve(points)
        figures = {name: float(value) for name, value in metrics.items() if isinstance(value, int | float)}
        journal = Journal(find_records() / f"outcome-{curve}.jsonl")
        journal.path.unlink(missing_ok=True)  # measured again: the last figures count
        journal.add({"outcome": curve, "figures": figures, "status": "MEASURED"})

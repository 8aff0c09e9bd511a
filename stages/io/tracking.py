"""Keeps one MLflow run for each training that was really executed."""

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from filelock import FileLock

from stages.io.home import home

EXPERIMENT = "macro-to-micro"


def tracking_uri() -> str:
    """`MLFLOW_TRACKING_URI`, or a sqlite file in the repository: absolute, since queue copies are thrown away."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{home() / 'mlflow.db'}"


@contextmanager
def tracked(name: str, params: Mapping[str, Any]) -> Iterator[None]:
    """An MLflow run around a training; its status says whether the training ended or failed."""
    import mlflow

    logging.getLogger("mlflow").setLevel(logging.WARNING)
    mlflow.set_tracking_uri(tracking_uri())
    (home() / ".cache").mkdir(exist_ok=True)
    with FileLock(home() / ".cache" / "mlflow.lock"):  # two workers may make the store at once
        mlflow.set_experiment(EXPERIMENT)
    tags = {"dvc.experiment": os.environ.get("DVC_EXP_NAME", "workspace"), "stage": name}
    with mlflow.start_run(run_name=f"{name} {tags['dvc.experiment']}", tags=tags):
        mlflow.log_params(dict(params))
        yield


def log_metrics(values: Mapping[str, float], step: int) -> None:
    """Add `values` to the run that is open."""
    import mlflow

    mlflow.log_metrics(dict(values), step=step)

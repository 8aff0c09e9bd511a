"""Keeps one MLflow run for each training that was really executed, also when its server is away for a while."""

import logging
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from m2m.project_root import home
from m2m.training.trainer.journal import Journal, JournalLine

EXPERIMENT = "macro-to-micro"
CREDENTIALS = re.compile(r"//[^/]*@")  # name and password in a URI
Log = Callable[[Mapping[str, float], int], None]  # figures, and the step they belong to


def resolve_tracking_uri() -> str:
    """`MLFLOW_TRACKING_URI`, or a sqlite file in the repository: absolute, since queue copies are thrown away."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{home() / 'mlflow.db'}"


@contextmanager
def track_training(name: str, params: Mapping[str, Any], key: str) -> Iterator[Log]:
    """A run around a training; its status says whether the training ended or failed.

    Every figure is first a line in .cache/runs, then MLflow's. When the store does not answer, the training goes on, a
    warning is printed once, and the lines are sent at the end or by the next training. `key` names the training: one
    that was killed and goes on with the same key goes on in the same run.
    """
    folder = home() / ".cache" / "runs"
    store, earlier = _Store(aloud=True), _Store(aloud=False)  # what MLflow refuses of an old run is not the new one's
    for path in sorted(folder.glob("*.jsonl")):
        if (left := Journal(path)).ended() and earlier.take(left, left.entries()):
            path.unlink(missing_ok=True)
    journal = Journal(folder / f"{name}-{key}.jsonl")
    if journal.entries():
        journal.add({"again": True})  # or another training would send and remove what this one goes on writing
    else:
        experiment = os.environ.get("DVC_EXP_NAME", "workspace")
        tags = {"dvc.experiment": experiment, "stage": name, **_revision()}
        told = {one: str(value) for one, value in params.items()}
        journal.add({"open": f"{name} {experiment}", "tags": tags, "params": told})
    store.take(journal, journal.entries())

    def log(values: Mapping[str, float], step: int) -> None:
        store.take(journal, [journal.add({"metrics": dict(values), "step": step})])

    status = "FAILED"
    try:
        yield log
        status = "FINISHED"
    finally:
        last = journal.add({"status": status})
        if store.take(journal, [last]) or _Store(aloud=False).take(journal, journal.entries()):
            journal.path.unlink(missing_ok=True)


class _Store:
    """MLflow as long as it answers; from its first silence on, none. Not `aloud`: it may refuse one run, not all."""

    def __init__(self, aloud: bool) -> None:
        self.aloud = aloud
        self.answers = True
        self.client: Any = None

    def take(self, journal: Journal, entries: list[JournalLine]) -> bool:
        """Send `entries` of `journal` to its run, made here where there is none; False when MLflow does not answer."""
        if not self.answers:
            return False
        try:
            self.client = self.client or _client()
            self._send(journal, entries)
        except Exception as error:  # MLflow's and its transport's errors have no common parent
            self.answers = not self.aloud and _refused(error)
            if self.aloud:
                print(
                    f"warning: MLflow at {CREDENTIALS.sub('//', resolve_tracking_uri())} does not answer "
                    f"({type(error).__name__}): the training goes on, its figures are kept in {journal.path} and "
                    "sent at the end or by the next training",
                    file=sys.stderr,
                )
            return False
        return True

    def _send(self, journal: Journal, entries: list[JournalLine]) -> None:
        from mlflow.entities import Metric, Param

        run = journal.run()
        for one in entries:
            if "open" in one and run is None:
                run = _new_run(self.client, one)
                journal.add({"run": run})
                params = [Param(name, value[:6000]) for name, value in one["params"].items()]
                self.client.log_batch(run, params=params)
            elif "metrics" in one:
                when, step = int(one["time"] * 1000), one["step"]
                points = [Metric(name, value, when, step) for name, value in one["metrics"].items()]
                self.client.log_batch(run, metrics=points)
            elif "status" in one:
                self.client.set_terminated(run, one["status"], int(one["time"] * 1000))


def _refused(error: Exception) -> bool:
    """Whether MLflow is there and wants this run no more, such as one that somebody deleted."""
    from mlflow.exceptions import MlflowException

    return isinstance(error, MlflowException) and error.get_http_status_code() < 500


def _client() -> Any:
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")  # a server that is away must not hold a training up
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "10")
    from mlflow import MlflowClient

    logging.getLogger("mlflow").setLevel(logging.WARNING)
    return MlflowClient(resolve_tracking_uri())


def _new_run(client: Any, opened: JournalLine) -> str:
    from filelock import FileLock

    with FileLock(home() / ".cache" / "mlflow.lock"):  # two workers may make the store at once
        found = client.get_experiment_by_name(EXPERIMENT)
        number = found.experiment_id if found else client.create_experiment(EXPERIMENT)
    run = client.create_run(number, int(opened["time"] * 1000), tags=opened["tags"], run_name=opened["open"])
    return str(run.info.run_id)


def _revision() -> dict[str, str]:
    found = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
    return {"git.revision": found.stdout.strip()} if found.returncode == 0 else {}

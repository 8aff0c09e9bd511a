"""Records each training that is executed as one MLflow run; nothing that fails here ends the training."""

import logging
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from shutil import copyfile, rmtree
from typing import Any

from filelock import BaseFileLock, FileLock

from m2m.runtime.atomic_files import replace_file
from m2m.runtime.project_root import find_project_root
from m2m.training.trainer.journal import CURVE, Journal, JournalLine, find_records
from m2m.training.trainer.keep_training import keep_training
from m2m.training.trainer.run_description import describe_dataset, list_tags, name_run

EXPERIMENT = "macro-to-micro"
STORE = "mlflow.db"
CREDENTIALS = re.compile(r"//[^/\s]*@")  # name and password in a URI
SQLALCHEMYS_ADVICE = "(raised as a result of Query-invoked autoflush"  # a line before the reason
Log = Callable[[Mapping[str, float], int], None]  # figures, and the step they belong to


def resolve_tracking_uri() -> str:
    """`MLFLOW_TRACKING_URI`, or a sqlite file in the repository: absolute, since DVC deletes its queue's copies."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{find_project_root() / STORE}"


@contextmanager
def track_training(
    name: str, params: Mapping[str, Any], key: str, end_tags: Mapping[str, str] | None = None
) -> Iterator[Log]:
    """A run around a training; its status says whether the training ended or failed.

    Every figure is first a line in .cache/runs, then MLflow's. When MLflow fails, the training continues, a warning is
    printed once, and the lines are sent at the end or by the next training. `key` identifies the training: after a
    kill, a training with the same key continues the same run. `end_tags` are read when the training ends.
    """
    journal, store, recording = Journal(find_records() / f"{name}-{key}.jsonl"), _Store(warns=True), False
    failure = f"this training is not recorded any further in {journal.path}; it continues"
    send_earlier()
    with keep_training(failure):
        _begin(journal, name, params)
        store.send(journal, journal.read())
        recording = True

    def record(line: JournalLine) -> None:
        nonlocal recording
        if recording:
            recording = False
            with keep_training(failure):
                store.send(journal, [journal.add(line)])
                recording = True

    status = "FAILED"
    try:
        yield lambda values, step: record({"metrics": dict(values), "step": step})
        status = "FINISHED"
    finally:
        record({"status": status, "tags": dict(end_tags or {})})
        if recording:
            with keep_training(f"{journal.path} could not be sent or removed"):
                if store.answers or _Store(warns=False).send(journal, journal.read()):
                    journal.path.unlink(missing_ok=True)


class _Store:
    """MLflow until its first failure; then nothing more is sent. Without `warns`, MLflow may also refuse one run."""

    def __init__(self, warns: bool) -> None:
        self.warns = warns
        self.answers = True
        self.client: Any = None

    def send(self, journal: Journal, lines: list[JournalLine]) -> bool:
        """Send `lines` of `journal` to its run, which is created where there is none; False when MLflow fails."""
        if not self.answers:
            return False
        try:
            self.client = self.client or _connect()
            _send(self.client, journal, lines)
        except Exception as error:  # MLflow's and its transport's errors have no common parent
            self.answers = not self.warns and _is_refusal(error)
            if self.warns:
                said = [line for line in str(error).splitlines() if not line.startswith(SQLALCHEMYS_ADVICE)]
                uri, reason = resolve_tracking_uri(), next(iter(said), "")
                message = (
                    f"warning: MLflow at {uri} does not answer ({type(error).__name__}: {reason}): the training "
                    f"continues, its figures are kept in {journal.path} and sent at the end or by the next training"
                )
                print(CREDENTIALS.sub("//", message), file=sys.stderr)
            return False
        return True


def _send(client: Any, journal: Journal, lines: list[JournalLine]) -> None:
    from mlflow.entities import Metric, Param

    run = journal.find_run()
    for line in lines:
        if "open" in line:
            if run is None:
                run = _create_run(client, line)
                journal.add({"run": run})
            if not journal.is_described():  # MLflow may fail between any two of these; it takes both more than once
                params = [Param(name, value[:6000]) for name, value in line["params"].items()]
                client.log_batch(run, params=params)
                client.log_inputs(run, datasets=describe_dataset(line["params"]))
                journal.add({"described": run})
        elif "outcome" in line:
            _send_outcome(client, line)
        elif "metrics" in line:
            milliseconds, step = int(line["time"] * 1000), line["step"]
            points = [Metric(name, value, milliseconds, step) for name, value in line["metrics"].items()]
            client.log_batch(run, metrics=points)
        elif "status" in line:
            for name, value in line.get("tags", {}).items():  # a record of an earlier version has none
                client.set_tag(run, name, value)
            client.set_terminated(run, line["status"], int(line["time"] * 1000))


def _send_outcome(client: Any, line: JournalLine) -> None:
    """Append the figures of `line` to every run whose loss curve they belong to."""
    from mlflow.entities import Metric

    experiment = client.get_experiment_by_name(EXPERIMENT)
    named = f"tags.{CURVE} = '{line['outcome']}'"
    runs = client.search_runs([experiment.experiment_id], named) if experiment else []
    for run in runs:
        milliseconds = int(line["time"] * 1000)
        client.log_batch(
            run.info.run_id, metrics=[Metric(name, value, milliseconds, 0) for name, value in line["figures"].items()]
        )
    if not runs:
        print("warning: a cell's outcome is not in MLflow, which has no run of its training", file=sys.stderr)


def send_earlier() -> None:
    """Send the records of ended trainings, and outcomes of cells, that MLflow does not have yet; no error is raised."""
    with keep_training("earlier trainings could not be sent to MLflow; all else continues"):
        store = _Store(warns=False)
        for path in sorted(find_records().glob("*.jsonl")):  # candidate, opponent, outcome
            if (earlier := Journal(path)).is_ended() and store.send(earlier, earlier.read()):
                path.unlink(missing_ok=True)


def _begin(journal: Journal, name: str, params: Mapping[str, Any]) -> None:
    if journal.read():
        journal.add({"again": True})  # or another training would send and remove what this one continues to write
        return
    words = {name: str(value) for name, value in params.items()}
    journal.add({"open": name_run(name, params), "tags": list_tags(name, words), "params": words})


def _is_refusal(error: Exception) -> bool:
    """Whether MLflow answers but refuses this run, as one that somebody deleted."""
    exceptions = sys.modules.get("mlflow.exceptions")  # importing it may be the very error
    if exceptions is None or not isinstance(error, exceptions.MlflowException):
        return False
    return bool(error.get_http_status_code() < 500)


def _connect() -> Any:
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")  # no training waits long for a server that is away
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "10")
    from mlflow import MlflowClient

    logging.getLogger("mlflow").setLevel(logging.CRITICAL)  # its tracebacks would bury our one sentence
    if not os.environ.get("MLFLOW_TRACKING_URI"):
        _make_store()
    return MlflowClient(resolve_tracking_uri())


def _make_store() -> None:
    """Make the sqlite file where there is none. It takes seconds, and MLflow refuses one that a kill left half-made."""
    from mlflow import MlflowClient

    path, folder = find_project_root() / STORE, find_project_root() / ".cache" / "mlflow-store"
    if path.exists():
        return
    with _lock_store():
        if not path.exists():
            rmtree(folder, ignore_errors=True)  # of a killed process
            folder.mkdir(parents=True)
            MlflowClient(f"sqlite:///{folder / STORE}").search_experiments(max_results=1)  # with a journal beside it
            with replace_file(path) as temporary:
                copyfile(folder / STORE, temporary)
            rmtree(folder)


def _lock_store() -> BaseFileLock:
    """Two workers may make the store, or its experiment, at once."""
    return FileLock(find_project_root() / ".cache" / "mlflow.lock")


def _create_run(client: Any, opened: JournalLine) -> str:
    with _lock_store():
        experiment = client.get_experiment_by_name(EXPERIMENT)
        number = experiment.experiment_id if experiment else client.create_experiment(EXPERIMENT)
    run = client.create_run(number, int(opened["time"] * 1000), tags=opened["tags"], run_name=opened["open"])
    return str(run.info.run_id)

import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from m2m.training.trainer import mlflow_run
from m2m.training.trainer.journal import CURVE, Journal, find_records
from m2m.training.trainer.mlflow_run import resolve_tracking_uri, send_earlier, track_training
from m2m.training.trainer.outcome import hash_curve, keep_outcome
from m2m.training.trainer.run_description import name_run

pytestmark = pytest.mark.filterwarnings("default")
NOWHERE = "http://127.0.0.1:1"


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/runs.db")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")


def runs() -> Any:
    import mlflow

    mlflow.set_tracking_uri(resolve_tracking_uri())
    return mlflow.search_runs(experiment_names=["macro-to-micro"], output_format="list")


def points(run: Any, name: Any = "loss") -> Any:
    from mlflow import MlflowClient

    return [
        (one.step, one.value) for one in MlflowClient(resolve_tracking_uri()).get_metric_history(run.info.run_id, name)
    ]


def test_the_store_is_in_the_repository_of_the_person_also_from_a_queue_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    assert resolve_tracking_uri() == f"sqlite:///{tmp_path}/mlflow.db"


def test_a_server_of_the_person_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", NOWHERE)
    assert resolve_tracking_uri() == NOWHERE


def test_a_training_is_one_run_with_its_experiment_and_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DVC_EXP_NAME", "tidy-otter")
    with track_training("candidate", {"rows": 3}, "a") as log:
        log({"loss": 1.5}, 1)
    with pytest.raises(RuntimeError), track_training("candidate", {"rows": 3}, "a"):
        raise RuntimeError
    failed, ended = runs()
    assert [failed.info.status, ended.info.status] == ["FAILED", "FINISHED"]
    assert ended.info.run_name == "candidate tidy-otter"
    assert ended.data.metrics == {"loss": 1.5}
    assert ended.data.params == {"rows": "3"}
    assert ended.data.tags["dvc.experiment"] == "tidy-otter"
    assert list((tmp_path / ".cache/runs").iterdir()) == []


def test_with_the_server_away_training_goes_on_warns_once_and_the_next_one_sends_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    store = resolve_tracking_uri()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", NOWHERE)
    with track_training("candidate", {"rows": 3}, "a") as log:
        for step in (1, 2, 3):
            log({"loss": 4.0 - step}, step)
    assert capsys.readouterr().err.count("does not answer") == 1
    assert [path.name for path in (tmp_path / ".cache/runs").iterdir()] == ["candidate-a.jsonl"]

    monkeypatch.setenv("MLFLOW_TRACKING_URI", store)
    with track_training("opponent", {"rows": 3}, "b"):
        pass
    assert sorted(run.info.run_name.split()[0] for run in runs()) == ["candidate", "opponent"]
    [late] = [run for run in runs() if run.info.run_name.startswith("candidate")]
    assert (late.info.status, points(late)) == ("FINISHED", [(1, 3.0), (2, 2.0), (3, 1.0)])
    assert list((tmp_path / ".cache/runs").iterdir()) == []


def test_the_warning_does_not_tell_the_password_of_the_server(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://me:hunter2@127.0.0.1:1")
    with track_training("candidate", {"rows": 3}, "a"):
        pass
    told = capsys.readouterr().err
    assert "MLflow at http://127.0.0.1:1 does not answer" in told
    assert "hunter2" not in told


def test_a_killed_training_goes_on_in_its_run(tmp_path: Path) -> None:
    first = track_training("candidate", {"rows": 3}, "a")
    log = first.__enter__()  # and never leaves, as if killed
    log({"loss": 3.0}, 1)
    with track_training("candidate", {"rows": 3}, "a") as log:
        log({"loss": 2.0}, 2)
    [run] = runs()
    assert (run.info.status, points(run)) == ("FINISHED", [(1, 3.0), (2, 2.0)])


def test_a_store_that_a_kill_left_half_made_stands_nowhere_under_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """MLflow makes its tables one after the other; after a kill in between it refuses the file for ever."""
    code = (
        "import os, pathlib, threading, time\n"
        "from m2m.training.trainer.mlflow_run import track_training\n"
        "def watch():\n"
        "    while not any(path.stat().st_size for path in pathlib.Path().rglob('mlflow.db')):\n"
        "        time.sleep(0.001)\n"
        "    os.kill(os.getpid(), 9)\n"
        "threading.Thread(target=watch, daemon=True).start()\n"
        "with track_training('candidate', {}, 'k'): pass\n"
    )
    env = {**os.environ, "PYTHONPATH": str(Path.cwd()), "DVC_ROOT": str(tmp_path)}
    env.pop("MLFLOW_TRACKING_URI", None)
    ended = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=env)
    assert ended.returncode == -9 and not (tmp_path / "mlflow.db").exists()
    assert len(list(tmp_path.glob(".cache/*/mlflow.db"))) == 1
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    with track_training("candidate", {}, "k"):
        pass
    with sqlite3.connect(tmp_path / "mlflow.db") as store:
        assert store.execute("select status from runs").fetchall() == [("FINISHED",)]


def test_a_journal_is_plain_lines_in_order(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "runs" / "one.jsonl")
    assert journal.read() == []
    journal.add({"open": "candidate"})
    journal.add({"run": "7"})
    assert not journal.is_ended()
    journal.add({"status": "FINISHED"})
    told = [json.loads(line) for line in journal.path.read_text().splitlines()]
    assert told == journal.read()
    assert (journal.find_run(), journal.is_ended()) == ("7", True)


def test_a_half_written_line_is_left_out_and_stops_nothing(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "one.jsonl")
    journal.add({"status": "FINISHED"})
    with journal.path.open("a") as file:
        file.write('{"metrics": {"lo')
    assert [one["status"] for one in journal.read()] == ["FINISHED"]
    journal.add({"status": "FAILED"})
    journal.add({"again": True})
    assert [one.get("status") for one in journal.read()] == ["FINISHED", "FAILED", None]


def test_a_training_that_was_begun_again_has_not_ended(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "one.jsonl")
    for entry in ({"open": "candidate"}, {"status": "FAILED"}, {"run": "7"}, {"described": "7"}):
        journal.add(entry)
    assert journal.is_ended()
    journal.add({"again": True})
    assert not journal.is_ended()


def test_a_kept_run_that_somebody_deleted_holds_no_other_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mlflow import MlflowClient

    for name in "ab":
        with track_training("candidate", {}, name):
            pass
    deleted = next(run.info.run_id for run in runs())
    MlflowClient(resolve_tracking_uri()).delete_run(deleted)
    folder = tmp_path / ".cache/runs"
    waiting = [Journal(folder / f"candidate-{name}.jsonl") for name in "xy"]
    for journal in waiting:
        journal.add({"open": "late", "tags": {}, "params": {}})
    waiting[0].add({"run": deleted})
    for journal in waiting:
        journal.add({"metrics": {"loss": 1.0}, "step": 1})
        journal.add({"status": "FINISHED"})
    with track_training("opponent", {}, "c"):
        pass
    assert [path.name for path in folder.iterdir()] == ["candidate-x.jsonl"]
    assert "late" in [run.info.run_name for run in runs()]


@pytest.mark.filterwarnings("default")
def test_a_training_that_goes_on_after_a_failure_is_nobodys_to_send(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:1")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(RuntimeError), track_training("candidate", {}, "a"):
        raise RuntimeError
    journal = Journal(tmp_path / ".cache/runs/candidate-a.jsonl")
    assert journal.is_ended()
    with track_training("candidate", {}, "a"):
        assert not journal.is_ended()


def test_a_server_that_is_away_is_tried_once_for_all_the_runs_that_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    tried = []

    def away() -> None:
        tried.append(1)
        raise ConnectionError

    monkeypatch.setattr(mlflow_run, "_connect", away)
    for name in "xyz":
        Journal(tmp_path / f".cache/runs/candidate-{name}.jsonl").add({"status": "FINISHED"})
    with track_training("opponent", {}, "c"):
        assert len(tried) == 2  # for those that wait, and for its own


SUBSET = {
    "strategy": "response-micro",
    "match": "random",
    "degree": 3,
    "size": 500,
    "budget": "rows",
    "seed": 1,
    "subset": "ab" * 32,
}
SUBSET |= {"k_by_degree": [2, 3, 5, 7, 9, 11, 13]}
CURVES = {1: [(1, 2.0, 1e-4)], 2: [(1, 1.0 / 3.0, 1e-4)]}


def train(seed: int, subset: Any = SUBSET) -> None:
    with track_training("candidate", subset | {"seed": seed}, str(seed), {CURVE: hash_curve(CURVES[seed])}):
        pass


def test_a_run_is_named_by_what_it_is_and_has_its_settings_as_tags_and_its_subset_as_dataset() -> None:
    train(1)
    [run] = runs()
    assert run.info.run_name == "response-micro 3 · seed 1"
    tags = {"strategy": "response-micro", "match": "random", "degree": "3", "size": "500", "budget": "rows"}
    tags |= {"lengths": "free", "seed": "1", "stage": "candidate"}
    assert {name: run.data.tags[name] for name in tags} == tags
    [used] = run.inputs.dataset_inputs
    assert (used.dataset.name, used.dataset.digest) == ("response-micro, 500 rows", "ab" * 16)
    assert [(tag.key, tag.value) for tag in used.tags] == [("mlflow.data.context", "training")]


def test_configurations_that_differ_have_names_that_differ() -> None:
    matched = SUBSET | {"strategy": "length-matched", "k_by_degree": [1] * 7}
    others: list[dict[str, Any]] = [{"lengths": "as-random"}, {"budget": "tokens"}, {"degree": 4}]
    others += [{"prefilter": "bm25", "prefilter_share": share} for share in (0.2, 0.5)]
    subsets = [SUBSET, *(SUBSET | other for other in others)]
    subsets += [matched | {"match": match} for match in ("response-micro", "response-macro")]
    names = {name_run("candidate", subset) for subset in subsets}
    assert len(names) == len(subsets)
    assert {"length-matched to response-macro 3 · seed 1", "response-micro 3, bm25 20 % · seed 1"} <= names


@pytest.mark.parametrize("call", ["log_batch", "log_inputs"])
def test_parameters_and_dataset_arrive_once_when_the_server_dies_after_it_made_the_run(
    monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    from mlflow import MlflowClient

    def die(*_: Any, **__: Any) -> None:
        raise ConnectionResetError(104, "Connection reset by peer")

    with monkeypatch.context() as patch:
        patch.setattr(MlflowClient, call, die)
        train(1)
    [run] = runs()
    assert not run.inputs.dataset_inputs
    send_earlier()
    [run] = runs()
    assert run.info.status == "FINISHED"
    assert run.data.params == {name: str(value) for name, value in (SUBSET | {"seed": 1}).items()}
    assert len(run.inputs.dataset_inputs) == 1
    assert list(find_records().iterdir()) == []


def test_the_outcome_of_a_cell_reaches_the_run_of_its_training_alone_and_sorts_the_runs() -> None:
    import mlflow

    for seed in (1, 2):
        train(seed)
    keep_outcome(CURVES[1], {"bpb_reduction": 9.0, "strategy": "response-micro"})
    keep_outcome(CURVES[1], {"bpb_reduction": -0.5, "strategy": "response-micro"})  # measured again
    keep_outcome(CURVES[2], {"bpb_reduction": 0.5})
    send_earlier()
    mlflow.set_tracking_uri(resolve_tracking_uri())
    best = mlflow.search_runs(
        experiment_names=["macro-to-micro"], order_by=["metrics.bpb_reduction DESC"], output_format="list"
    )
    assert [(run.info.run_name, run.data.metrics["bpb_reduction"]) for run in best] == [
        ("response-micro 3 · seed 2", 0.5),
        ("response-micro 3 · seed 1", -0.5),
    ]
    assert points(best[1], "bpb_reduction") == [(0, -0.5)]
    assert list(find_records().iterdir()) == []


def test_an_outcome_waits_for_a_server_that_is_away_and_for_its_training_s_own_record(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store = resolve_tracking_uri()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", NOWHERE)
    train(1)
    keep_outcome(CURVES[1], {"bpb_reduction": 0.25})
    send_earlier()
    assert len(list(find_records().iterdir())) == 2
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store)
    send_earlier()
    [run] = runs()
    assert run.data.metrics == {"bpb_reduction": 0.25}
    assert list(find_records().iterdir()) == []


def test_an_outcome_whose_training_has_no_run_is_dropped_and_that_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    keep_outcome(CURVES[1], {"bpb_reduction": 0.25})
    send_earlier()
    assert "a cell's outcome is not in MLflow, which has no run of its training" in capsys.readouterr().err
    assert list(find_records().iterdir()) == []

import pytest

from stages.io.tracking import home, log_metrics, tracked, tracking_uri


def test_the_store_is_in_the_repository_of_the_person_also_from_a_queue_copy(tmp_path, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    assert home() == tmp_path
    assert tracking_uri() == f"sqlite:///{tmp_path}/mlflow.db"


def test_a_server_of_the_person_comes_first(monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:1")
    assert tracking_uri() == "http://127.0.0.1:1"


@pytest.mark.filterwarnings("default")
def test_a_training_is_one_run_with_its_experiment_and_its_end(tmp_path, monkeypatch):
    import mlflow

    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    monkeypatch.setenv("DVC_EXP_NAME", "tidy-otter")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/runs.db")
    with tracked("candidate", {"rows": 3}):
        log_metrics({"loss": 1.5}, step=1)
    with pytest.raises(RuntimeError), tracked("candidate", {"rows": 3}):
        raise RuntimeError
    runs = mlflow.search_runs(experiment_names=["macro-to-micro"], output_format="list")
    assert [run.info.status for run in runs] == ["FAILED", "FINISHED"]
    assert runs[1].data.metrics == {"loss": 1.5}
    assert runs[1].data.params == {"rows": "3"}
    assert runs[1].data.tags["dvc.experiment"] == "tidy-otter"

"""MLflow, the disk or the terminal fail at every moment of a training: the model is saved, and one sentence says so."""

import io
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch

from m2m.models import load_model
from m2m.training.finetuning.finetune import finetune
from m2m.training.trainer import journal, mlflow_run
from tests.preflight.test_full_disk import Mount, fill, mount
from tests.training.finetuning.test_finetune import RECIPE, ROWS

__all__ = ["mount"]  # the fixture

pytestmark = pytest.mark.filterwarnings("default")  # mlflow and transformers warn of each other
NEEDS_ROOT = pytest.mark.skipif(
    os.geteuid() != 0, reason="a small disk is mounted, which needs root: unshare -rm make test-long"
)
MOMENTS = pytest.mark.parametrize("moment", ["start", "middle", "end"])


@pytest.fixture(scope="module")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Making one takes seconds."""
    from mlflow import MlflowClient

    path = tmp_path_factory.mktemp("store") / "runs.db"
    MlflowClient(f"sqlite:///{path}").create_experiment("macro-to-micro")
    return path


@pytest.fixture(autouse=True)
def _store(tmp_path: Path, empty_store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(empty_store, tmp_path / "runs.db")
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/runs.db?timeout=0.05")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")


@pytest.fixture
def train(llama: Any, tokenizer: Any, tmp_path: Path) -> Any:
    """A training of two steps: its folder is returned when it has ended."""
    llama.save_pretrained(tmp_path / "base")

    def run(minutes: float = 10, write_curve: Any = len, rows: Any = ROWS) -> Any:
        named: dict[str, Any] = {"name": "candidate", "params": {}, "write_curve": write_curve}
        named |= {"checkpoint_minutes": minutes}
        losses = finetune(tmp_path / "base", tokenizer, rows, tmp_path / "model", RECIPE, **named)
        assert len(losses) >= 1
        return tmp_path / "model"

    return run


def at(moment: Any, failure: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Call `failure` when MLflow is first connected to, when it gets figures, or when it gets the end."""
    kinds = {"start": "open", "middle": "metrics", "end": "status"}
    send = mlflow_run._Store.send

    def failing(store: Any, record: Any, lines: Any) -> Any:
        if any(kinds[moment] in line for line in lines):
            failure()
        return send(store, record, lines)

    monkeypatch.setattr(mlflow_run._Store, "send", failing)


def is_saved(folder: Path) -> bool:
    names = {path.name for path in folder.iterdir()}
    return {"model.safetensors", "config.json", "tokenizer.json"} <= names and bool(load_model(folder, "float32"))


def list_runs() -> list[Any]:
    from mlflow import MlflowClient

    client = MlflowClient(mlflow_run.resolve_tracking_uri())
    return list(client.search_runs([client.get_experiment_by_name("macro-to-micro").experiment_id]))


@MOMENTS
def test_without_mlflow_to_import(
    train: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], moment: Any
) -> None:
    def take_away() -> None:
        monkeypatch.setattr(mlflow_run, "_connect", missing)
        monkeypatch.setattr(mlflow_run, "_send", lambda *_: missing())
        for name in [name for name in sys.modules if name.partition(".")[0] == "mlflow"]:
            monkeypatch.delitem(sys.modules, name)
        monkeypatch.setitem(sys.modules, "mlflow", None)

    def missing() -> None:
        from mlflow import MlflowClient  # noqa: F401

    at(moment, take_away, monkeypatch)
    assert is_saved(train())
    warning = capsys.readouterr().err
    assert warning.count("does not answer (ModuleNotFoundError: import of mlflow halted") == 1
    assert "the training continues, its figures are kept in" in warning


@MOMENTS
def test_with_a_full_disk(
    train: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], moment: Any
) -> None:
    opened = Path.open

    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    def fill() -> None:
        monkeypatch.setattr(
            Path, "open", lambda path, *mode: (full if path.suffix == ".jsonl" else opened)(path, *mode)
        )
        monkeypatch.setattr(mlflow_run, "_send", full)

    at(moment, fill, monkeypatch)
    assert is_saved(train())
    warning = capsys.readouterr().err
    assert "No space left on device" in warning
    assert "continues" in warning


@pytest.fixture
def small_store(tmp_path: Path, mount: Mount, monkeypatch: pytest.MonkeyPatch) -> Path:
    """MLflow's store on a disk of its own."""
    mount(tmp_path / "store", "size=2m")
    shutil.copy(tmp_path / "runs.db", tmp_path / "store")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/store/runs.db?timeout=0.05")
    return tmp_path / "store"


@pytest.mark.long
@NEEDS_ROOT
@MOMENTS
def test_with_a_store_on_a_disk_that_is_really_full_and_gets_the_run_when_there_is_room(
    train: Any, tmp_path: Path, small_store: Path, mount: Mount, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str], moment: Any,
) -> None:  # fmt: skip
    ballast = small_store / "ballast"
    at(moment, lambda: ballast.exists() or fill(small_store), monkeypatch)  # type: ignore[func-returns-value]
    assert is_saved(train())
    warning = capsys.readouterr().err
    assert warning.count("does not answer (") == warning.count("continues, its figures are kept in") == 1
    assert re.search(r"does not answer \(\w+: .*(disk is full|disk I/O error)\): the training", warning)
    assert "Traceback" not in warning
    mount(small_store, "size=16m")
    mlflow_run.send_earlier()
    assert list((tmp_path / ".cache/runs").iterdir()) == []
    [run] = list_runs()
    assert run.info.status == "FINISHED"
    assert "loss" in " ".join(run.data.metrics)


@pytest.mark.long
@NEEDS_ROOT
def test_with_store_and_records_on_disks_that_are_really_full(
    train: Any, tmp_path: Path, small_store: Path, mount: Mount, capsys: pytest.CaptureFixture[str]
) -> None:
    mount(tmp_path / ".cache/runs", "size=64k")
    for disk in (small_store, tmp_path / ".cache/runs"):
        fill(disk)
    assert is_saved(train())
    warning = capsys.readouterr().err
    assert "this training is not recorded any further" in warning and "No space left on device" in warning
    assert list_runs() == []


@pytest.mark.long  # MLflow itself waits up to 20 s
@MOMENTS
def test_with_a_locked_database(
    train: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], moment: Any
) -> None:
    locks = []

    def lock() -> None:
        locks.append(sqlite3.connect(tmp_path / "runs.db", isolation_level=None))
        locks[0].execute("create table if not exists another (number)")
        locks[0].execute("begin exclusive")

    at(moment, lambda: locks or lock(), monkeypatch)  # type: ignore[func-returns-value]
    assert is_saved(train())
    locks[0].close()
    warning = capsys.readouterr().err
    assert warning.count("does not answer (") == 1
    assert "database is locked" in warning
    assert len(list((tmp_path / ".cache/runs").iterdir())) == 1  # for the next training to send


@MOMENTS
def test_with_a_server_that_is_killed(
    train: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], moment: Any
) -> None:
    def kill() -> None:
        monkeypatch.setattr(mlflow_run, "_send", refuse)

    def refuse(*_: Any) -> None:
        raise ConnectionRefusedError(111, "Connection refused")

    at(moment, kill, monkeypatch)
    assert is_saved(train())
    assert capsys.readouterr().err.count("does not answer (ConnectionRefusedError: ") == 1


def is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.long
def test_with_a_real_server_that_is_killed_between_two_steps(
    train: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    words = ["mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    words += ["--backend-store-uri", f"sqlite:///{tmp_path}/server.db", "--artifacts-destination", str(tmp_path)]
    server = subprocess.Popen([sys.executable, "-m", *words], stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        until = time.monotonic() + 180
        while not is_open(port):
            assert server.poll() is None
            assert time.monotonic() < until
            time.sleep(0.1)
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{port}")
        at(
            "middle",
            lambda: server.poll() is None and (os.killpg(server.pid, signal.SIGKILL), server.wait()),  # type: ignore[func-returns-value]
            monkeypatch,
        )
        assert is_saved(train())
    finally:
        if server.poll() is None:
            os.killpg(server.pid, signal.SIGKILL)
            server.wait()
    assert capsys.readouterr().err.count("does not answer (MlflowException: ") == 1


def test_with_a_clock_that_jumps_back_at_every_look(
    train: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    hours = iter(range(10_000))
    monkeypatch.setattr(journal.time, "time", lambda: 1_800_000_000.0 - 3600 * next(hours))
    assert is_saved(train())
    assert next(hours) > 2 and "warning" not in capsys.readouterr().err
    [run] = list_runs()
    assert run.info.status == "FINISHED" and "loss" in " ".join(run.data.metrics)
    assert list((tmp_path / ".cache/runs").iterdir()) == []


def test_with_checkpoints_that_cannot_be_removed(
    train: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stuck(folder: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(shutil, "rmtree", stuck)
    assert is_saved(train())
    assert "could not be removed: delete them by hand (PermissionError: " in capsys.readouterr().err


def test_with_a_terminal_that_is_gone(train: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    class Gone(io.StringIO):
        def write(self, _: str) -> int:
            raise BrokenPipeError(32, "Broken pipe")

    monkeypatch.setattr(sys, "stderr", Gone())
    monkeypatch.setattr(mlflow_run, "_connect", lambda: 1 / 0)
    assert is_saved(train())


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The steps that are computed, as they come."""
    from transformers import Trainer

    computed: list[int] = []
    step = Trainer.training_step

    def count(trainer: Any, *words: Any, **named: Any) -> Any:
        computed.append(trainer.state.global_step + 1)
        return step(trainer, *words, **named)

    monkeypatch.setattr(Trainer, "training_step", count)
    return computed


def full(*_: Any, **__: Any) -> None:
    raise OSError(28, "No space left on device")


def test_a_model_that_cannot_be_saved_is_a_failed_run_and_the_training_resumes(
    train: Any, monkeypatch: pytest.MonkeyPatch, steps: list[int]
) -> None:
    from m2m.training.finetuning import finetune as finetuning

    with monkeypatch.context() as patch, pytest.raises(OSError, match="No space left"):
        patch.setattr(finetuning, "_save", full)
        train(minutes=0)
    assert [run.info.status for run in list_runs()] == ["FAILED"]
    assert is_saved(train())
    assert steps == [1, 2, 2]


def test_with_a_curve_that_cannot_be_written_the_training_resumes_and_its_curve_is_whole(
    train: Any, tmp_path: Path, steps: list[int]
) -> None:
    with pytest.raises(OSError, match="No space left"):
        train(minutes=0, write_curve=full)
    shutil.rmtree(tmp_path / "model")  # as DVC does before it runs a stage again
    curves: list[Any] = []
    assert is_saved(train(write_curve=curves.append))
    assert steps == [1, 2, 2]
    assert [point.step for point in curves[0]] == [1]
    assert list((tmp_path / ".cache/checkpoints").iterdir()) == []


def test_with_checkpoints_that_cannot_be_written_the_training_ends_and_the_older_one_stays(
    train: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], steps: list[int]
) -> None:
    save, saved = torch.save, tmp_path / ".cache/checkpoints"

    def save_once(*words: Any, **named: Any) -> None:
        (full if list(saved.glob("*/*/complete")) else save)(*words, **named)

    monkeypatch.setattr(torch, "save", save_once)
    with pytest.raises(OSError, match="No space left"):
        train(minutes=0, write_curve=full, rows=ROWS * 10)
    assert steps[-1] == 20
    assert [path.name for path in saved.glob("*/checkpoint-*")] == ["checkpoint-1"]
    warning = capsys.readouterr().err
    assert warning.count("checkpoint-5 could not be written: make room there") == 1
    assert warning.count("could not be written") == 1
    assert is_saved(train(rows=ROWS * 10))
    assert steps[20:] == [*range(2, 21)]


@pytest.mark.long
@NEEDS_ROOT
def test_with_checkpoints_on_a_disk_that_has_room_for_one(
    train: Any, tmp_path: Path, mount: Mount, capsys: pytest.CaptureFixture[str]
) -> None:
    mount(tmp_path / ".cache/checkpoints", "size=600k")
    assert is_saved(train(minutes=0, rows=ROWS * 10))
    warning = capsys.readouterr().err
    assert warning.count("checkpoint-5 could not be written") == warning.count("could not be written") == 1
    assert "No space left" in warning or "failed writing" in warning

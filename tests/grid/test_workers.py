import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from m2m.grid import gpu_locks, workers


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(workers, "count_cores", lambda: 8)
    monkeypatch.setattr(gpu_locks, "list_gpus", lambda: [])
    return monkeypatch


@pytest.mark.parametrize(("jobs", "threads"), [(1, "8"), (2, "4"), (3, "2"), (20, "1")])
def test_each_worker_has_its_share_of_the_cores(machine: pytest.MonkeyPatch, jobs: int, threads: str) -> None:
    assert {workers.build_environment(jobs)[name] for name in workers.THREAD_VARIABLES} == {threads}


@pytest.fixture
def started(machine: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Any]:
    """What crew.start has started, each in place of DVC's worker a process that sleeps; they are killed at the end."""
    begun, popen = [], subprocess.Popen

    def sleep(words: Any, *, env: Any, pass_fds: Any, **kept: Any) -> None:
        begun.append((env.get("CUDA_VISIBLE_DEVICES"), popen(["sleep", "60"], pass_fds=pass_fds, **kept)))

    machine.chdir(tmp_path)
    machine.setattr(gpu_locks, "LOCKS", tmp_path / "locks")
    machine.setattr(workers.subprocess, "Popen", sleep)
    yield begun
    for _, process in begun:
        process.kill()
        process.wait()


def test_each_worker_holds_a_gpu_of_its_own_until_it_ends(machine: pytest.MonkeyPatch, started: Any) -> None:
    machine.setattr(gpu_locks, "list_gpus", lambda: ["0", "3"])
    assert [workers.start(number, 2, 1) for number in (1, 2, 3)] == [True, True, False]
    assert [device for device, _ in started] == ["0", "3"]
    started[0][1].kill()
    started[0][1].wait()
    assert workers.start(3, 2, 1)
    assert [device for device, _ in started] == ["0", "3", "0"]


def test_more_workers_than_gpus_share_them_evenly(machine: pytest.MonkeyPatch, started: Any) -> None:
    machine.setattr(gpu_locks, "list_gpus", lambda: ["0", "3"])
    assert [workers.start(number, 3, 1) for number in (1, 2, 3)] == [True] * 3
    assert [device for device, _ in started] == ["0", "3", "0"]


def test_a_worker_whose_trainings_take_several_gpus_holds_them_all(machine: pytest.MonkeyPatch, started: Any) -> None:
    machine.setattr(gpu_locks, "list_gpus", lambda: ["0", "1", "2", "3"])
    assert workers.choose_worker_count(2) == 2
    assert [workers.start(number, 2, 2) for number in (1, 2, 3)] == [True, True, False]
    assert [device for device, _ in started] == ["0,1", "2,3"]


def test_without_a_gpu_none_is_named(machine: pytest.MonkeyPatch, started: Any) -> None:
    assert workers.start(1, 1, 1)
    assert [device for device, _ in started] == [None]


@pytest.mark.parametrize(("gpus", "gibibytes", "most"), [(["0", "1"], 1, 2), ([], 100, 8), ([], 10, 3), ([], 1, 1)])
def test_there_is_a_worker_a_gpu_or_else_a_core_that_has_memory(
    machine: pytest.MonkeyPatch, gpus: Any, gibibytes: int, most: int
) -> None:
    machine.setattr(gpu_locks, "list_gpus", lambda: gpus)
    machine.setattr(workers.psutil, "virtual_memory", lambda: type("Memory", (), {"available": gibibytes * 2**30}))
    assert workers.choose_worker_count(1) == most


def sleeper(*words: Any) -> Any:
    code = "import sys, time; print('up', flush=True); time.sleep(60)"
    process = subprocess.Popen(
        [sys.executable, "-c", code, *words], stdout=subprocess.PIPE, start_new_session=True, text=True
    )
    assert process.stdout.readline() == "up\n"
    return process


def test_a_worker_of_this_folder_is_seen_and_stopped_and_no_other(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    with (
        sleeper("exp", "queue-worker", f"{workers._node()}3@localhost") as ours,
        sleeper("exp", "queue-worker", "dvc-exp-000000-1@localhost") as other,
    ):
        assert workers.list_workers() == [workers.Worker(3, ours.pid, True)]
        workers.stop([ours.pid])
        assert workers.list_workers() == []
        assert other.poll() is None
        other.kill()


def test_an_experiment_is_at_work_while_a_process_runs_it() -> None:
    with sleeper("exp", "exec-run", "--infofile", "/somewhere/0a1b2c.run") as process:
        assert workers.list_running_keys(["0a1b2c", "ffffff"]) == {"0a1b2c"}
        process.kill()


def test_a_worker_that_ends_before_its_signal_is_no_error() -> None:
    with sleeper() as ended:
        ended.kill()
        ended.wait()
        workers.stop([ended.pid])


STUBBORN = """
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True)
print(child.pid, flush=True)
time.sleep(60)
"""


def test_a_worker_that_ignores_the_signal_is_killed_with_its_cell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "WAIT", 0.2)
    with subprocess.Popen([sys.executable, "-c", STUBBORN], stdout=subprocess.PIPE, text=True) as worker:
        cell = psutil.Process(int(worker.stdout.readline()))
        workers.stop([worker.pid])
        assert not psutil.pid_exists(worker.pid)
        psutil.wait_procs([cell], timeout=30)
        assert not cell.is_running() or cell.status() == psutil.STATUS_ZOMBIE


DRIVER = """
import subprocess, sys
from m2m.grid import workers
try:
    with workers.stop_on_signals():
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True)
        print(subprocess.run(["bash", "-c", "echo up; sleep 60"]))
except KeyboardInterrupt:
    sys.exit("interrupted")
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_to_the_driver_ends_all_that_it_started(number: Any) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", DRIVER], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as driver:
        assert driver.stdout.readline() == "up\n"
        family = psutil.Process(driver.pid).children(recursive=True)
        assert len(family) >= 2
        driver.send_signal(number)
        assert driver.wait(30) == 1  # the sleepers would sleep for a minute
        assert driver.stderr.read() == "interrupted\n"
        assert psutil.wait_procs(family, timeout=20)[1] == []


def test_a_hangup_that_nohup_ignores_stays_ignored() -> None:
    previous = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with workers.stop_on_signals():
            os.kill(os.getpid(), signal.SIGHUP)
            assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, previous)

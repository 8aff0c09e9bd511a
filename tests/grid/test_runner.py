"""The runner against a queue that is made here: no DVC, no process."""

from pathlib import Path
from typing import Any

import pytest

from m2m.grid import dvc_queue, runner, workers
from m2m.grid.dvc_queue import QueueEntry
from m2m.grid.queued_commit import QueuedCommit

SNAPSHOT = QueuedCommit("1" * 40, "2" * 40)


class Fake:
    """A queue whose cells end as `outcomes` says: each look takes each of them one step on."""

    def __init__(self, outcomes: Any) -> None:
        self.outcomes, self.waiting, self.running, self.ended = outcomes, [], [], {}  # type: ignore[var-annotated]
        self.put_names, self.dropped, self.started, self.stopped = [], [], [], []  # type: ignore[var-annotated]
        self.crew, self.orphans, self.gpus_held, self.snapshots = [], set(), 0, set()  # type: ignore[var-annotated]

    def list_entries(self) -> Any:
        for one in [one for one in self.running if one.key not in self.orphans]:
            self.running.remove(one)
            tries = self.put_names.count(one.name)
            self.ended[one.name] = self.outcomes[one.name][tries - 1]
        told = [*self.waiting, *self.running]
        if any(not worker.idle for worker in self.crew):
            self.running += [one._replace(running=True) for one in self.waiting]
            self.waiting.clear()
        return told

    def put(self, snapshot: Any, name: Any, overrides: Any) -> None:
        self.put_names.append(name)
        self.snapshots.add(snapshot)
        self.waiting.append(QueueEntry(name, f"{name}{len(self.put_names)}", False))

    def drop(self, entry: Any) -> None:
        self.dropped.append(entry.name)
        self.running = [one for one in self.running if one.key != entry.key]

    def forget_failed(self, names: Any) -> None:
        for name in names:
            if self.ended.get(name) == "failed":
                del self.ended[name]

    def list_experiment_names(self) -> Any:
        return {name: "0" * 40 for name, outcome in self.ended.items() if outcome == "done"}

    def stop(self, pids: Any) -> None:
        self.stopped += pids
        self.crew = [worker for worker in self.crew if worker.pid not in pids]

    def start(self, number: Any, jobs: Any, each: Any) -> Any:
        self.started.append(number)
        if self.gpus_held:
            self.gpus_held -= 1
            return False
        self.crew.append(workers.Worker(number, number, False))
        return True


@pytest.fixture
def mind(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    clock = iter(range(10_000))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(runner.time, "sleep", lambda _: None)
    monkeypatch.setattr(runner.time, "monotonic", lambda: float(next(clock)))

    def run(fake: Any, names: Any, jobs: Any = 1) -> Any:
        fake.clock = clock
        for name in ("list_entries", "put", "drop", "forget_failed"):
            monkeypatch.setattr(runner.dvc_queue, name, getattr(fake, name))
        monkeypatch.setattr(runner, "list_experiment_names", fake.list_experiment_names)
        monkeypatch.setattr(runner.workers, "start", fake.start)
        monkeypatch.setattr(runner.workers, "stop", fake.stop)
        monkeypatch.setattr(runner.workers, "list_workers", lambda: list(fake.crew))
        monkeypatch.setattr(runner.workers, "list_running_keys", lambda keys: set(keys) - fake.orphans)
        return runner.run_cells({name: [] for name in names}, SNAPSHOT, jobs, 1, 1.0, "")

    return run


def test_every_cell_is_put_once_when_all_goes_well(mind: Any) -> None:
    fake = Fake({"a": ["done"], "b": ["done"]})
    assert mind(fake, ["a", "b"]) == []
    assert fake.put_names == ["a", "b"]
    assert fake.started == [1]


def test_workers_begin_before_all_cells_are_put(mind: Any) -> None:
    names = [str(at) for at in range(3 * runner.BATCH)]
    fake = Fake({name: ["done"] for name in names})
    begun = []
    start = fake.start
    fake.start = lambda number, jobs, each: (begun.append(len(fake.put_names)), start(number, jobs, each))[1]  # type: ignore[func-returns-value, method-assign]
    assert mind(fake, names) == []
    assert begun == [runner.BATCH]
    assert fake.put_names == names


def test_a_failed_cell_is_tried_twice_again_and_no_more(mind: Any) -> None:
    fake = Fake({"a": ["failed", "failed", "done"], "b": ["failed"] * 9})
    assert mind(fake, ["a", "b"]) == ["b"]
    assert sorted(fake.put_names) == ["a"] * 3 + ["b"] * 3
    assert fake.snapshots == {SNAPSHOT}


def test_what_waits_already_is_not_put_again(mind: Any) -> None:
    fake = Fake({"a": ["done"], "b": ["done"]})
    fake.put(SNAPSHOT, "a", [])
    assert mind(fake, ["a", "b"]) == []
    assert fake.put_names == ["a", "b"]


def test_there_are_as_many_workers_as_jobs(mind: Any) -> None:
    fake = Fake({"a": ["done"], "b": ["done"]})
    mind(fake, ["a", "b"], jobs=3)
    assert fake.started == [1, 2, 3]


def test_a_worker_for_which_no_gpu_is_free_is_started_later_and_that_is_said_once(
    mind: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    fake = Fake({"a": ["done"]})
    fake.gpus_held = 2
    assert mind(fake, ["a"]) == []
    assert fake.started == [1, 1, 1]
    assert capsys.readouterr().out.count("worker 1 of 1 waits for a free GPU") == 1


def test_a_cell_whose_process_is_gone_is_lost_and_put_again(mind: Any) -> None:
    fake = Fake({"a": ["lost", "done"]})
    fake.put(SNAPSHOT, "a", [])
    fake.orphans = {"a1"}
    fake.crew = [workers.Worker(1, 1, False)]
    assert mind(fake, ["a"]) == []
    assert fake.dropped[0] == "a"
    assert fake.put_names == ["a", "a"]


def test_after_a_power_cut_what_ran_is_put_again_at_once(mind: Any) -> None:
    fake = Fake({"a": ["lost", "done"]})
    fake.put(SNAPSHOT, "a", [])
    fake.running = [one._replace(running=True) for one in fake.waiting]
    fake.waiting, fake.orphans = [], {"a1"}
    assert mind(fake, ["a"]) == []
    assert fake.put_names == ["a", "a"]
    assert next(fake.clock) < runner.PATIENCE  # type: ignore[attr-defined]


def test_a_worker_that_takes_nothing_is_stopped_and_another_started(mind: Any) -> None:
    fake = Fake({"a": ["done"]})
    fake.crew = [workers.Worker(1, 77, True)]
    assert mind(fake, ["a"]) == []
    assert fake.stopped == [77]
    assert fake.started == [1]


def test_ctrl_c_ends_the_workers(mind: Any) -> None:
    fake = Fake({"a": ["done"]})
    fake.crew = [workers.Worker(1, 77, False)]

    def interrupted() -> None:
        raise KeyboardInterrupt

    fake.list_entries = interrupted  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        mind(fake, ["a"])
    assert fake.stopped == [77]


def test_the_time_left_is_told_by_the_cells_that_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([100.0, 100.0, 130.0, 130.0, 130.0, 130.0])
    monkeypatch.setattr(runner.time, "monotonic", lambda: next(clock))
    grid_runner = runner.GridRunner({name: [] for name in "abc"}, SNAPSHOT, 2, 1, 1000.0)
    grid_runner.queued = {
        "a": QueueEntry("a", "a", True),
        "b": QueueEntry("b", "b", False),
        "c": QueueEntry("c", "c", False),
    }
    assert grid_runner.tally().seconds_left == pytest.approx(3 * 1000 / 2)
    grid_runner.durations, grid_runner.finished = [30.0], {"a"}
    grid_runner.queued = {"b": grid_runner.queued["b"], "c": grid_runner.queued["c"]}
    assert grid_runner.tally().seconds_left == pytest.approx(2 * 30 / 2)


def test_a_log_is_kept_also_where_a_link_to_it_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "LOGS", tmp_path / "logs")
    monkeypatch.setattr(dvc_queue, "RUNS", tmp_path / "runs")
    (tmp_path / "logs").mkdir()
    one = QueueEntry("cell", "abc", True)
    one.log.parent.mkdir(parents=True)
    for told in ("line 1", "line 1, line 2"):
        one.log.write_text(told)
        monkeypatch.setattr(runner.os, "link", elsewhere)
        runner._keep_log(one)
        assert runner.locate_log("cell").read_text() == told


def elsewhere(*_: Any) -> None:
    raise OSError("Invalid cross-device link")


def test_the_log_of_a_cells_last_try_grows_with_dvcs_own_and_outlives_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    workers.LOGS.mkdir(parents=True)
    for key in ("one", "two"):
        entry = QueueEntry("cell", key, True)
        entry.log.parent.mkdir(parents=True)
        entry.log.write_text("begun")
        runner._keep_log(entry)
        runner._keep_log(entry)
        with entry.log.open("a") as log:
            log.write(f" {key}")
        entry.log.unlink()
        assert runner.locate_log("cell").read_text() == f"begun {key}"


def clocked(monkeypatch: pytest.MonkeyPatch, now: Any) -> None:
    """Time is what `now` holds; no cell has ended, and no log is kept."""
    monkeypatch.setattr(runner.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(runner, "list_experiment_names", dict)
    monkeypatch.setattr(runner, "_keep_log", lambda _: None)


def test_a_cell_without_a_process_and_an_idle_worker_are_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """DVC begins a cell in more than one step: what is not there yet is not lost."""
    now, dropped, stopped = [0.0], [], []  # type: ignore[var-annotated]
    clocked(monkeypatch, now)
    monkeypatch.setattr(
        runner.dvc_queue, "list_entries", lambda: [QueueEntry("a", "1", True), QueueEntry("b", "2", False)]
    )
    monkeypatch.setattr(runner.dvc_queue, "drop", lambda one: dropped.append(one.name))
    monkeypatch.setattr(runner.workers, "list_workers", lambda: [workers.Worker(1, 77, True)])
    monkeypatch.setattr(runner.workers, "stop", stopped.extend)
    monkeypatch.setattr(runner.workers, "list_running_keys", lambda keys: set())
    grid_runner = runner.GridRunner({"a": [], "b": []}, SNAPSHOT, 1, 1, 1.0)
    for now[0] in (0.0, runner.PATIENCE):
        grid_runner.look()
    assert (dropped, stopped) == ([], [])
    now[0] += 1
    grid_runner.look()
    assert (dropped, stopped) == (["a"], [77])


def test_a_worker_that_has_nothing_to_take_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    now, stopped = [0.0], []  # type: ignore[var-annotated]
    clocked(monkeypatch, now)
    monkeypatch.setattr(runner.dvc_queue, "list_entries", lambda: [QueueEntry("a", "1", True)])
    monkeypatch.setattr(
        runner.workers, "list_workers", lambda: [workers.Worker(1, 76, False), workers.Worker(2, 77, True)]
    )
    monkeypatch.setattr(runner.workers, "stop", stopped.extend)
    monkeypatch.setattr(runner.workers, "list_running_keys", set)
    grid_runner = runner.GridRunner({"a": []}, SNAPSHOT, 2, 1, 1.0)
    for now[0] in (0.0, 2.0 * runner.PATIENCE):
        grid_runner.look()
    assert stopped == []


def test_a_worker_that_ends_takes_no_cell_of_the_next_rung(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its last cell is stored first; the worker that runs a cell of others stays."""
    looks = iter([["own", "other"], ["own", "other"], ["other"]])
    events: list[Any] = []
    monkeypatch.setattr(
        runner.dvc_queue, "list_entries", lambda: [QueueEntry(name, name, True) for name in next(looks)]
    )
    monkeypatch.setattr(runner.workers, "list_running_keys", lambda keys: {"other"} & set(keys))
    monkeypatch.setattr(
        runner.workers, "list_workers", lambda: [workers.Worker(1, 76, False), workers.Worker(2, 77, True)]
    )
    monkeypatch.setattr(runner.time, "sleep", lambda _: events.append("wait"))
    monkeypatch.setattr(runner.workers, "stop", events.append)
    runner._stop_idle_workers()
    assert events == ["wait", "wait", [77]]


def test_a_rung_begins_without_the_ending_worker_of_the_last_one(mind: Any) -> None:
    """It would take the first cell of this rung, and end: the cell would be lost until PATIENCE is over."""
    fake = Fake({"a": ["done"], "b": ["done"]})
    fake.crew = [workers.Worker(1, 99, True)]
    put = fake.put

    def put_beside_ending(snapshot: Any, name: Any, overrides: Any) -> None:
        put(snapshot, name, overrides)
        if any(worker.pid == 99 for worker in fake.crew):
            fake.orphans.add(fake.waiting[-1].key)

    fake.put = put_beside_ending  # type: ignore[method-assign]
    assert mind(fake, ["a", "b"]) == []
    assert (fake.stopped, fake.started, fake.dropped) == ([99], [1], [])
    assert fake.put_names == ["a", "b"]


def test_cells_of_another_grid_are_neither_counted_nor_touched(mind: Any) -> None:
    fake = Fake({"a": ["done"], "theirs": ["done"], "old": ["done"]})
    fake.put(SNAPSHOT, "theirs", [])
    fake.ended["old"] = "done"
    assert mind(fake, ["a"]) == []
    assert fake.put_names == ["theirs", "a"]


def test_the_tally_counts_each_cell_once(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(runner.time, "monotonic", lambda: now[0])
    grid_runner = runner.GridRunner({name: [] for name in "abcd"}, SNAPSHOT, 2, 1, 100.0)
    grid_runner.queued = {"a": QueueEntry("a", "a", True), "b": QueueEntry("b", "b", True)}
    grid_runner.tally()
    now[0] = 130.0
    grid_runner.queued["b"] = QueueEntry("b", "b", False)
    grid_runner.failed, grid_runner.finished = {"c"}, {"d"}
    told = grid_runner.tally()
    assert (told.finished, told.queued, told.running, told.failed) == (1, 1, {"a": 130.0}, 1)
    assert told.seconds_left == 100.0 / 2  # of b; a is overdue


def test_a_cell_of_another_grid_is_not_dropped_though_no_process_runs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    now, dropped = [0.0], []
    clocked(monkeypatch, now)
    monkeypatch.setattr(runner.dvc_queue, "list_entries", lambda: [QueueEntry("theirs", "9", True)])
    monkeypatch.setattr(runner.dvc_queue, "put", lambda *_: None)
    monkeypatch.setattr(runner.dvc_queue, "drop", lambda one: dropped.append(one.name))
    monkeypatch.setattr(runner.workers, "list_workers", lambda: [workers.Worker(1, 77, False)])
    monkeypatch.setattr(runner.workers, "list_running_keys", lambda keys: set())
    grid_runner = runner.GridRunner({"a": []}, SNAPSHOT, 1, 1, 1.0)
    for now[0] in (0.0, 2.0 * runner.PATIENCE):
        grid_runner.look()
    assert dropped == []

"""What `m2m grid` does around the queue; the whole is in tests/test_grid.py."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from filelock import FileLock

from m2m.commands import grid
from m2m.grid import gpu_locks, rungs, sweep
from m2m.grid.machines import remote_runner
from m2m.grid.machines.cell_refs import FetchedCells
from m2m.grid.machines.cluster import Cluster
from m2m.grid.machines.remote_runner import CellEngine
from m2m.grid.provenance import add_hardware, hash_cell, name_experiment
from m2m.grid.queued_commit import QueuedCommit
from m2m.grid.runner import locate_log

ROOT = Path(__file__).parents[2]
SUBSET = yaml.safe_load((ROOT / "params.yaml").read_text())["subset"]
SUBSET |= {"strategy": "random", "match": "random", "degree": 0, "size": 5, "seed": 1}
SUBSET |= {"min_tokens": 0, "max_tokens": 100}
STUDY = f"{sys.executable} -m m2m study metrics/own"
SNAPSHOT = QueuedCommit("1" * 40, "2" * 40)
FIRST, SECOND = ({**SUBSET, "seed": seed} for seed in (1, 2))


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A grid of two cells, of which an experiment holds the first; what is run is noted instead."""
    monkeypatch.chdir(tmp_path)
    parts = {"random": {"seed": [1, 2]}}
    real = yaml.safe_load((ROOT / "params.yaml").read_text())
    staged = {"keep": [2, 1], "fresh": [101, 102]}
    settings = real | {"subset": SUBSET, "grid": real["grid"] | {"seconds": 60, "staged": staged, "parts": parts}}
    shutil.copytree(ROOT / "profiles", tmp_path / "profiles")
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(settings))
    held: set[str] = {hash_cell("p", FIRST, {})}
    noted: list[Any] = []

    def collect(folder: Path, *, current: bool, fresh: Any, only: Any, hardware: Any, lock: Any) -> list[str]:
        noted.append(f"collect {folder}{f' of {hardware}' if hardware else ''}")
        return []

    monkeypatch.setattr(sweep, "list_finished", lambda: held)
    monkeypatch.setattr(rungs, "read_outcomes", lambda _: {})
    monkeypatch.setattr(sweep, "hash_provenance", lambda _: "p")
    monkeypatch.setattr(sweep.dvc_experiments, "predict_lock", dict)
    monkeypatch.setattr(sweep.dvc_experiments, "list_untracked_files", list)
    monkeypatch.setattr(sweep.dvc_experiments, "list_experiment_names", dict)
    monkeypatch.setattr(sweep, "write_snapshot", lambda: SNAPSHOT)
    monkeypatch.setattr(sweep.dvc_experiments, "list_stages", lambda: ["ingest", "judge", "measure"])
    monkeypatch.setattr(sweep, "write_study_folder", collect)
    monkeypatch.setattr(sweep.subprocess, "run", lambda words, **_: noted.append(" ".join(words)))

    def mind(todo: Any, snapshot: Any, jobs: Any, each: Any, seconds: Any, label: Any) -> None:
        noted.append((todo, jobs))
        held.update(hash_cell("p", SECOND, {}) for _ in todo)

    monkeypatch.setattr(sweep, "run_cells", mind)
    monkeypatch.setattr(gpu_locks, "list_gpus", list)
    monkeypatch.setattr(gpu_locks, "LOCKS", tmp_path / "locks")
    return noted


def test_only_cells_that_no_experiment_holds_are_run_after_the_shared_stages(
    here: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    grid.main(full=True, jobs=3)
    assert here == [
        "dvc repro ingest",
        ({name_experiment(SECOND, hash_cell("p", SECOND, {})): ["subset.seed=2"]}, 3),
        "collect metrics/own",
        STUDY,
    ]
    told = capsys.readouterr().out
    assert "1 of 2 cells exist; 1 × 60 s on 3 workers: about 20 s" in told
    assert told.endswith("grid: all 2 cells exist\n")


def test_parts_that_follow_from_the_pool_are_made_after_the_shared_stages_and_only_their_cells_are_collected(
    here: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    collected = []

    def make_parts(settings: Any) -> Any:
        assert here == ["dvc repro ingest"]
        return {"random": {"seed": [2]}}

    def collect(folder: Path, *, current: bool, fresh: Any, only: Any, hardware: Any, lock: Any) -> list[str]:
        collected.append((folder, only))
        return []

    monkeypatch.setattr(sweep, "write_study_folder", collect)
    settings = yaml.safe_load(Path("params.yaml").read_text())
    sweep.run_grid(settings, "full", 1, Path("metrics/other"), make_parts=make_parts)
    key = hash_cell("p", SECOND, {})
    assert here[1] == ({name_experiment(SECOND, key): ["subset.seed=2"]}, 1)
    assert collected == [(Path("metrics/other"), {key})]


def test_before_anything_runs_it_asks_for_what_git_does_not_know(here: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweep.dvc_experiments, "list_untracked_files", lambda: ["data/raw/my.jsonl.dvc"])
    with pytest.raises(ValueError, match=r"git does not track data/raw/my\.jsonl\.dvc, so the cells' copies"):
        grid.main(full=True, jobs=1)
    assert here == []


def test_fewer_than_no_jobs_are_refused(here: Any) -> None:
    with pytest.raises(ValueError, match="jobs must be 0 or more, got -1"):
        grid.main(jobs=-1)
    assert here == []


def test_a_folder_that_cells_would_not_find_is_refused(here: Any, tmp_path: Path) -> None:
    settings = yaml.safe_load((tmp_path / "params.yaml").read_text())
    settings["embed"]["model"] = "models/mine"
    (tmp_path / "models/mine").mkdir(parents=True)
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(settings))
    with pytest.raises(ValueError, match=r"embed\.model must be an absolute path, got models/mine"):
        grid.main(full=True, jobs=1)
    assert here == []


def test_the_shared_stages_hold_a_gpu_of_their_own(here: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    given = []

    def run(words: Any, env: Any = None, **_: Any) -> None:
        with gpu_locks.hold_free_gpus([["5"]], 1) as left:
            given.append((words[2], env and env["CUDA_VISIBLE_DEVICES"], left is None))

    monkeypatch.setattr(gpu_locks, "list_gpus", lambda: ["5"])
    monkeypatch.setattr(sweep.subprocess, "run", run)
    grid.main(full=True, jobs=1)
    assert given == [("ingest", "5", True), ("m2m", None, False)]


def test_the_shared_stages_hold_as_many_gpus_as_a_training_takes(
    here: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    given = []
    settings = yaml.safe_load((tmp_path / "params.yaml").read_text())
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(settings | {"launch": "profiles/launch/fsdp.yaml"}))
    monkeypatch.setattr(gpu_locks, "list_gpus", lambda: list("012345678"))
    monkeypatch.setattr(sweep.subprocess, "run", lambda words, env=None, **_: given.append(env))
    grid.main(full=True)
    assert [env and env["CUDA_VISIBLE_DEVICES"] for env in given] == ["0,1,2,3,4,5,6,7", None]
    assert here[0][1] == 1  # worker


def test_where_another_grid_holds_every_gpu_one_sentence_says_so(here: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu_locks, "list_gpus", lambda: ["5"])
    with (
        gpu_locks.hold_free_gpus([["5"]], 1),
        pytest.raises(ValueError, match="needs 1 free GPUs, and other grids use too many"),
    ):
        grid.main(full=True, jobs=1)


def test_when_all_are_there_none_is_run(here: Any) -> None:
    grid.main(full=True, jobs=1)
    here.clear()
    grid.main(full=True, jobs=1)
    assert here == ["dvc repro ingest", "collect metrics/own", STUDY]


def test_a_cell_that_failed_ends_it_with_the_last_lines_of_its_log(
    here: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    name = name_experiment(SECOND, hash_cell("p", SECOND, {}))

    def mind(todo: Any, snapshot: Any, jobs: Any, each: Any, seconds: Any, label: Any) -> None:
        locate_log(name).write_text("\n".join(f"line {at}" for at in range(99)))

    monkeypatch.setattr(sweep, "run_cells", mind)
    with pytest.raises(SystemExit, match=f"1 of 2 cells are missing: {name}"):
        grid.main(full=True, jobs=1)
    told = capsys.readouterr().out
    assert "line 98" in told and "line 80" not in told
    assert here[-2] == "collect metrics/own"


def test_nothing_is_collected_where_no_cell_ended(here: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweep, "list_finished", set)
    monkeypatch.setattr(sweep, "run_cells", lambda *_: None)
    with pytest.raises(SystemExit, match="2 of 2 cells are missing"):
        grid.main(full=True, jobs=1)
    assert not any("collect" in str(words) for words in here)


def test_two_grids_do_not_run_in_one_repository(here: Any) -> None:
    sweep.workers.LOGS.mkdir(parents=True)
    sweep.HOLDER.write_text("4321")
    with (
        FileLock(sweep.workers.LOGS / "lock"),
        pytest.raises(ValueError, match=r"Another grid runs in this repository \(process 4321\)\. Wait until it ends"),
    ):
        grid.main(full=True, jobs=1)


def test_a_grid_leaves_its_number_for_the_second_one(here: Any) -> None:
    grid.main(full=True, jobs=1)
    assert sweep.HOLDER.read_text() == str(os.getpid())


def test_quick_and_full_are_one_or_the_other(here: Any) -> None:
    with pytest.raises(ValueError, match="a grid has one form, got --quick and --full"):
        grid.main(quick=True, full=True)


def test_a_shared_stage_that_fails_ends_it_in_one_sentence(here: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(words: Any, **_: Any) -> None:
        raise subprocess.CalledProcessError(1, words)

    monkeypatch.setattr(sweep.subprocess, "run", run)
    with pytest.raises(SystemExit, match="dvc repro ingest … ended with 1: its output above gives the reason"):
        grid.main(full=True, jobs=1)


def test_in_an_archive_without_git_the_reason_is_that_of_git(
    here: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit, match=r"^grid: git ls-files .* … ended with 128: fatal: not a git repository"):
        grid.main(full=True, jobs=1)


def test_settings_that_are_edited_while_the_shared_stages_run_are_refused(
    here: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The overrides of the cells are written against the settings with which the grid began."""
    params = Path("params.yaml")

    def edit(*_: Any, **__: Any) -> None:
        params.write_text(params.read_text().replace("size: 5\n", "size: 6\n"))

    monkeypatch.setattr(sweep.subprocess, "run", edit)
    with pytest.raises(ValueError, match=r"params\.yaml must stay as it is until the first cell is queued, and it was"):
        grid.main(full=True, jobs=1)
    assert here == []


def test_a_file_that_is_new_after_the_shared_stages_is_refused_too(here: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    untracked = iter([[], ["m2m/mine.py"]])
    monkeypatch.setattr(sweep.dvc_experiments, "list_untracked_files", lambda: next(untracked))
    with pytest.raises(ValueError, match=r"git does not track m2m/mine\.py"):
        grid.main(full=True, jobs=1)
    assert here == ["dvc repro ingest"]


def test_an_experiment_of_other_contents_with_a_cells_name_is_refused_with_the_remedy(
    here: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = name_experiment(SECOND, hash_cell("p", SECOND, {}))
    monkeypatch.setattr(sweep.dvc_experiments, "list_experiment_names", lambda: {name: "3" * 40, "other": "4" * 40})
    with pytest.raises(
        ValueError, match=rf"other code, data or settings: {name}\. Remove them: dvc exp remove {name} "
    ):
        grid.main(full=True, jobs=1)
    assert here == ["dvc repro ingest"]


def test_cells_that_came_out_with_other_contents_are_named_so_and_not_called_failed(
    here: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    name = name_experiment(SECOND, hash_cell("p", SECOND, {}))
    names = iter([{}, {name: "3" * 40}])
    monkeypatch.setattr(sweep.dvc_experiments, "list_experiment_names", lambda: next(names))
    monkeypatch.setattr(sweep, "run_cells", lambda *_: None)
    with pytest.raises(SystemExit, match=f"1 of 2 cells are missing: {name}"):
        grid.main(full=True, jobs=1)
    printed = capsys.readouterr().out
    assert f"dvc exp remove {name}" in printed and "failed" not in printed


def test_ctrl_c_says_that_it_can_be_gone_on_with(here: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def mind(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(sweep, "run_cells", mind)
    with pytest.raises(SystemExit, match="Finished cells are kept; run the same command again to resume"):
        grid.main(full=True, jobs=1)


@pytest.fixture
def heeded() -> Iterator[None]:
    """Signals act as in a terminal, also where the tests themselves run in the background or under nohup."""
    actions: dict[signal.Signals, Any] = {
        signal.SIGINT: signal.default_int_handler,
        signal.SIGTERM: signal.SIG_DFL,
        signal.SIGHUP: signal.SIG_DFL,
    }
    previous = {number: signal.signal(number, action) for number, action in actions.items()}
    yield
    for number, action in previous.items():
        signal.signal(number, action)


@pytest.mark.usefixtures("heeded")
@pytest.mark.parametrize(
    ("number", "on", "is_cancelled", "words"),
    [
        (signal.SIGTERM, "slurm", False, "Its cells stay in Slurm's queue; Ctrl-C in the next driver cancels them."),
        (signal.SIGHUP, "auto", False, "Ray ends the cells that ran, but for those that are being pushed"),
        (signal.SIGINT, "slurm", True, "grid: stopped. Finished cells are kept; run the same command again"),
    ],
)
def test_only_ctrl_c_cancels_the_cells_of_a_cluster_and_the_last_line_names_the_command_that_goes_on(
    number: signal.Signals, on: str, is_cancelled: bool, words: str, here: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote_runner, "fetch_cells", lambda *_: FetchedCells(set(), {}))
    monkeypatch.setattr(remote_runner, "list_claims", lambda *_: set())
    monkeypatch.setattr(sweep.workers, "stop", lambda _: here.append("processes ended"))
    monkeypatch.setattr(sys, "argv", ["m2m", "--full", "--on", on])
    engine = CellEngine(lambda _: os.kill(os.getpid(), number), dict, lambda: here.append("cells cancelled"), lambda: 1)
    orders = {"a": {"name": "a", "git": "", "store": ""}}
    monkeypatch.setattr(sweep, "_run", lambda *_: remote_runner.run_remote_cells(orders, engine, 1.0, ""))
    with pytest.raises(SystemExit) as ended:
        grid.main(full=True, on=on)
    assert words in str(ended.value)
    assert str(ended.value).endswith(f"To go on: python -m m2m grid --full --on {on}") != is_cancelled
    assert here == (["cells cancelled"] if is_cancelled else ["processes ended"])


STAGED_PARTS = {
    "strategies": {"strategy": ["response-micro"], "degree": [0, 2, 6]},
    "random": {"strategy": ["random"], "seed": [1, 2, 3]},
}


@pytest.fixture
def ladder(here: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, float]:
    """A grid whose cells end at once with their degree as the outcome; the outcomes so far by identity."""
    settings = yaml.safe_load((tmp_path / "params.yaml").read_text())
    settings["grid"]["parts"] = STAGED_PARTS
    settings["subset"]["lengths"] = "free"
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(settings))
    outcomes: dict[str, float] = {}

    def run(todo: Any, snapshot: Any, jobs: Any, each: Any, seconds: Any, label: str) -> None:
        here.append(label)
        for overrides in todo.values():
            changes = dict(word.removeprefix("subset.").split("=") for word in overrides)
            cell = settings["subset"] | {name: type(settings["subset"][name])(value) for name, value in changes.items()}
            outcomes[hash_cell("p", cell, {})] = float(cell["degree"])

    monkeypatch.setattr(sweep, "list_finished", lambda: set(outcomes))
    monkeypatch.setattr(rungs, "read_outcomes", lambda _: outcomes)
    monkeypatch.setattr(sweep, "run_cells", run)
    return outcomes


def test_a_staged_grid_runs_its_rungs_to_the_end(
    here: Any, ladder: dict[str, float], capsys: pytest.CaptureFixture[str]
) -> None:
    grid.main(jobs=1)
    assert here[1:4] == [
        "rung 1 of 3, 3 configurations with seed 1",
        "rung 2 of 3, the best 2 of 3 with seed 2",
        "rung 3 of 3, the best 1 of 2 and random with 2 fresh seeds",
    ]
    assert here[4:] == ["collect metrics/own", STUDY]
    assert sorted(ladder.values()) == [0.0] * 4 + [0.0] * 2 + [2.0] * 2 + [6.0] * 4
    printed = capsys.readouterr().out
    assert "grid: 12 cells, about 12 min if none has run" in printed
    assert "grid: rung 2 of 3, the best 2 of 3 with seed 2; 6 of 8 cells exist; 2 × 60 s on 1 worker" in printed
    assert printed.endswith("grid: all 12 cells exist\n")


def test_every_rung_and_the_study_are_of_the_files_with_which_the_grid_began(
    here: Any, ladder: dict[str, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A person edits settings and code meanwhile: each rung would run from other files, and the study be of none."""
    versions, whole, used = [0], sweep.run_cells, []

    def run(todo: Any, snapshot: Any, jobs: Any, each: Any, seconds: Any, label: str) -> None:
        used.append(snapshot.revision)
        whole(todo, snapshot, jobs, each, seconds, label)
        versions[0] += 1
        Path("params.yaml").write_text("# edited\n")

    def collect(folder: Path, *, current: bool, fresh: Any, only: Any, hardware: Any, lock: Any) -> list[str]:
        used.append(lock["version"])
        return []

    monkeypatch.setattr(sweep, "run_cells", run)
    monkeypatch.setattr(sweep, "write_snapshot", lambda: QueuedCommit(str(versions[0]), "head"))
    monkeypatch.setattr(sweep.dvc_experiments, "predict_lock", lambda: {"version": versions[0]})
    monkeypatch.setattr(sweep, "write_study_folder", collect)
    grid.main(jobs=1)
    assert used == ["0", "0", "0", 0]


def test_after_a_kill_the_rungs_go_on_where_they_were(
    here: Any, ladder: dict[str, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = sweep.run_cells

    def cut(todo: Any, snapshot: Any, jobs: Any, each: Any, seconds: Any, label: str) -> None:
        if label.startswith("rung 2"):
            raise KeyboardInterrupt
        whole(todo, snapshot, jobs, each, seconds, label)

    monkeypatch.setattr(sweep, "run_cells", cut)
    with pytest.raises(SystemExit, match="run the same command again to resume"):
        grid.main(jobs=1)
    assert len(ladder) == 6
    monkeypatch.setattr(sweep, "run_cells", whole)
    here.clear()
    grid.main(jobs=1)
    assert [words[:6] for words in here if isinstance(words, str) and words.startswith("rung")] == ["rung 2", "rung 3"]
    assert len(ladder) == 12
    here.clear()
    grid.main(jobs=1)
    assert here == ["dvc repro ingest", "collect metrics/own", STUDY]


def test_a_failed_cell_ends_the_rungs(here: Any, ladder: dict[str, float], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweep, "run_cells", lambda todo, *_: here.append("tried"))
    with pytest.raises(SystemExit, match="6 of 6 cells are missing"):
        grid.main(jobs=1)
    assert here.count("tried") == 1


def test_a_pilot_has_a_folder_of_its_own(here: Any, ladder: dict[str, float]) -> None:
    grid.main(jobs=1, pilot=True)
    assert "collect metrics/pilot" in here and len(ladder) == 12
    here.clear()
    grid.main(jobs=1, pilot=True, folder=Path("metrics/mine"))
    assert "collect metrics/mine" in here


def test_on_a_cluster_shared_stages_are_pulled_and_cells_handed_over_under_its_hardware(
    here: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    engine = CellEngine(lambda _: None, dict, lambda: None, lambda: 4)
    locks: list[Any] = []

    def note(lock: Any) -> str:
        locks.append(lock)
        return "p"

    def run(opened: Any, inputs: Any, todo: Any, seconds: float, label: str) -> None:
        here.append((opened.hardware, inputs, sorted(todo), seconds))

    def open_after_check(options: Any, launch: Path, begun: Any) -> Cluster:
        here.append(f"open, {begun}")
        return Cluster(engine, "origin", "EPYC", 1, options.on)

    monkeypatch.setattr(sweep.dvc_experiments, "predict_lock", lambda: here.append("check dvc.yaml") or {})
    monkeypatch.setattr(sweep, "count_finished_kinds", lambda lock, previous: {"EPYC": 4})
    monkeypatch.setattr(sweep, "open_cluster", open_after_check)
    monkeypatch.setattr(sweep, "fetch_absent_tables", lambda cells: here.append(("fetch", len(cells))))
    monkeypatch.setattr(sweep, "push_inputs", lambda _, commit, stages: (commit, stages))
    monkeypatch.setattr(sweep, "run_cluster_cells", run)
    monkeypatch.setattr(sweep, "hash_provenance", note)
    with pytest.raises(SystemExit, match="1 of 2 cells are missing"):
        grid.main(full=True, on="auto")
    assert here[:3] == ["check dvc.yaml", "open, {'EPYC': 4}", "dvc repro --pull ingest"]
    assert here[5:7] == [("fetch", 2), "collect metrics/own of EPYC"]
    assert here[4] == ("EPYC", (SNAPSHOT, ["ingest"]), [name_experiment(SECOND, hash_cell("p", SECOND, {}))], 60)
    assert locks == [add_hardware({}, "EPYC")]
    assert "1 × 60 s on 4 workers" in capsys.readouterr().out


@pytest.mark.parametrize(("jobs", "plan"), [(0, "1 × 60 s as Slurm has room"), (6, "1 × 60 s on 6 workers: about")])
def test_slurms_plan_names_a_time_only_where_the_cells_at_once_are_known(
    jobs: int, plan: str, here: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    engine = CellEngine(lambda _: None, dict, lambda: None, lambda: 1)
    monkeypatch.setattr(sweep, "count_finished_kinds", lambda lock, previous: {})
    monkeypatch.setattr(sweep, "open_cluster", lambda *_: Cluster(engine, "origin", "EPYC", 1, ""))
    monkeypatch.setattr(sweep, "push_inputs", lambda _, commit, stages: (commit, stages))
    monkeypatch.setattr(sweep, "run_cluster_cells", lambda *_: None)
    monkeypatch.setattr(sweep, "fetch_absent_tables", lambda _: None)
    with pytest.raises(SystemExit):
        grid.main(full=True, on="slurm", jobs=jobs)
    printed = capsys.readouterr().out
    assert plan in printed and ("if none has run" in printed) == bool(jobs)


def test_rungs_that_have_nothing_to_choose_by_say_so(
    here: Any, ladder: dict[str, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rungs, "read_outcomes", lambda _: {})
    with pytest.raises(
        SystemExit, match=r"rungs choose by analyze\.primary_outcome, bpb_reduction, which not all cells"
    ):
        grid.main(jobs=1)
    assert len(ladder) == 6 and "collect metrics/own" in here

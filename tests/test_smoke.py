"""The declared pipeline itself runs, in a copy of the repository with tiny settings."""

import functools
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from m2m.grid.params.profiles import BY_NAME
from m2m.schemas.cell import MADE_WITH
from tests.safety import find_pickles, find_secrets

ROOT = Path(__file__).parent.parent


def flatten(settings: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Dotted names and values; a mapping by free names is one value, as a profile replaces it whole."""
    for key, value in settings.items():
        if isinstance(value, dict) and key not in BY_NAME:
            yield from flatten(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


KEY = f"sk-{'canary' * 3}"  # in no source as one word
TINY = dict(flatten(yaml.safe_load((ROOT / "profiles/tiny.yaml").read_text())))
CHOICES = ("choices", "choices-tags", "choices-types", "choices-tokens", "choices-vectors")
ARM_STAGES = ("strategy", "subset", "finetune", "generate")
PAIRS = (  # branches of the pipeline that do not wait for one another: one for each of two cores
    (("tokenizer", "base", "band", "tag", "generate@base"), ("embed", "cluster")),
    tuple(tuple(f"{stage}@{arm}" for stage in ARM_STAGES) for arm in ("candidate", "opponent")),
)


def copy_of_the_repository(folder: Path) -> None:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, check=True, capture_output=True, text=True,
    )  # fmt: skip
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file() and name != "dvc.lock":
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)


def settle(folder: Path, settings: Mapping[str, Any]) -> None:
    """Put `settings`, by dotted names, into params.yaml; equal ones give equal commands, which the cache knows."""
    params = yaml.safe_load((folder / "params.yaml").read_text())
    for name, value in settings.items():
        *path, last = name.split(".")
        functools.reduce(dict.__getitem__, path, params)[last] = value
    (folder / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))


def environment() -> dict[str, str]:
    bin_folder = Path(sys.executable).parent
    env = {key: value for key, value in os.environ.items() if not key.startswith(("DVC_", "MLFLOW_", "GIT_"))}
    env |= {"PATH": f"{bin_folder}:{env['PATH']}", "HF_HUB_OFFLINE": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    env |= dict.fromkeys(("OPENAI_API_KEY", "HF_TOKEN", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"), KEY)
    return env | {f"GIT_{who}_{what}": "smoke" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}


def run(folder: Path, *words: str) -> str:
    """What it printed. Two DVCs run side by side here, and one waits only seconds for the lock: it is asked again."""
    for _ in range(30):
        done = subprocess.run(words, cwd=folder, env=environment(), capture_output=True, text=True, check=False)
        if "Unable to acquire lock" not in done.stderr:
            break
        time.sleep(1)
    assert done.returncode == 0, f"{' '.join(words)}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def share_the_cache(folder: Path, factory: pytest.TempPathFactory) -> None:
    """What one copy has run, another does not run again, also in another of xdist's processes."""
    shared = factory.getbasetemp()
    shared = shared.parent if "PYTEST_XDIST_WORKER" in os.environ else shared
    run(folder, "dvc", "cache", "dir", "--local", str(shared / "cache"))


def commit(folder: Path, message: str) -> None:
    run(folder, "git", "add", ".")
    run(folder, "git", "commit", "--quiet", "--message", message)


def wait_for_the_queue(folder: Path) -> None:
    for _ in range(240):
        states = run(folder, "dvc", "queue", "status")
        if "Queued" not in states and "Running" not in states:
            return
        time.sleep(2)
    raise AssertionError(f"the queue did not end in eight minutes:\n{states}")


def mlflow_runs(folder: Path) -> list[tuple[str, str, str]]:
    """Stage, DVC experiment and name of every finished run."""
    import sqlite3

    tag = "(select value from tags where tags.run_uuid = runs.run_uuid and key = '{}')"
    columns = f"{tag.format('stage')}, {tag.format('dvc.experiment')}, name"
    with sqlite3.connect(folder / "mlflow.db") as store:
        return sorted(store.execute(f"select {columns} from runs where status = 'FINISHED'"))


def run_the_pipeline(folder: Path) -> None:
    """`dvc repro` in two terminals at once, where that is possible; the last one is for what is left."""
    run(folder, "dvc", "repro", "benchmark", "respond")
    for pair in PAIRS:
        with ThreadPoolExecutor() as terminals:
            list(terminals.map(lambda stages: run(folder, "dvc", "repro", "--single-item", *stages), pair))
        run(folder, "dvc", "repro", *CHOICES, "exclude", "rate")
    run(folder, "dvc", "repro")


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy in which the whole pipeline has run once, with tiny settings."""
    folder = tmp_path_factory.mktemp("repository")
    copy_of_the_repository(folder)
    settle(folder, TINY)
    run(folder, "git", "init", "--quiet", "--initial-branch=main")
    run(folder, "dvc", "remote", "add", "--default", "folder", str(folder.parent / "store"))
    commit(folder, "copy")
    share_the_cache(folder, tmp_path_factory)
    run_the_pipeline(folder)
    return folder


def test_one_run_ends_in_a_cell_with_its_metrics(repository: Path) -> None:
    cell = json.loads((repository / "metrics/cell.json").read_text())
    assert 0 <= cell["likelihood_win_rate"] <= 1
    assert cell["rows"] == 30
    assert len(set(cell) - set(MADE_WITH)) <= 30
    assert (cell["strategy"], cell["degree"], cell["size"]) == ("response-micro", 3, 30)
    details = json.loads((repository / "metrics/cell_details.json").read_text())
    assert details["bpb_reduction_prompts_only_low"] <= cell["bpb_reduction"]
    assert cell["bpb_reduction"] <= details["bpb_reduction_prompts_only_high"]


def test_no_file_that_a_run_leaves_is_a_pickle(repository: Path) -> None:
    folders = [repository / name for name in ("data", "models", "metrics", ".cache", ".dvc/cache")]
    assert [path for folder in folders for path in find_pickles(folder)] == []


def test_no_file_that_a_run_leaves_holds_a_key_of_the_environment(repository: Path) -> None:
    assert (repository / "mlflow.db").exists()
    assert find_secrets(repository, [KEY]) == []


def test_nothing_has_changed_after_the_run(repository: Path) -> None:
    assert "up to date" in run(repository, "dvc", "status", "dvc.yaml")


def test_the_subset_is_part_of_the_pool_and_as_large_as_asked(repository: Path) -> None:
    pool = pl.read_parquet(repository / "data/pool.parquet")
    subset = pl.read_parquet(repository / "data/subsets/candidate.parquet")
    assert subset.height == 30
    assert set(subset["id"]) <= set(pool["id"])


def test_each_training_is_one_mlflow_run(repository: Path) -> None:
    stages, _, names = zip(*mlflow_runs(repository), strict=True)
    assert stages == ("base", "candidate", "opponent")
    assert [name.split()[0] for name in names] == ["base", "response-micro", "opponent:"]


@pytest.fixture(scope="module")
def swept(repository: Path) -> Path:
    """The same copy after a queue of two strategies by two degrees."""
    commit(repository, "first cell")
    grid = ["-S", "subset.strategy=instruction-macro,response-meso", "-S", "subset.degree=0,6"]
    run(repository, "dvc", "exp", "run", "--queue", *grid)
    run(repository, "dvc", "queue", "start", "--jobs", "2")
    wait_for_the_queue(repository)
    return repository


@pytest.mark.long
def test_queued_cells_are_listed_with_their_params_and_metrics(swept: Path) -> None:
    shown = json.loads(run(swept, "dvc", "exp", "show", "--json"))
    cells = [one["revs"][0]["data"] for rev in shown for one in rev["experiments"] or []]
    done = {
        (
            cell["params"]["params.yaml"]["data"]["subset"]["strategy"],
            cell["params"]["params.yaml"]["data"]["subset"]["degree"],
        )
        for cell in cells
        if "bpb_reduction" in cell["metrics"]["metrics/cell.json"]["data"]
    }
    assert done == {(name, degree) for name in ("instruction-macro", "response-meso") for degree in (0, 6)}


@pytest.mark.long
def test_another_cell_runs_the_candidate_arm_alone(swept: Path) -> None:
    for cell in run(swept, "dvc", "exp", "list", "--names-only").split():
        told = run(swept, "dvc", "queue", "logs", cell)
        ran = {line.split("'")[1] for line in told.splitlines() if line.startswith("Running stage")}
        passes = {"difficulty", "represent"}  # told the strategy, they read no pool here; DVC may know their outs
        assert ran - passes == {
            "strategy@candidate",
            "subset@candidate",
            "finetune@candidate",
            "generate@candidate",
            "judge",
            "measure",
        }


@pytest.mark.long
def test_queued_trainings_are_kept_once_each_in_the_store_of_the_repository(swept: Path) -> None:
    cells = run(swept, "dvc", "exp", "list", "--names-only").split()
    trained = mlflow_runs(swept)
    assert sorted(cell for _, cell, _ in trained if cell in cells) == sorted(cells)
    assert len(cells) == 4
    assert {arm for arm, cell, _ in trained if cell in cells} == {"candidate"}


@pytest.mark.long
def test_running_everything_again_gives_the_same_bytes(repository: Path) -> None:
    before = (repository / "dvc.lock").read_text()
    run(repository, "dvc", "repro", "--force")
    assert (repository / "dvc.lock").read_text() == before


@pytest.mark.long
def test_another_clone_gets_the_cells_and_runs_nothing_again(swept: Path, tmp_path: Path) -> None:
    origin, clone = tmp_path / "origin.git", tmp_path / "clone"
    run(swept, "git", "clone", "--quiet", "--bare", ".", str(origin))
    run(swept, "git", "remote", "add", "origin", str(origin))
    run(swept, "dvc", "push", "--run-cache")
    run(swept, "dvc", "exp", "push", "--run-cache", "--all-commits", "origin")
    run(tmp_path, "git", "clone", "--quiet", str(origin), str(clone))
    run(clone, "dvc", "exp", "pull", "--all-commits", "origin")
    assert run(clone, "dvc", "exp", "list", "--all-commits", "--names-only").split() != []
    told = run(clone, "dvc", "repro", "--pull")
    assert "Running stage" not in told
    assert (clone / "metrics/cell.json").read_bytes() == (swept / "metrics/cell.json").read_bytes()
    settle(clone, {"subset.strategy": "response-meso", "subset.degree": 6})
    told = run(clone, "dvc", "repro", "--pull")
    assert [line.split("'")[1] for line in told.splitlines() if line.startswith("Running")] == ["measure"]

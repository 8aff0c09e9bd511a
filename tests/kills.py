"""Kills runs of the tiny pipeline at random moments, and looks whether the same command then ends as undisturbed.

python -m tests.kills FOLDER [KILLS] [SEED]     prints a line a kill; `make kills` runs twenty of them
"""

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl
import psutil
import yaml
from safetensors import SafetensorError, safe_open

from m2m.runtime.artifacts import compute_md5
from tests.test_smoke import TINY, commit, copy_of_the_repository, environment, mlflow_runs, run, settle

PARTS = {"random": {"strategy": ["random"], "seed": [1]}}
GRID = (sys.executable, "-m", "m2m", "grid", "--jobs", "1")
CHECK, REPRO = (sys.executable, "-m", "m2m", "check", "--idle"), ("dvc", "repro", "dvc.yaml")
SELECT = (sys.executable, "-m", "m2m", "select", "pool.jsonl", "--size", "20", "--page", "skip", "--out", "picked")


class Task(NamedTuple):
    """What is killed: its commands, how it starts anew, and what it makes: a hash of each part by name.

    With `is_victim`, of a command line, only such processes are killed, and the others must come to a good end.
    """

    commands: tuple[tuple[str, ...], ...]
    reset: Callable[[Path], object]
    hash: Callable[[Path], dict[str, str]]
    is_victim: Callable[[str], bool] | None = None


def prepare(folder: Path) -> None:
    """A copy of the repository with tiny settings in `folder`, run and committed, and with an uncommitted setting."""
    copy_of_the_repository(folder)
    settle(folder, TINY | {"grid.parts": PARTS, "base.train_tokens": 5000})
    rows = [
        f'{{"instruction": "say {number} in {number % 7} words", "output": "{"word " * (number % 9 + 3)}{number}"}}'
        for number in range(80)
    ]
    (folder / "pool.jsonl").write_text("\n".join(rows))
    run(folder, "git", "init", "--quiet", "--initial-branch=main")
    commit(folder, "copy")
    run(folder, *REPRO)
    commit(folder, "lock")  # a grid's cells start from a lock that git has
    settle(folder, {"measure.resamples": 201})


def forget_runs(folder: Path) -> None:
    """As if nothing had run: no lock, no cache, no outs, no checkpoints."""
    for path in (".dvc/cache", ".dvc/tmp", ".cache", "models", "mlflow.db", "dvc.lock"):
        subprocess.run(["rm", "-rf", path], cwd=folder, check=True)
    run(folder, "git", "checkout", "--quiet", "HEAD", "--", "metrics")
    subprocess.run(
        "rm -rf data/*.parquet data/*.json data/*/ ; git checkout -q HEAD -- data models",
        shell=True,
        cwd=folder,
        check=True,
    )


def forget_outs(folder: Path) -> None:
    """As if nothing had run here, while DVC's cache knows every stage: its own writes are most of such a run."""
    for path in (".dvc/tmp", "models", "dvc.lock"):
        subprocess.run(["rm", "-rf", path], cwd=folder, check=True)
    run(folder, "git", "checkout", "--quiet", "HEAD", "--", "metrics", "data", "models")


def forget_cells(folder: Path) -> None:
    """As if no cell had run: no experiment, no checkpoints, and no run of a cell in the cache."""
    for name in run(folder, "git", "for-each-ref", "--format=%(refname)", "refs/exps").split():
        run(folder, "git", "update-ref", "-d", name)
    for path in (".dvc/cache/runs", ".dvc/tmp/exps", ".cache/checkpoints", "mlflow.db"):
        subprocess.run(["rm", "-rf", path], cwd=folder, check=True)


def hash_lock(folder: Path) -> dict[str, str]:
    """The whole lock: deps, params and outs of every stage; and the finished runs of MLflow, one a training."""
    stages = yaml.safe_load((folder / "dvc.lock").read_text())["stages"]
    return {name: _hash(stage) for name, stage in stages.items()} | {"MLflow": _hash(mlflow_runs(folder))}


def hash_cells(folder: Path) -> dict[str, str]:
    """The whole lock of every experiment, by name."""
    names = run(folder, "git", "for-each-ref", "--format=%(refname)", "refs/exps").split()
    names = [name for name in names if name.count("/") == 4]
    return {name.split("/")[4]: _hash(yaml.safe_load(run(folder, "git", "show", f"{name}:dvc.lock"))) for name in names}


def hash_subset(folder: Path) -> dict[str, str]:
    return {path.name: compute_md5(path) for path in (folder / "picked").rglob("*") if path.is_file()}


TASKS = {
    "repro": Task((CHECK, REPRO), forget_runs, hash_lock),
    "cached": Task((CHECK, REPRO), forget_outs, hash_lock),
    "grid": Task((GRID,), forget_cells, hash_cells),
    "cell": Task((GRID,), forget_cells, hash_cells, lambda line: "exec-run" in line),
    "select": Task((SELECT,), lambda folder: run(folder, "rm", "-rf", "picked"), hash_subset),
}


def list_faults(folder: Path, settings: bytes, untracked: set[str]) -> Iterator[str]:
    """What a person would find broken: settings, branch, stash, half-written files, runs and files too many."""
    if (folder / "params.yaml").read_bytes() != settings:
        yield "params.yaml is not as it was"
    if run(folder, "git", "symbolic-ref", "HEAD").strip() != "refs/heads/main":
        yield "HEAD is on no branch"
    if run(folder, "git", "stash", "list"):
        yield "git's stash is not empty"
    if locks := list((folder / ".git").rglob("*.lock")):
        yield f"git cannot go on: {locks[0]}"
    for path in list_torn_files(folder):
        yield f"{path.relative_to(folder)} is half-written under its final name"
    trainings = Counter(mlflow_runs(folder)) if (folder / "mlflow.db").exists() else Counter()
    yield from (f"MLflow has {count} finished runs of {name}" for name, count in trainings.items() if count > 1)
    if strays := sorted(list_untracked(folder) - untracked):
        yield f"files are left over: {', '.join(strays[:3])}"


def list_untracked(folder: Path) -> set[str]:
    """The files that git neither tracks nor ignores."""
    return set(run(folder, "git", "ls-files", "--others", "--exclude-standard").splitlines())


def list_torn_files(folder: Path) -> Iterator[Path]:
    """Tables, records and weights that no reader takes, and files in DVC's cache with other bytes than their names."""
    for root in ("data", "metrics", "models", "picked"):
        for path in sorted((folder / root).rglob("*")):
            if (
                path.suffix in {".parquet", ".safetensors", ".json"}
                and not path.name.startswith(".")
                and not _is_readable(path)
            ):
                yield path
    for path in sorted((folder / ".dvc/cache/files/md5").glob("??/*")):
        if not path.name.endswith((".dir", ".unpacked")) and compute_md5(path) != path.parent.name + path.name:
            yield path


def kill_once(folder: Path, task: Task, seconds: float) -> bool:
    """Start the task's commands in a process group, kill it and its workers after `seconds`; False if it had ended.

    AssertionError if only its victim was killed, and it did not end well.
    """
    script = " && ".join(" ".join(words) for words in task.commands)
    log = (folder.parent / "kills.log").open("ab")
    process = subprocess.Popen(
        ["sh", "-c", script], cwd=folder, env=environment(), start_new_session=True, stdout=log, stderr=log
    )
    try:
        process.wait(seconds)
        return False
    except subprocess.TimeoutExpired:
        pass
    if task.is_victim:
        if pids := [other.pid for other in _list_processes(folder) if task.is_victim(" ".join(other.cmdline()))]:
            _kill_groups(pids)
        status = process.wait()
        assert not status, f"the grid ended with {status} after one of its cells was killed"
        return bool(pids)
    _kill_groups({process.pid, *(other.pid for other in _list_processes(folder))})
    process.wait()
    return True


def finish(folder: Path, task: Task) -> str:
    """Run the task's commands to their end; what they said."""
    return "".join(run(folder, *words) for words in task.commands)


def main(folder: Path, kills: int, seed: int, names: tuple[str, ...]) -> int:
    """Prepare once, measure each task undisturbed, then kill it `kills` times; the number of kills that did harm."""
    if not (folder / "dvc.yaml").exists():
        folder.mkdir(parents=True, exist_ok=True)
        prepare(folder)
    draw, harm = random.Random(seed), 0
    for name in names:
        task = TASKS[name]
        for _ in range(2):  # the first run also compiles and fills the system's caches
            task.reset(folder)
            start = time.monotonic()
            finish(folder, task)
            duration, expected = time.monotonic() - start, task.hash(folder)
        settings = (folder / "params.yaml").read_bytes()
        untracked = list_untracked(folder)
        print(f"{name}: {duration:.0f} s undisturbed, outs {_hash(sorted(expected.items()))[:12]}", flush=True)
        for number in range(kills):
            task.reset(folder)
            moment = draw.uniform(0.02, 1) * duration
            try:
                killed = kill_once(folder, task, moment)
                if killed:
                    finish(folder, task)
                faults = list(list_faults(folder, settings, untracked))
                if differing := sorted({part for part, _ in expected.items() ^ task.hash(folder).items()}):
                    faults.append(f"not as undisturbed: {', '.join(differing)}")
            except AssertionError as error:
                faults = [str(error)[-600:]]
            harm += bool(faults)
            state = "killed" if killed else "ended before"
            print(f"{name} {number + 1}: {state} at {moment:.1f} s, {'; '.join(faults) or 'same outs'}", flush=True)
    print(f"{harm} of {kills * len(names)} kills did harm")
    return harm


def _list_processes(folder: Path) -> list[psutil.Process]:
    """Processes that work in `folder`, such as the workers of DVC's queue, which have sessions of their own."""
    found = []
    for process in psutil.process_iter():
        try:
            if Path(process.cwd()).is_relative_to(folder) and process.pid != os.getpid():
                found.append(process)
        except (psutil.AccessDenied, psutil.NoSuchProcess):
            continue
    return found


def _kill_groups(pids: Iterable[int]) -> None:
    for pid in pids:
        try:
            os.killpg(os.getpgid(pid), signal.SIGKILL)
        except ProcessLookupError:
            continue


def _is_readable(path: Path) -> bool:
    try:
        if path.suffix == ".parquet":
            pl.read_parquet(path)
        elif path.suffix == ".safetensors":
            with safe_open(path, "np") as file:
                file.keys()
        else:
            json.loads(path.read_text(encoding="utf-8"))
    except (pl.exceptions.PolarsError, SafetensorError, ValueError, OSError):
        return False
    return True


def _hash(value: Any) -> str:
    return hashlib.sha256(repr(value).encode()).hexdigest()


if __name__ == "__main__":
    place, *numbers = sys.argv[1:]
    count, first, *tasks = [*numbers, *("20", "1")[len(numbers) :]]
    sys.exit(bool(main(Path(place).resolve(), int(count), int(first), tuple(tasks) or tuple(TASKS))))

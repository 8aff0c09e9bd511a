"""Reads DVC's experiments: what each one locked and measured, from git, and what the workspace would lock."""

import json
import subprocess
from collections import Counter
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import yaml

Lock = dict[str, dict[str, Any]]  # a stage's cmd, and the hashes of its deps and outs by path
PIPELINE, CELL_FILE = "dvc.yaml", "metrics/cell.json"
LEFT = (["symbolic-ref", "HEAD"], ["rev-parse", "--verify", "refs/stash"])
CELL_INPUTS = ("data/raw", "stages", "m2m", "profiles/launch", "params.yaml", "dvc.yaml", "dvc.lock", "constraints.txt")


class Experiment(NamedTuple):
    """A commit under refs/exps."""

    name: str
    revision: str
    lock: Lock
    metrics: dict[str, Any]


def list_experiment_names() -> dict[str, str]:
    """The revision of each experiment, by name, whatever commit it started from."""
    return dict(_refs())


def read_experiments() -> list[Experiment]:
    """All that have metrics of a cell, sorted by name; one name on two commits stands with its revision behind it."""
    found = sorted(_refs())
    counts = Counter(name for name, _ in found)
    told = [_experiment(name if counts[name] == 1 else f"{name}@{known[:7]}", known) for name, known in found]
    return [one for one in told if one]


def parse_lock(text: str) -> Lock:
    """The stages of a dvc.lock's `text`."""
    stages = yaml.load(text, yaml.CSafeLoader)["stages"]
    return {name: _stage(stage) for name, stage in stages.items()}


def read_lock() -> Lock:
    """The stages of this folder's dvc.lock; none before the first run."""
    path = Path("dvc.lock")
    return parse_lock(path.read_text(encoding="utf-8")) if path.exists() else {}


def predict_lock() -> Lock:
    """What a run would lock here: the commands and code as they stand, the data of stages that have run."""
    from dvc.repo import Repo

    known = read_lock()
    with Repo() as repo:
        declared = [stage for stage in repo.index.stages if stage.cmd and stage.path_in_repo == PIPELINE]
        outs = {stage.name: _outs(stage, known) for stage in declared}
        made = {path: value for files in outs.values() for path, value in files.items()}
        deps = {stage.name: {str(dep.def_path): _hash(dep, made) for dep in stage.deps} for stage in declared}
        return {
            stage.name: {"cmd": stage.cmd, "deps": deps[stage.name], "outs": outs[stage.name]} for stage in declared
        }


def list_stages() -> list[str]:
    """The names of the stages of dvc.yaml."""
    from dvc.repo import Repo

    with Repo() as repo:
        return [stage.name for stage in repo.index.stages if stage.cmd and stage.path_in_repo == PIPELINE]


def list_untracked_files() -> list[str]:
    """Files that a cell may read and that git neither knows nor ignores: DVC's queue leaves them out of its copies."""
    words = ["git", "ls-files", "--others", "--exclude-standard", "--directory", "-z", "--", *CELL_INPUTS]
    told = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    return [name for name in told.split("\0") if name]


def is_queueing_interrupted() -> bool:
    """Whether DVC was killed while it queued a cell: HEAD is on no branch, and git's stash holds the workspace."""
    ended = [subprocess.run(["git", *words, "--quiet"], capture_output=True, check=False) for words in LEFT]
    return [one.returncode for one in ended] == [1, 0]


def locate_cached_file(md5: str) -> Path:
    """Where DVC's cache holds the file with this hash; it may not be there."""
    from dvc.repo import Repo

    with Repo() as repo:
        return Path(repo.cache.local.oid_to_path(md5))


def _stage(stage: dict[str, Any]) -> dict[str, Any]:
    hashes = {kind: {file["path"]: file["md5"] for file in stage.get(kind, [])} for kind in ("deps", "outs")}
    return {"cmd": stage["cmd"], **hashes}


@cache
def _experiment(name: str, revision: str) -> Experiment | None:
    """A commit never changes, so each is read once: a tenth of a second."""
    held = _git("ls-tree", "--name-only", revision, "dvc.lock", CELL_FILE).split()
    if len(held) < 2:
        return None
    lock, metrics = (_git("show", f"{revision}:{path}") for path in held)
    return Experiment(name, revision, parse_lock(lock), json.loads(metrics))


def _outs(stage: Any, known: Lock) -> dict[str, str]:
    """As they were locked last; empty where the stage has not run."""
    last = known.get(stage.name, {}).get("outs", {})
    return {str(out.def_path): last.get(str(out.def_path), "") for out in stage.outs}


def _hash(dep: Any, made: Mapping[str, str]) -> str:
    """As DVC would lock it; of a folder that stages fill there is none yet."""
    path = str(dep.def_path)
    if path in made or any(out.startswith(f"{path}/") for out in made):
        return made.get(path, "")
    dep.save()
    return str(dep.hash_info.value)


def _refs() -> list[tuple[str, str]]:
    """Name and revision of every experiment; DVC gives a name twice, on different commits."""
    listed = _git("for-each-ref", "--format=%(objectname) %(refname)", "refs/exps").splitlines()
    words = [(line.split()[0], line.split("/")) for line in listed]  # refs/exps/0a/1b…/name; others are DVC's own
    return [(parts[4], revision) for revision, parts in words if len(parts) == 5 and len(parts[3]) == 38]


def _git(*words: str) -> str:
    return subprocess.run(["git", *words], check=True, capture_output=True, text=True).stdout

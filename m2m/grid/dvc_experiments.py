"""Reads DVC's experiments: what each one locked and measured, from git, and what the workspace would lock."""

import json
import re
import subprocess
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar, NamedTuple

import yaml

from m2m.grid.provenance import Lock, add_hardware
from m2m.schemas.cell import MADE_WITH

PIPELINE, CELL_FILE, DETAILS_FILE = "dvc.yaml", "metrics/cell.json", "metrics/cell_details.json"
BASE_FILE = "metrics/base.json"
PROMPTS_FILE = "data/prompts.parquet"
HARDWARE_MESSAGE = "m2m: run on "  # begins the message of an experiment's commit, if it ran on a cluster
CELL_INPUTS = ("data/raw", "stages", "m2m", "profiles/launch", "params.yaml", "dvc.yaml", "dvc.lock", "constraints.txt")


SCALARS = {  # of YAML 1.2, section 10.3.2: a rule, and what such a scalar may begin with
    "bool": (r"true|True|TRUE|false|False|FALSE", "tTfF"),
    "int": (r"[-+]?(0|[1-9][0-9]*)", "-+0123456789"),
    "float": (r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?([eE][-+]?[0-9]+)?|\.(inf|Inf|INF))|\.(nan|NaN|NAN)", "-+.0123456789"),
}


class LockSafeLoader(yaml.CSafeLoader):  # type: ignore[misc]  # the stubs do not know it
    """Reads YAML 1.2, which DVC writes: 2e-05 is a number and `no` a text. PyYAML's rules are those of 1.1.

    DVC's own parser takes three times as long.
    """

    yaml_implicit_resolvers: ClassVar = {
        first: [(tag, rule) for tag, rule in rules if tag.rpartition(":")[2] not in SCALARS]
        for first, rules in yaml.CSafeLoader.yaml_implicit_resolvers.items()
    }


def _add_scalars() -> None:
    for kind, (rule, starts) in SCALARS.items():
        LockSafeLoader.add_implicit_resolver(f"tag:yaml.org,2002:{kind}", re.compile(f"(?:{rule})$"), list(starts))


_add_scalars()


class Experiment(NamedTuple):
    """A commit under refs/exps."""

    name: str
    revision: str
    lock: Lock  # with the hardware, where it ran on a cluster
    metrics: dict[str, Any]
    """all metrics of the cell, of both files"""
    base: Mapping[str, Any] = MappingProxyType({})
    """what is said of its base model"""
    day: str = ""
    """of the commit, as 2026-11-26, if it is known"""


def list_experiment_names() -> dict[str, str]:
    """The revision of each experiment, by name, whatever commit it started from."""
    return {name: revision for name, revision, *_ in _list_refs()}


def read_experiments() -> list[Experiment]:
    """All that have metrics of a cell, sorted by name; a name on two commits gets its revision as a suffix."""
    refs = sorted(_list_refs())
    counts = Counter(name for name, *_ in refs)
    named = [
        (name if counts[name] == 1 else f"{name}@{revision[:7]}", revision, *rest) for name, revision, *rest in refs
    ]
    cells = [_read_experiment(*ref) for ref in named]
    return [cell for cell in cells if cell]


def parse_lock(text: str) -> Lock:
    """The stages of a dvc.lock's `text`; ValueError where it is cut or damaged."""
    try:
        stages = yaml.load(text, LockSafeLoader)["stages"]
        return {name: _parse_stage(stage) for name, stage in stages.items()}
    except (yaml.YAMLError, AttributeError, KeyError, TypeError) as error:
        raise ValueError(
            "dvc.lock must hold stages, each with its command and the hashes of its files, and is damaged. Restore it: "
            "git restore dvc.lock, then dvc repro"
        ) from error


def read_lock() -> Lock:
    """The stages of this folder's dvc.lock; none before the first run."""
    path = Path("dvc.lock")
    return parse_lock(path.read_text(encoding="utf-8")) if path.exists() else {}


def predict_lock(lock: Lock | None = None) -> Lock:
    """What a run would lock here: the commands, settings and code as they stand, the data of stages that have run.

    `lock` is what `read_lock` returns, from whoever has read it already.
    """
    from dvc.repo import Repo

    locked = read_lock() if lock is None else lock
    with Repo() as repo:
        declared = _list_declared(repo)
        outs = {stage.name: _get_outs(stage, locked) for stage in declared}
        hashes = {path: md5 for files in outs.values() for path, md5 in files.items()}
        settings = _read_params(repo, declared)
        return {
            stage.name: {
                "cmd": stage.cmd,
                "params": _pick_params(stage, settings),
                "deps": {str(dep.def_path): _hash_dep(dep, hashes) for dep in stage.deps if dep not in stage.params},
                "outs": outs[stage.name],
            }
            for stage in declared
        }


def list_stages() -> list[str]:
    """The names of the stages of dvc.yaml."""
    from dvc.repo import Repo

    with Repo() as repo:
        return [stage.name for stage in _list_declared(repo)]


def list_cached_outs() -> set[str]:
    """The outs of dvc.yaml whose data goes to DVC's cache and remote."""
    from dvc.repo import Repo

    with Repo() as repo:
        outs = [out for stage in _list_declared(repo) for out in stage.outs]
        return {str(out.def_path) for out in outs if out.use_cache and out.can_push}


def list_untracked_files() -> list[str]:
    """Files that a cell may read and that git neither tracks nor ignores: DVC's queue leaves them out of its copies."""
    options = ("--others", "--exclude-standard", "--directory", "-z")
    return [name for name in _git("ls-files", *options, "--", *CELL_INPUTS).split("\0") if name]


def locate_cached_file(md5: str) -> Path:
    """Where DVC's cache has the file with this hash; it may not be there."""
    return Path(_open_cache(Path.cwd()).oid_to_path(md5))


@cache  # 11 ms each, and a study asks for four files a cell
def _open_cache(folder: Path) -> Any:
    from dvc.repo import Repo

    with Repo(folder) as repo:
        return repo.cache.local


def _parse_stage(stage: dict[str, Any]) -> dict[str, Any]:
    hashes = {kind: {file["path"]: _get_hash(file) for file in stage.get(kind, [])} for kind in ("deps", "outs")}
    params = {key: value for file in stage.get("params", {}).values() for key, value in file.items()}
    return {"cmd": stage["cmd"], "params": params, **hashes}


def _get_hash(file: Mapping[str, str]) -> str:
    """The hash of a file in a lock: what lies at a URL or in a bucket has no md5. KeyError without any."""
    return file.get("md5") or file.get("etag") or file["checksum"]


@cache
def _read_experiment(name: str, revision: str, day: str, message: str) -> Experiment | None:
    """A commit never changes, so each is read once: a tenth of a second."""
    files = _git("ls-tree", "--name-only", revision, "dvc.lock", CELL_FILE, DETAILS_FILE, BASE_FILE).split()
    if not {"dvc.lock", CELL_FILE} <= set(files):
        return None
    texts = {path: _git("show", f"{revision}:{path}") for path in files}
    record = json.loads(texts[CELL_FILE]) | json.loads(texts.get(DETAILS_FILE, "{}"))
    metrics = {key: value for key, value in record.items() if key not in MADE_WITH}  # the lock has all settings
    kind = message.removeprefix(HARDWARE_MESSAGE) if message.startswith(HARDWARE_MESSAGE) else ""
    base = json.loads(texts.get(BASE_FILE, "{}"))
    return Experiment(name, revision, add_hardware(parse_lock(texts["dvc.lock"]), kind), metrics, base, day)


def _list_declared(repo: Any) -> list[Any]:
    """DVC's stages of dvc.yaml. Its index would read every pipeline and lock of the repository, half a second more."""
    from dvc.dvcfile import load_file
    from dvc.stage.loader import StageLoader

    pipeline = load_file(repo, PIPELINE)
    return [stage for stage in StageLoader(pipeline, pipeline.contents).values() if stage.cmd]


def _get_outs(stage: Any, lock: Lock) -> dict[str, str]:
    """As they were locked last; empty where the stage has not run."""
    outs = lock.get(stage.name, {}).get("outs", {})
    return {str(out.def_path): outs.get(str(out.def_path), "") for out in stage.outs}


def _read_params(repo: Any, stages: Iterable[Any]) -> dict[str, dict[str, Any]]:
    """The settings of `stages` by file and name. DVC's own method parses the file for every stage: a second more."""
    from dvc.dependency.param import read_param_file

    names: dict[str, list[str]] = {}
    for dep in (dep for stage in stages for dep in stage.params):
        names.setdefault(dep.fs_path, []).extend(dep.params)
    return {path: read_param_file(repo.fs, path, listed, flatten=True) for path, listed in names.items()}


def _pick_params(stage: Any, settings: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    listed = [(name, settings[dep.fs_path]) for dep in stage.params for name in dep.params]
    return {name: values[name] for name, values in listed if name in values}


def _hash_dep(dep: Any, hashes: Mapping[str, str]) -> str:
    """As DVC would lock it; empty for a folder that stages fill."""
    path = str(dep.def_path)
    if path in hashes or any(out.startswith(f"{path}/") for out in hashes):
        return hashes.get(path, "")
    dep.save()
    return str(dep.hash_info.value)


def _list_refs() -> list[tuple[str, str, str, str]]:
    """Name, revision, day and subject of every experiment; DVC gives a name twice, on different commits."""
    form = "%(objectname) %(committerdate:short) %(refname) %(contents:subject)"
    listed = [line.split(" ", 3) for line in _git("for-each-ref", f"--format={form}", "refs/exps").splitlines()]
    refs = [(ref.split("/"), revision, day, text.strip()) for revision, day, ref, text in listed]
    named = [ref for ref in refs if len(ref[0]) == 5 and len(ref[0][3]) == 38]  # refs/exps/0a/1b…/name, or DVC's own
    return [(path[4], revision, day, text) for path, revision, day, text in named]


def _git(*words: str) -> str:
    return subprocess.run(["git", *words], check=True, capture_output=True, text=True).stdout

"""What DVC locked of a pipeline → a hash of the code, data and settings that comparable cells share."""

import hashlib
import json
import shlex
from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Any

import yaml

from m2m.grid.design import Cell, normalize_cell

CELL_STAGES = (
    "subset@candidate",
    "finetune@candidate",
    "generate@candidate",
    "judge",
    "measure",
)  # what a cell executes
OPPONENT_STAGES = ("subset@opponent", "finetune@opponent", "generate@opponent")
SETTINGS_STAGES = (
    "finetune@opponent",
    "generate@opponent",
    "judge",
    "measure",
)  # their commands say nothing of `subset`
UNITS = "data/units"  # a cell reads its own strategy's file: all of them are shared
DATA_NAMES = {  # what is under such a path, for people
    "data/pairs.parquet": "pool",
    "data/prompts.parquet": "prompts",
    "models/base": "base model",
    "data/units": "units",
    "data/bands": "units",
}
Lock = Mapping[str, Mapping[str, Any]]  # a stage's cmd, and the hashes of its deps and outs by path


def hash_provenance(lock: Lock) -> str:
    """12 hex digits, equal where cells may be compared: a hash of what they share."""
    return _hash(collect_shared(lock))


def collect_shared(lock: Lock) -> dict[str, dict[str, str]]:
    """What comparable cells share, by path or stage; `lock` holds every stage of CELL and OPPONENT.

    The code of a cell's stages, their settings and the opponent's seed, and the shared data that they read. Left out
    is what is a cell's own: the settings of `subset`, and with them the opponent's size and budget.
    """
    missing = [name for name in (*CELL_STAGES, *OPPONENT_STAGES) if name not in lock]
    if missing:
        raise ValueError(f"dvc.lock must hold every stage of a cell, {missing[0]} is missing: run dvc repro")
    others = [stage["outs"] for name, stage in lock.items() if name not in (*CELL_STAGES, *OPPONENT_STAGES)]
    data = {path: known for outs in others for path, known in outs.items()}
    made = {path for stage in lock.values() for path in stage["outs"]}
    read = {path: known for name in CELL_STAGES for path, known in lock[name]["deps"].items()}
    return {
        "code": {path: known for path, known in read.items() if not any(_within(out, path) for out in made)},
        "data": {path: known for path, known in data.items() if any(_within(path, dep) for dep in (*read, UNITS))},
        "settings": {name: lock[name]["cmd"] for name in SETTINGS_STAGES},
    }


def describe_changes(known: Mapping[str, Mapping[str, str]], lock: Lock) -> list[str]:
    """What people would call other in `lock` than in what cells share, `known` as from `shared`; code is left out.

    >>> changed({"data": {"models/base": "1"}, "settings": {"judge": "--repeats 1"}},
    ...         {"base": {"outs": {"models/base": "2"}}, "judge": {"cmd": "--repeats 2", "outs": {}}})
    ['base model', 'settings of judge']
    """
    made = {path: value for stage in lock.values() for path, value in stage["outs"].items()}
    other = [path for path, value in known["data"].items() if made.get(path) != value]
    data = [name for folder, name in DATA_NAMES.items() if any(_within(path, folder) for path in other)]
    told = {name: lock[name]["cmd"] if name in lock else "" for name in SETTINGS_STAGES}
    rest = [f"settings of {name.split('@')[0]}" for name, cmd in known["settings"].items() if cmd != told[name]]
    return list(dict.fromkeys(data + rest))


def hash_cell(shared: str, cell: Cell) -> str:
    """12 hex digits, equal for cells of one provenance `shared` with the same settings."""
    return _hash([shared, normalize_cell(cell)])


def hash_finished_cells(locks: Iterable[Lock]) -> set[str]:
    """Those of the finished cells among `locks`."""
    return {hash_cell(hash_provenance(lock), get_cell_settings(lock)) for lock in locks if is_finished(lock)}


def name_experiment(cell: Cell, known: str) -> str:
    """The experiment's name: what it dials, its seed, and the first digits of its identity `known`."""
    return f"{cell['strategy']}-{cell['degree']}-s{cell['seed']}-{known[:6]}"


def get_cell_settings(lock: Lock) -> Cell:
    """The settings of the cell, as its command was given them."""
    words = shlex.split(lock["subset@candidate"]["cmd"])
    return {name[2:]: yaml.safe_load(value) for name, value in pairwise(words) if name[:2] == "--"}


def flags(command: str) -> dict[str, list[str]]:
    """The flags of a stage's `command` with their values, as many as each was given.

    >>> flags("python -m stages.x data --sources.docs.packages numpy 'a b' --seed 1")
    {'sources.docs.packages': ['numpy', 'a b'], 'seed': ['1']}
    """
    found: dict[str, list[str]] = {}
    for word in shlex.split(command):
        if word.startswith("--"):
            found[word[2:]] = []
        elif found:
            next(reversed(found.values())).append(word)
    return found


def is_finished(lock: Lock) -> bool:
    """Whether one run made all of a cell: its stages and the opponent's."""
    return is_consistent(lock, (*CELL_STAGES, *OPPONENT_STAGES))


def is_consistent(lock: Lock, names: Iterable[str]) -> bool:
    """Whether the stages `names` are in `lock`, and read what the others of it wrote."""
    made = {path: known for stage in lock.values() for path, known in stage["outs"].items()}
    return all(
        name in lock and all(made.get(path, known) == known for path, known in lock[name]["deps"].items())
        for name in names
    )


def _within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(f"{folder}/")


def _hash(told: Any) -> str:
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:12]

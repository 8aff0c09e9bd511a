"""What DVC locked of a pipeline → a hash of the code, data and settings that comparable cells share."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from m2m.grid.design import POOL_SETTINGS, Cell, normalize_cell
from m2m.grid.number_spelling import spell_numbers
from m2m.llm_fields import LLM_FIELDS, list_llm_fields
from m2m.strategies import STRATEGIES

CELL_STAGES = (  # what a cell executes
    "strategy@candidate",
    "subset@candidate",
    "finetune@candidate",
    "generate@candidate",
    "judge",
    "measure",
)
PASS_STAGES = ("difficulty", "represent", "resemble")  # their outs are the cell's own, so their code stands for them
OPPONENT_STAGES = ("strategy@opponent", "subset@opponent", "finetune@opponent", "generate@opponent")
SETTINGS_STAGES = ("finetune@opponent", "generate@opponent", "judge", "measure")  # they read no setting of `subset`
HARDWARE = "hardware"  # in place of a stage: the kind of hardware of a cell that ran on a cluster
UNITS, CHOICES = "data/units", "data/choices"  # choices are copies of units, tokens and vectors
EXCLUSIONS = "data/exclusions"  # the rows that are left out, a file for each value of `overlap`
RATINGS, PROMPT_FOLDER = "data/ratings", "m2m/prompts"  # scores of rows by an LLM, and what it is asked
RATING_SETTINGS = ("engine", "temperature", "reply_tokens")
DATA_NAMES = {  # what is under such a path, for people
    "data/pairs.parquet": "pool",
    "data/prompts.parquet": "prompts",
    "data/gradients.parquet": "gradients",
    "models/base": "base model",
    "data/units": "units",
    "data/bands": "units",
}
Lock = Mapping[str, Mapping[str, Any]]  # a stage's cmd and params, and the hashes of its deps and outs by path


def hash_provenance(lock: Lock) -> str:
    """12 hex digits, equal where cells may be compared: a hash of what they share."""
    return _hash(collect_shared(lock))


def collect_outs(lock: Lock) -> dict[str, str]:
    """The hashes of all files that the stages of `lock` wrote, by path."""
    return {path: md5 for stage in lock.values() for path, md5 in stage["outs"].items()}


def collect_shared(lock: Lock) -> dict[str, dict[str, Any]]:
    """What comparable cells share, by path or stage; `lock` has every stage of CELL_STAGES and OPPONENT_STAGES.

    The code of a cell's stages and of the base model's passes; settings of those stages, and the opponent's seed; the
    shared data that they read. Left out are the settings of `subset`, which are the cell's, and with them the
    opponent's size and budget; but for the quality and the examples that rows are chosen by first. Of a cell that ran
    on a cluster, the kind of its hardware too. Numbers have one spelling: a stage that DVC does not run again keeps an
    earlier one in its lock.
    """
    missing = [name for name in (*CELL_STAGES, *OPPONENT_STAGES) if name not in lock]
    if missing:
        raise ValueError(f"dvc.lock must have every stage of a cell, {missing[0]} is missing: run dvc repro")
    shared_outs = [stage["outs"] for name, stage in lock.items() if name not in (*CELL_STAGES, *OPPONENT_STAGES)]
    shared = [(path, md5) for outs in shared_outs for path, md5 in outs.items()]
    data = {path: md5 for path, md5 in shared if not any(_is_within(path, folder) for folder in (CHOICES, RATINGS))}
    outs = collect_outs(lock)
    deps = {path: md5 for name in CELL_STAGES for path, md5 in lock[name]["deps"].items()}
    passes = {path: md5 for name in PASS_STAGES if name in lock for path, md5 in lock[name]["deps"].items()}
    code = deps | {path: md5 for path, md5 in passes.items() if path.startswith(("m2m/", "stages/"))}
    return {
        "code": {path: md5 for path, md5 in code.items() if not any(_is_within(out, path) for out in outs)},
        "data": {path: md5 for path, md5 in data.items() if any(_is_within(path, dep) for dep in (*deps, UNITS))},
        "settings": spell_numbers({name: lock[name]["params"] for name in SETTINGS_STAGES} | _collect_choice(lock)),
        **({HARDWARE: dict(lock[HARDWARE]["params"])} if HARDWARE in lock else {}),
    }


def add_hardware(lock: Lock, kind: str) -> Lock:
    """The lock of cells that run on this kind of hardware of a cluster; with "" it stays as it is."""
    return {**lock, HARDWARE: {"cmd": "", "params": {"kind": kind}, "deps": {}, "outs": {}}} if kind else lock


def get_hardware(lock: Lock) -> str:
    """The kind of hardware that `add_hardware` added; empty for a cell that ran on no cluster."""
    return str(lock[HARDWARE]["params"]["kind"]) if HARDWARE in lock else ""


def describe_changes(shared: Mapping[str, Mapping[str, Any]], lock: Lock) -> list[str]:
    """What differs in `lock` from what cells share, `shared` as in made.json, in words.

    Code is left out, and so are settings that did not exist when the cells ran.

    >>> describe_changes({"data": {"models/base": "1"}, "settings": {"judge": {"judge": {"repeats": 1}}}},
    ...         {"base": {"outs": {"models/base": "2"}}, "judge": {"params": {"judge": {"repeats": 2}}, "outs": {}}})
    ['base model', 'settings of judge']
    """
    outs = collect_outs(lock)
    paths = [path for path, md5 in shared["data"].items() if outs.get(path) != md5]
    data = [name for folder, name in DATA_NAMES.items() if any(_is_within(path, folder) for path in paths)]
    params = {name: lock[name]["params"] if name in lock else {} for name in SETTINGS_STAGES}
    choice = _collect_choice(lock) if "subset@candidate" in lock else {}
    recorded = {**{name: {} for name in choice}, **shared["settings"]}
    stages = [name for name, settings in recorded.items() if not _agrees(settings, (params | choice).get(name, {}))]
    stages += [name for name in choice if not recorded[name]]
    read = lock.get("subset@candidate", {}).get("deps", {})
    left_out = [[path for path in paths if _is_within(path, EXCLUSIONS)] for paths in (shared["data"], read)]
    stages += ["overlap"] if all(left_out) and left_out[0] != left_out[1] else []
    passes = shared.get("passes", {})  # of the study's cells, by strategy
    stages += [
        STRATEGIES[name].base_pass for name in passes if not _agrees(passes[name], get_pass_settings(lock, name))
    ]
    return list(dict.fromkeys([*data, *(f"settings of {name.split('@')[0]}" for name in stages)]))


def _agrees(recorded: Any, current: Any) -> bool:
    """Whether every recorded setting has the same value today."""
    if isinstance(recorded, Mapping) and isinstance(current, Mapping):
        return all(name in current and _agrees(value, current[name]) for name, value in recorded.items())
    return bool(recorded == current)


def describe_ratings(lock: Lock) -> dict[str, dict[str, Any]]:
    """Of each score by an LLM that rows were chosen by: its hash, the LLM, how it was asked, and the prompt's hash."""
    quality = lock["subset@candidate"]["params"].get("subset", {}).get("quality")
    paths = {LLM_FIELDS[name]: name for name in list_llm_fields(quality)}
    ratings = {}
    for stage in lock.values():
        for path in stage["outs"].keys() & paths.keys():
            block = stage["params"]["rate"]
            model = {name: block[name] for name in RATING_SETTINGS}
            model |= {name: block["endpoint"][name] for name in ("model", "revision")}
            prompts = {dep: md5 for dep, md5 in stage["deps"].items() if _is_within(dep, PROMPT_FOLDER)}
            ratings[paths[path]] = model | {"prompts": prompts, "scores": stage["outs"][path]}
    return ratings


def hash_cell(provenance: str, cell: Cell, settings: Mapping[str, Any]) -> str:
    """12 hex digits, equal for cells of one `provenance` with the same settings.

    Of `settings`, the blocks of params.yaml, that of a pass by the base model counts for cells that choose by it.
    """
    own = normalize_cell(cell)
    passes = dict.fromkeys(STRATEGIES[name].base_pass for name in find_readers(own))
    return _hash([provenance, own, *(settings[name] for name in passes)])


def find_readers(cell: Mapping[str, Any]) -> list[str]:
    """The strategies of the cell that choose by a pass of the base model: its own, that of its prefilter, or both."""
    names = dict.fromkeys((cell["strategy"], cell["prefilter"]))
    return [name for name in names if name in STRATEGIES and STRATEGIES[name].base_pass]


def hash_finished_cells(locks: Iterable[Lock]) -> set[str]:
    """The hashes of the finished cells among `locks`."""
    return {hash_locked_cell(lock) for lock in locks if is_finished(lock)}


def hash_locked_cell(lock: Lock) -> str:
    """The hash of the cell that `lock` is of, as from `hash_cell`."""
    blocks = {stage: _get_block(lock, stage) for stage in ("difficulty", "represent")}
    return hash_cell(hash_provenance(lock), get_cell_settings(lock), blocks)


def get_pass_settings(lock: Lock, strategy: str) -> dict[str, Any]:
    """The settings of the base model's pass that `strategy` chooses by; empty for a strategy without one."""
    base_pass = STRATEGIES[strategy].base_pass if strategy in STRATEGIES else ""
    return _get_block(lock, base_pass) if base_pass else {}


def name_experiment(cell: Cell, cell_hash: str) -> str:
    """The experiment's name: strategy, degree, seed, and the first digits of the cell's hash."""
    return f"{cell['strategy']}-{cell['degree']}-s{cell['seed']}-{cell_hash[:6]}"


def get_cell_settings(lock: Lock) -> Cell:
    """The settings of `subset` that the cell was run with."""
    return dict(lock["subset@candidate"]["params"]["subset"])


def is_finished(lock: Lock) -> bool:
    """Whether one run made all of a cell, its stages and the opponent's, and locked their settings.

    Versions before 0.2 locked no settings: their cells are not comparable with those of this one.
    """
    return is_consistent(lock, (*CELL_STAGES, *OPPONENT_STAGES)) and "subset" in lock["subset@candidate"]["params"]


def is_consistent(lock: Lock, names: Iterable[str]) -> bool:
    """Whether the stages `names` are in `lock`, and read what its other stages wrote."""
    outs = collect_outs(lock)
    return all(
        name in lock and all(outs.get(path, md5) == md5 for path, md5 in lock[name]["deps"].items()) for name in names
    )


def _collect_choice(lock: Lock) -> dict[str, dict[str, Any]]:
    """What cells choose by beside their own settings: the best share of the pool, a person's examples; if any."""
    subset = lock["subset@candidate"]["params"].get("subset", {})
    target = lock.get("target", {})
    choice = {}
    if subset.get("quality") is not None:
        choice["quality"] = {name: subset[name] for name in POOL_SETTINGS}
    if ratings := describe_ratings(lock):
        choice["rate"] = ratings
    if target.get("params", {}).get("target", {}).get("examples") is not None:
        choice["target"] = {"scores": target["outs"]["data/targets/bm25.parquet"]}
    return choice


def _get_block(lock: Lock, stage: str) -> dict[str, Any]:
    """The settings of a stage that has a block of its name; none where it is not locked."""
    return dict(lock.get(stage, {}).get("params", {}).get(stage, {}))


def _is_within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(f"{folder}/")


def _hash(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:12]

"""Which stages would run again, and on what kind of hardware the finished cells of today's code and data ran."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from m2m.grid.dvc_experiments import read_experiments
from m2m.grid.provenance import CELL_STAGES, Lock, add_hardware, get_hardware, hash_provenance, is_finished


def list_stale_stages(lock: Lock, previous: Lock) -> list[str]:
    """The shared stages of `lock`, what a run would lock, that `previous`, what was locked last, does not have so."""
    return [name for name, stage in lock.items() if name not in CELL_STAGES and _is_stale(stage, previous.get(name))]


def count_finished_kinds(lock: Lock, previous: Lock) -> Counter[str]:
    """How many finished cells of today's code, data and settings each kind of a cluster's hardware has.

    None while a shared stage is stale: the data that cells share may change.
    """
    if list_stale_stages(lock, previous):
        return Counter()
    finished = [cell.lock for cell in read_experiments() if is_finished(cell.lock)]
    kinds = {get_hardware(cell) for cell in finished} - {""}
    current = {hash_provenance(add_hardware(lock, kind)): kind for kind in kinds}
    provenances = [hash_provenance(cell) for cell in finished]
    return Counter(current[provenance] for provenance in provenances if provenance in current)


def _is_stale(stage: Mapping[str, Any], previous: Mapping[str, Any] | None) -> bool:
    if previous is None or any(stage[key] != previous[key] for key in ("cmd", "params")):
        return True
    return any(md5 and md5 != previous["deps"].get(path) for path, md5 in stage["deps"].items())

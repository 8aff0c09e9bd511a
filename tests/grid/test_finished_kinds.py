"""On what kind of hardware the cells of today's code, data and settings ran."""

import pytest

from m2m.grid import finished_kinds
from m2m.grid.finished_kinds import count_finished_kinds
from m2m.grid.provenance import add_hardware
from tests.grid.test_study_folder import experiment
from tests.planted import planted_grid


def test_finished_cells_count_by_kind_and_those_of_this_machine_or_of_other_code_do_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows = planted_grid({"response-micro": 0.0}, degrees=(0, 3), seeds=2, random=2).rows(named=True)
    cells = [experiment(row, "ours") for row in rows]
    lock = cells[0].lock
    other = {**lock, "judge": {**lock["judge"], "params": {"judge": {"repeats": 9}}}}
    kinds = {0: "EPYC", 1: "EPYC", 2: "Xeon", 3: ""}
    marked = [cells[place]._replace(lock=add_hardware(cells[place].lock, kind)) for place, kind in kinds.items()]
    marked.append(cells[4]._replace(lock=add_hardware(other, "Xeon")))
    marked.append(cells[5]._replace(lock={"ingest": lock["judge"]}))  # not finished
    monkeypatch.setattr(finished_kinds, "read_experiments", lambda: marked)
    assert count_finished_kinds(lock, lock) == {"EPYC": 2, "Xeon": 1}
    changed = {**lock, "band@response": {**lock["band@response"], "cmd": "changed"}}
    assert count_finished_kinds(changed, lock) == {}  # its data may change


def test_a_shared_stage_without_a_lock_or_with_other_code_is_stale_and_a_cells_stage_is_not() -> None:
    lock = experiment(planted_grid().row(0, named=True), "ours").lock
    previous = {name: stage for name, stage in lock.items() if name not in ("band@response", "judge")}
    previous["band@instruction"] = {**lock["band@instruction"], "deps": {"m2m/a.py": "old"}}
    assert finished_kinds.list_stale_stages(lock, previous) == ["band@response"]
    today = {**lock, "band@instruction": {**lock["band@instruction"], "deps": {"m2m/a.py": "new"}}}
    assert finished_kinds.list_stale_stages(today, previous) == ["band@instruction", "band@response"]

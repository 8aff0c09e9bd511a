import copy
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from m2m.grid.design import POOL_SETTINGS
from m2m.grid.number_spelling import spell_numbers
from m2m.grid.params.params_file import read_settings
from m2m.grid.provenance import (
    CELL_STAGES,
    OPPONENT_STAGES,
    add_hardware,
    collect_shared,
    describe_changes,
    find_readers,
    get_cell_settings,
    get_hardware,
    hash_cell,
    hash_locked_cell,
    hash_provenance,
    is_finished,
    name_experiment,
)
from m2m.runtime.artifacts import read_json, read_table
from m2m.schemas.grid import Grid

ROOT = Path(__file__).parents[2]

CELL_SETTINGS = {"strategy": "response-micro", "match": "random", "degree": 3, "size": 500, "seed": 1, "slack": 1.5}


def lock() -> Any:
    """As DVC would write it, of a pipeline with one file a stage."""
    files = {"data/units/response-micro.parquet": "u1", "data/units/random.parquet": "u2"}
    stages = {"respond": {"cmd": "respond", "deps": {"stages/respond.py": "r"}, "outs": {"data/pairs.parquet": "p"}}}
    stages["band"] = {"cmd": "band", "deps": {"data/pairs.parquet": "p"}, "outs": files}
    for name in (*CELL_STAGES, *OPPONENT_STAGES):
        stages[name] = {
            "cmd": f"run {name}",
            "params": {"setting": 1},
            "deps": {f"stages/{name}.py": name, "data/pairs.parquet": "p"},
            "outs": {f"out/{name}": f"{name} out"},
        }
    stages["subset@candidate"]["params"] = {"subset": CELL_SETTINGS}
    stages["subset@candidate"]["deps"]["data/units/response-micro.parquet"] = "u1"  # type: ignore[index]
    stages["finetune@candidate"]["deps"]["out/subset@candidate"] = "subset@candidate out"  # type: ignore[index]
    return stages


def with_other(stage: Any, kind: Any, path: Any, value: Any) -> Any:
    other = copy.deepcopy(lock())
    other[stage][kind][path] = value
    return other


def test_cells_that_differ_in_their_own_settings_and_results_share_a_provenance() -> None:
    other = with_other("subset@candidate", "outs", "out/subset@candidate", "another subset")
    other["subset@candidate"]["params"] = {"subset": {"strategy": "random"}}
    other["subset@candidate"]["deps"].pop("data/units/response-micro.parquet")
    other["subset@candidate"]["deps"]["data/units/random.parquet"] = "u2"
    other["subset@opponent"] |= {"params": {"subset.size": 9}, "outs": {"out/subset@opponent": "larger"}}
    other["finetune@opponent"]["outs"] = {"out/finetune@opponent": "better"}
    assert hash_provenance(other) == hash_provenance(lock())


@pytest.mark.parametrize(
    ("stage", "kind", "path"),
    [
        ("subset@candidate", "deps", "stages/subset@candidate.py"),
        ("measure", "deps", "stages/measure.py"),
        ("respond", "outs", "data/pairs.parquet"),
        ("band", "outs", "data/units/random.parquet"),
    ],
)
def test_other_code_or_data_is_another_provenance(stage: str, kind: str, path: str) -> None:
    assert hash_provenance(with_other(stage, kind, path, "new")) != hash_provenance(lock())


@pytest.mark.parametrize("stage", ["finetune@opponent", "generate@opponent", "judge", "measure"])
def test_other_settings_are_another_provenance(stage: str) -> None:
    other = lock()
    other[stage]["params"] = {"setting": 2}
    assert hash_provenance(other) != hash_provenance(lock())


def test_data_that_no_cell_reads_is_not_part_of_it() -> None:
    other = with_other("respond", "outs", "data/rejects.parquet", "more of them")
    assert hash_provenance(other) == hash_provenance(lock())


def test_a_lock_without_a_stage_says_which() -> None:
    other = lock()
    other.pop("judge")
    with pytest.raises(ValueError, match="must have every stage of a cell, judge is missing: run dvc repro"):
        hash_provenance(other)
    assert not is_finished(other)


def test_the_settings_of_a_cell_are_its_locked_params() -> None:
    assert get_cell_settings(lock()) == CELL_SETTINGS


def test_a_cell_is_finished_when_each_stage_read_what_the_others_wrote() -> None:
    assert is_finished(lock())
    assert not is_finished(with_other("subset@candidate", "outs", "out/subset@candidate", "a later one"))


@pytest.mark.parametrize("stage", ["finetune@opponent", "generate@opponent", "judge", "measure"])
def test_a_number_that_is_spelled_in_another_way_is_the_same_provenance(stage: str) -> None:
    """DVC runs no stage again for 0 in place of 0.0: a lock has 0 only where another cause ran the stage."""
    made = [lock(), lock()]
    for other, zero, wait in zip(made, (0.0, 0), (600, 600.0), strict=True):
        other[stage]["params"] = {"block": {"temperature": zero, "endpoint": {"timeout": wait}}}
    assert made[0] == made[1] and hash_provenance(made[0]) == hash_provenance(made[1])
    made[0][stage]["params"]["block"]["temperature"] = 0.5
    assert hash_provenance(made[0]) != hash_provenance(made[1])
    made[1][stage]["params"] = {"setting": True}  # is no 1
    assert hash_provenance(made[1]) != hash_provenance(lock())


def test_a_share_of_the_pool_that_is_spelled_in_another_way_is_the_same_provenance() -> None:
    made = [lock(), lock()]
    for other, share in zip(made, (1, 1.0), strict=True):
        subset = CELL_SETTINGS | {"quality": "score", "quality_share": share}
        other["subset@candidate"]["params"] = {"subset": subset}
    assert hash_locked_cell(made[0]) == hash_locked_cell(made[1])


@pytest.mark.parametrize("name", ["slack", "peel_noise", "prefilter_share", "quality_share"])
def test_a_number_of_a_cell_that_is_spelled_in_another_way_is_the_same_cell(name: str) -> None:
    cell = CELL_SETTINGS | {"prefilter": "bm25"}
    assert hash_cell("p", cell | {name: 1}, {}) == hash_cell("p", cell | {name: 1.0}, {})


@pytest.mark.parametrize("folder", ["metrics", "metrics/smollm2", "metrics/bake-off", "metrics/sizes"])
def test_the_cells_of_the_committed_studies_keep_their_hashes(folder: str) -> None:
    """Their names end in the beginning of their identity, and made.json has what their provenance is a hash of."""
    grid = read_table(ROOT / folder / "grid.csv", Grid)
    settings = read_settings(ROOT / "params.yaml")
    names = [name for name in settings["subset"] if name not in POOL_SETTINGS]
    for row in grid.iter_rows(named=True):
        cell = {name: row[name] for name in names} | {"quality": None, "quality_share": 1.0}
        key = hash_cell(row["provenance"], cell, settings)
        assert name_experiment(cell, key) == row["experiment"]
    for provenance, made in read_json(ROOT / folder / "made.json").items():
        shared = {name: made[name] for name in ("code", "data")} | {"settings": spell_numbers(made["settings"])}
        assert hashlib.sha256(json.dumps(shared, sort_keys=True).encode()).hexdigest()[:12] == provenance


def test_identity_is_provenance_and_settings() -> None:
    one = hash_cell("p", CELL_SETTINGS, {})
    assert one == hash_cell("p", dict(reversed(CELL_SETTINGS.items())), {})
    assert one != hash_cell("q", CELL_SETTINGS, {})
    assert one != hash_cell("p", CELL_SETTINGS | {"seed": 2}, {})
    assert one == hash_cell("p", CELL_SETTINGS | {"match": "response-meso"}, {})


@pytest.mark.parametrize(("strategy", "stage"), [("ifd", "difficulty"), ("rds-plus", "represent")])
def test_the_settings_of_a_base_pass_are_part_of_the_cells_that_choose_by_it_and_of_no_other(
    strategy: str, stage: str
) -> None:
    blocks = [
        {"difficulty": {"max_length": 9}, "represent": {"max_length": 9}, stage: {"max_length": n}} for n in (9, 8)
    ]
    first, second = (hash_cell("p", CELL_SETTINGS | {"strategy": strategy}, block) for block in blocks)
    assert first != second
    assert hash_cell("p", CELL_SETTINGS, blocks[0]) == hash_cell("p", CELL_SETTINGS, {})
    locked = lock()
    locked["subset@candidate"]["params"]["subset"] = CELL_SETTINGS | {"strategy": strategy}
    locked[stage] = {"cmd": "", "deps": {}, "outs": {}, "params": {stage: {"max_length": 8}}}
    cell = get_cell_settings(locked)
    assert hash_locked_cell(locked) == hash_cell(hash_provenance(locked), cell, blocks[1])


def test_other_code_of_a_base_pass_is_another_provenance_and_the_person_s_files_that_it_reads_are_not() -> None:
    def make(code: str, raw: str) -> str:
        deps = {"stages/difficulty.py": code, "data/raw": raw}
        return hash_provenance(lock() | {"difficulty": {"cmd": "", "deps": deps, "outs": {}, "params": {}}})

    assert make("1", "a") == make("1", "b") != make("2", "b")


def test_a_prefilter_is_a_cells_own_setting_and_its_pass_is_part_of_the_cell() -> None:
    def make(share: float, length: int, name: str = "rds-plus") -> Any:
        other = lock()
        subset = CELL_SETTINGS | {"prefilter": name, "prefilter_share": share}
        other["subset@candidate"]["params"]["subset"] = subset
        other["represent"] = {"cmd": "", "deps": {}, "outs": {}, "params": {"represent": {"max_length": length}}}
        return other

    locks = [make(1.0, 8), make(1.0, 9), make(1.0, 8, "bm25"), make(0.5, 8), make(0.5, 9), make(0.5, 8, "bm25")]
    assert {hash_provenance(other) for other in locks} == {hash_provenance(lock())}
    whole, *rest = map(hash_locked_cell, locks)
    assert rest[:2] == [whole, whole] and len({whole, *rest}) == 4
    assert hash_locked_cell(make(0.5, 9, "bm25")) == rest[-1]


@pytest.mark.parametrize(
    ("strategy", "prefilter", "readers"),
    [
        ("random", "rds-plus", ["rds-plus"]),
        ("ifd", "rds-plus", ["ifd", "rds-plus"]),
        ("rds-plus", "rds-plus", ["rds-plus"]),
        ("random", "bm25", []),
    ],
)
def test_a_cell_reads_the_passes_of_its_strategy_and_of_its_prefilter(
    strategy: str, prefilter: str, readers: list[str]
) -> None:
    assert find_readers({"strategy": strategy, "prefilter": prefilter}) == readers


def test_a_name_tells_the_cell_to_a_person_and_ends_in_its_identity() -> None:
    assert name_experiment(CELL_SETTINGS, "0123456789ab") == "response-micro-3-s1-012345"


def test_what_cells_share_says_the_code_the_data_and_the_settings_by_name() -> None:
    told = collect_shared(lock())
    assert told["code"]["stages/measure.py"] == "measure"
    assert told["data"] == {
        "data/pairs.parquet": "p",
        "data/units/response-micro.parquet": "u1",
        "data/units/random.parquet": "u2",
    }
    assert told["settings"]["judge"] == {"setting": 1}


def test_what_is_other_here_is_told_in_words_and_nothing_else() -> None:
    known = collect_shared(lock())
    assert describe_changes(known, lock()) == []
    other = lock()
    other["band"]["outs"] = {"data/units/random.parquet": "u2", "data/bands.csv": "of no study"}
    other["judge"]["params"] = {"setting": 2}
    assert describe_changes(known, other) == ["units", "settings of judge"]


@pytest.mark.parametrize("stage", [*CELL_STAGES, *OPPONENT_STAGES])
def test_a_cell_is_not_finished_where_a_stage_of_either_arm_read_an_older_pool(stage: Any) -> None:
    assert not is_finished(with_other(stage, "deps", "data/pairs.parquet", "old"))


def test_a_file_whose_name_begins_like_one_that_is_read_is_not_read() -> None:
    assert hash_provenance(with_other("respond", "outs", "data/pairs.parquet.bak", "more")) == hash_provenance(lock())


def test_copies_under_the_names_of_strategies_are_no_data_of_their_own() -> None:
    other = with_other("band", "outs", "data/choices/k-center.parquet", "vectors")
    assert hash_provenance(other) == hash_provenance(lock())


def test_the_gradients_of_the_pool_are_data_that_cells_share() -> None:
    """Else cells with them would count as those without, and nobody would measure the missing ones."""
    plain, with_proxy = lock(), lock()
    for made, md5 in ((plain, "no rows"), (with_proxy, "of base")):
        made["gradients"] = {"cmd": "", "deps": {}, "params": {}, "outs": {"data/gradients.parquet": md5}}
        made["measure"]["deps"]["data/gradients.parquet"] = md5
    assert hash_provenance(plain) != hash_provenance(with_proxy)
    assert describe_changes(collect_shared(plain), with_proxy) == ["gradients"]


def test_a_cell_whose_settings_were_not_locked_is_not_finished() -> None:
    other = lock()
    other["subset@candidate"]["params"] = {}
    assert not is_finished(other)


def test_cells_that_are_chosen_by_other_examples_are_not_comparable() -> None:
    chosen = [lock(), lock(), lock()]
    for made, examples, md5 in zip(chosen, (None, "mine.jsonl", "mine.jsonl"), "122", strict=True):
        made["target"] = {
            "deps": {},
            "params": {"target": {"examples": examples}},
            "outs": {"data/targets/bm25.parquet": md5},
        }
    none, first, same = chosen
    assert hash_provenance(none) == hash_provenance(lock()) != hash_provenance(first) == hash_provenance(same)
    same["target"]["outs"]["data/targets/bm25.parquet"] = "3"
    assert hash_provenance(first) != hash_provenance(same)
    assert describe_changes(collect_shared(first), same) == ["settings of target"]
    assert describe_changes(collect_shared(none), first) == ["settings of target"]


def test_cells_that_choose_from_the_best_rows_alone_are_not_comparable_with_others() -> None:
    best = lock()
    best["subset@candidate"]["params"] = {"subset": CELL_SETTINGS | {"quality": "score", "quality_share": 0.5}}
    all_rows = lock()
    all_rows["subset@candidate"]["params"] = {"subset": CELL_SETTINGS | {"quality": None, "quality_share": 1.0}}
    assert hash_provenance(all_rows) == hash_provenance(lock()) != hash_provenance(best)
    assert describe_changes(collect_shared(lock()), best) == ["settings of quality"]
    assert describe_changes(collect_shared(best), lock()) == ["settings of quality"]
    assert describe_changes(collect_shared(best), best) == []


def test_rows_that_another_setting_of_overlap_left_out_are_a_difference() -> None:
    """Both files are made, and one of them is read."""
    keep, drop = lock(), lock()
    for made, value in ((keep, "keep"), (drop, "drop")):
        for name in ("keep", "drop"):
            outs = {f"data/exclusions/{name}.parquet": name}
            made[f"exclude@{name}"] = {"cmd": "", "deps": {}, "params": {}, "outs": outs}
        made["subset@candidate"]["deps"][f"data/exclusions/{value}.parquet"] = value
    assert describe_changes(collect_shared(keep), drop) == ["settings of overlap"]
    assert describe_changes(collect_shared(keep), keep) == describe_changes(collect_shared(lock()), keep) == []


def make_rated(quality: str | None, model: str = "m", prompt: str = "1", scores: str = "1") -> Any:
    """A lock whose pool an LLM has rated."""
    made = lock()
    made["subset@candidate"]["params"] = {"subset": CELL_SETTINGS | {"quality": quality, "quality_share": 1.0}}
    block = {"engine": "endpoint", "temperature": 0.0, "reply_tokens": 16}
    endpoint = {"model": model, "revision": "main", "url": "http://here/v1", "key": ""}
    for field in ("complexity", "quality"):
        out = f"data/ratings/{field}.parquet"
        made[f"rate@{field}"] = {
            "cmd": "",
            "deps": {f"m2m/prompts/rate_{field}.txt": prompt, "data/pairs.parquet": "p"},
            "params": {"rate": block | {"endpoint": endpoint}, "subset.quality": quality},
            "outs": {out: scores},
        }
        made["subset@candidate"]["deps"][out] = scores
    return made


@pytest.mark.parametrize("changed", [{"model": "n"}, {"prompt": "2"}, {"scores": "2"}])
def test_the_llm_its_prompt_and_its_scores_are_shared_by_cells_that_are_chosen_by_them_and_by_no_others(
    changed: dict[str, str],
) -> None:
    first, other = make_rated("llm_complexity*llm_quality"), make_rated("llm_complexity*llm_quality", **changed)
    assert is_finished(first) and hash_provenance(first) != hash_provenance(other)
    assert describe_changes(collect_shared(first), other) == ["settings of rate"]
    assert describe_changes(collect_shared(first), first) == []
    assert hash_provenance(make_rated("mine")) == hash_provenance(make_rated("mine", **changed))
    assert hash_provenance(make_rated(None)) == hash_provenance(lock())


def test_what_the_llm_was_is_written_for_the_scores_that_rows_are_chosen_by() -> None:
    shared = collect_shared(make_rated("llm_quality"))
    assert shared["settings"]["rate"] == {
        "llm_quality": {
            "engine": "endpoint",
            "temperature": 0.0,
            "reply_tokens": 16,
            "model": "m",
            "revision": "main",
            "prompts": {"m2m/prompts/rate_quality.txt": "1"},
            "scores": "1",
        }
    }
    assert not any("ratings" in path for path in [*shared["data"], *shared["code"]])


@pytest.mark.parametrize(
    ("current", "differences"),
    [
        ({"repeats": 1, "orders": "both"}, []),
        ({"repeats": 2, "orders": "both"}, ["settings of judge"]),
        ({"orders": "both"}, ["settings of judge"]),
    ],
    ids=["a setting that came later", "another value", "a setting that is gone"],
)
def test_a_setting_that_did_not_exist_when_the_cells_ran_is_no_difference(
    current: dict[str, Any], differences: list[Any]
) -> None:
    shared = {"data": {}, "settings": {"judge": {"judge": {"repeats": 1}}}}
    assert describe_changes(shared, {"judge": {"params": {"judge": current}, "outs": {}}}) == differences


def test_cells_of_other_hardware_than_the_drivers_have_a_provenance_of_their_own() -> None:
    assert hash_provenance(add_hardware(lock(), "")) == hash_provenance(lock())
    kinds = [hash_provenance(add_hardware(lock(), kind)) for kind in ("", "EPYC avx2", "H100")]
    assert len(set(kinds)) == 3
    assert get_hardware(add_hardware(lock(), "H100")) == "H100" and get_hardware(lock()) == ""
    assert collect_shared(add_hardware(lock(), "H100")) == collect_shared(lock()) | {"hardware": {"kind": "H100"}}
    assert describe_changes(collect_shared(add_hardware(lock(), "H100")), lock()) == []

from pathlib import Path
from typing import Any

import pytest
import yaml

from m2m.grid.design import choose_scope, drop_repeated, list_cells, list_overrides, normalize_cell
from m2m.grid.rungs import list_rungs
from m2m.planning.staging import check_schedule
from m2m.strategies import UNIT_STRATEGIES

SUBSET = {"strategy": "response-micro", "match": "response-micro", "degree": 3, "size": 500, "seed": 1}
SUBSET |= {"min_tokens": 1, "max_tokens": 100, "prefilter": "random", "prefilter_share": 1.0}
A, B, C = "instruction-macro", "response-macro", "length-matched"
PARTS = {
    "strategies": {"strategy": [A, B], "degree": [0, 2, 4, 6], "seed": [1, 2]},
    "random": {"strategy": ["random"], "seed": [1, 2, 3, 4, 5]},
    "matched": {"strategy": [C], "degree": [0, 6], "seed": [1, 2, 3]},
}


def test_a_part_is_every_combination_of_its_lists() -> None:
    cells = list_cells({"one": {"strategy": [A, B], "degree": [0, 6]}}, SUBSET, "full")
    assert {(cell["strategy"], cell["degree"]) for cell in cells} == {(A, 0), (A, 6), (B, 0), (B, 6)}
    assert {(cell["size"], cell["seed"]) for cell in cells} == {(500, 1)}


@pytest.mark.parametrize(
    ("scope", "count"), [("full", 16 + 5 + 6), ("staged", 8 + 3 + 2), ("quick", 6 + 3 + 2), ("pilot", 12)]
)
def test_a_scope_has_as_many_cells_as_its_degrees_and_seeds_make(scope: Any, count: Any) -> None:
    assert len(list_cells(PARTS, SUBSET, scope)) == count


def test_the_default_grid_is_the_one_that_is_documented() -> None:
    params = yaml.safe_load(Path("params.yaml").read_text())
    cells = list_cells(params["grid"]["parts"], params["subset"], "full")
    dialled = [cell for cell in cells if cell["strategy"] in UNIT_STRATEGIES]
    for lengths in ("free", "as-random"):
        arms = {(cell["strategy"], cell["degree"], cell["seed"]) for cell in dialled if cell["lengths"] == lengths}
        assert arms == {(name, degree, seed) for name in UNIT_STRATEGIES for degree in (0, 2, 4, 6) for seed in (1, 2)}
    assert {cell["seed"] for cell in cells if cell["strategy"] == "random"} == set(range(1, 9))
    assert {cell["degree"] for cell in cells if cell["strategy"] == C} == {0, 2, 4, 6}
    assert {(cell["size"], cell["budget"], cell["min_tokens"]) for cell in cells} == {(500, "rows", 1)}
    first = list_cells(params["grid"]["parts"], params["subset"], "staged")
    rungs = list_rungs(first, check_schedule(**params["grid"]["staged"]), lambda _: 0.0)
    assert [len(rung.cells) for rung in rungs] == [48 + 4 + 4 + 3, 14, 5, 27]
    assert {"longest", "k-center", "type-cover", "token-entropy"} < {cell["strategy"] for cell in cells}


def test_a_pilot_has_random_and_two_configurations_with_the_same_four_seeds() -> None:
    cells = list_cells(PARTS, SUBSET, "pilot")
    seeds = [1, 2, 3, 4]
    assert sorted((cell["strategy"], cell["degree"], cell["seed"]) for cell in cells) == sorted(
        (*configuration, seed) for configuration in (("random", 0), (B, 4), (B, 6)) for seed in seeds
    )
    with pytest.raises(ValueError, match="a pilot needs random and a strategy with a degree above 0"):
        list_cells({"one": {"strategy": ["random"]}}, SUBSET, "pilot")


def test_a_cell_that_two_parts_ask_for_is_listed_once() -> None:
    assert len(list_cells({"one": {"degree": [0, 6]}, "two": {"degree": [6]}}, SUBSET, "full")) == 2


@pytest.mark.parametrize(("listed", "set_to"), [(0, 0.0), (0.0, 0)])
def test_a_number_has_one_spelling_in_parts_and_in_subset(listed: float, set_to: float) -> None:
    subset = SUBSET | {"strategy": A, "peel_noise": set_to}
    cells = list_cells({"one": {"peel_noise": [listed, set_to, 0.25]}}, subset, "full")
    assert [repr(cell["peel_noise"]) for cell in cells] == ["0.0", "0.25"]
    assert [list_overrides(cell, subset) for cell in cells] == [[], ["subset.peel_noise=0.25"]]


def test_the_shares_and_the_slack_of_a_cell_are_floats() -> None:
    whole = normalize_cell(SUBSET | {"slack": 2, "peel_noise": 0, "quality_share": 1, "prefilter_share": 1})
    assert {name: repr(whole[name]) for name in ("slack", "peel_noise", "quality_share", "prefilter_share")} == {
        "slack": "2.0",
        "peel_noise": "0.0",
        "quality_share": "1.0",
        "prefilter_share": "1.0",
    }


def test_cells_that_differ_by_a_setting_of_other_strategies_are_listed_once() -> None:
    """`match` is of length-matched alone; 2 strategies × 2 matches, of which response-micro has one cell."""
    part = {"strategy": ["response-micro", C], "match": ["response-micro", B]}
    cells = list_cells({"one": part, "two": {"strategy": ["response-micro"], "match": [B]}}, SUBSET, "full")
    names = [(cell["strategy"], cell["match"]) for cell in cells]
    assert names == [("response-micro", "response-micro"), (C, "response-micro"), (C, B)]


@pytest.mark.parametrize("scope", ["staged", "quick"])
def test_random_keeps_three_seeds_beside_another_strategy_of_its_part(scope: Any) -> None:
    parts = {"one": {"strategy": ["random", "longest"], "seed": [1, 2, 3, 4]}}
    cells = list_cells(parts, SUBSET, scope)
    assert sorted((cell["strategy"], cell["seed"]) for cell in cells) == [
        ("longest", 1),
        ("random", 1),
        ("random", 2),
        ("random", 3),
    ]
    assert list_cells({"one": {"seed": [1, 2, 3, 4]}}, SUBSET | {"strategy": "random"}, scope) == [
        {**cell, "strategy": "random"} for cell in cells if cell["strategy"] == "random"
    ]


@pytest.mark.parametrize("name", ["longest", "k-center", "bm25"])
def test_lengths_as_random_are_refused_for_a_strategy_that_prunes_no_units(name: str) -> None:
    """The subset would be that with free lengths, and the study would count it under `lengths as random`."""
    subset = SUBSET | {"lengths": "free"}
    parts = {"one": {"strategy": ["response-micro", name], "lengths": ["free", "as-random"]}}
    message = rf"^grid\.parts\.one\.lengths as-random needs a strategy with units, and {name} has none: give {name} len"
    with pytest.raises(ValueError, match=message):
        list_cells(parts, subset, "full")


@pytest.mark.parametrize("lengths", [{"lengths": ["free", "as-random"]}, {}])
def test_lengths_are_free_where_no_units_are_pruned(lengths: Any) -> None:
    """Random has a random subset's lengths anyway, and so have rows that are matched to it."""
    subset = SUBSET | {"lengths": "as-random"}
    part = {"strategy": ["random", C], "match": ["random", B]} | lengths
    cells = list_cells({"one": part, "two": {"strategy": ["longest"]}}, subset, "full")
    names = [(cell["strategy"], cell["match"], cell["lengths"]) for cell in cells]
    dialled = [(C, B, "free"), (C, B, "as-random")] if lengths else [(C, B, "as-random")]
    assert sorted(names) == sorted(
        [("random", "random", "free"), (C, "random", "free"), *dialled, ("longest", "response-micro", "free")]
    )


def test_a_mistake_names_the_block_of_its_part() -> None:
    with pytest.raises(ValueError, match=r"match of a cell in grid\.bake_off\.rows must be one of .*, got k-center"):
        list_cells({"rows": {"match": ["k-center"]}}, SUBSET, "full", "bake_off")
    with pytest.raises(ValueError, match=r"^grid\.sizes\.one may list settings of subset"):
        list_cells({"one": {"degrees": [0]}}, SUBSET, "full", "sizes")


def test_first_seeds_come_first() -> None:
    seeds = [cell["seed"] for cell in list_cells(PARTS, SUBSET, "full")]
    assert seeds == sorted(seeds)


def test_the_degree_of_random_says_nothing_and_is_none() -> None:
    cells = list_cells({"one": {"strategy": ["random"], "degree": [0, 3, 6]}}, SUBSET, "full")
    assert [cell["degree"] for cell in cells] == [0]


def test_cells_that_are_the_same_are_settled_alike() -> None:
    assert normalize_cell({**SUBSET, "strategy": "random", "degree": 4}) == normalize_cell(
        {**SUBSET, "strategy": "random"}
    )
    assert normalize_cell({**SUBSET, "match": "response-macro"}) == normalize_cell(SUBSET)
    assert normalize_cell({**SUBSET, "degree": 4}) != normalize_cell(SUBSET)
    assert normalize_cell({**SUBSET, "lengths": "free"}) == normalize_cell(SUBSET)
    assert normalize_cell({**SUBSET, "lengths": "as-random"}) != normalize_cell(SUBSET)
    matched = {**SUBSET, "strategy": "length-matched"}
    assert normalize_cell({**matched, "match": "response-macro"}) != normalize_cell(matched)


def test_a_setting_that_subset_has_not_is_refused() -> None:
    with pytest.raises(ValueError, match=r"grid\.parts\.one may list settings of subset .*, got degrees"):
        list_cells({"one": {"degrees": [0]}}, SUBSET, "full")


def test_a_setting_of_a_stage_that_cells_share_is_refused_with_a_way_to_vary_it() -> None:
    message = (
        r"got cluster\.seed\. What all cells share, .* has one value a grid: run a grid a value, each with a --folder"
    )
    with pytest.raises(ValueError, match=message):
        list_cells({"one": {"strategy": ["response-macro"], "cluster.seed": [1, 2]}}, SUBSET, "full")


def test_only_what_differs_is_overridden() -> None:
    assert list_overrides({**SUBSET, "degree": 6, "seed": 2}, SUBSET) == ["subset.degree=6", "subset.seed=2"]
    assert list_overrides(SUBSET, SUBSET) == []


@pytest.mark.parametrize(
    ("part", "told"),
    [
        (
            {"strategy": ["respons-micro"]},
            r"strategy of a cell in grid.parts.one .* did you mean response-micro\?",
        ),
        ({"strategy": [C], "match": ["k-center"]}, "match of a cell in grid.parts.one must be one of .*, got k-center"),
        ({"degree": [0, 9]}, r"degree of a cell in grid.parts.one must be in 0..6, got 9"),
        ({"size": [500, 0]}, "size of a cell in grid.parts.one must be at least 1, got 0"),
        ({"min_tokens": [200]}, "min_tokens of a cell in grid.parts.one must be at most max_tokens, 100, got 200"),
    ],
)
def test_a_cell_that_cannot_be_is_refused_before_any_is_run(part: Any, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        list_cells({"one": part}, SUBSET, "full")


def test_a_grid_has_one_form_and_is_staged_unless_told_otherwise() -> None:
    assert choose_scope() == choose_scope(staged=True) == "staged"
    assert (choose_scope(quick=True), choose_scope(full=True), choose_scope(pilot=True)) == ("quick", "full", "pilot")
    with pytest.raises(ValueError, match="a grid has one form, got --quick and --full: choose one"):
        choose_scope(quick=True, full=True)


def test_a_grid_has_one_pool() -> None:
    subset = SUBSET | {"quality": None, "quality_share": 1.0}
    with pytest.raises(ValueError, match=r"parts\.one may not list quality_share: a grid has one pool, set it in"):
        list_cells({"one": {"quality_share": [0.5, 1.0]}}, subset, "full")


def test_a_part_may_list_prefilters_and_each_is_another_cell() -> None:
    parts = {"near": {"strategy": ["random"], "prefilter": ["bm25", "rds-plus"], "prefilter_share": [0.2, 0.5]}}
    cells = list_cells({**parts, "all": {"strategy": ["random"]}}, SUBSET, "full")
    assert len(cells) == 5 and len(drop_repeated([normalize_cell(cell) for cell in cells])) == 5
    assert list_overrides(cells[0], SUBSET)[-2:] == ["subset.prefilter=bm25", "subset.prefilter_share=0.2"]
    with pytest.raises(
        ValueError, match=r"parts\.near\.prefilter_share 0\.2 needs grid\.parts\.near\.prefilter: set it"
    ):
        list_cells({"near": {"prefilter_share": [0.2]}}, SUBSET, "full")


def test_a_part_whose_prefilter_keeps_every_row_is_refused() -> None:
    """Its cells would be those of a part without a prefilter."""
    with pytest.raises(ValueError, match=r"prefilter bm25 of grid\.parts\.near keeps all rows: list a prefilter_share"):
        list_cells({"near": {"prefilter": ["bm25"]}}, SUBSET, "full")


def test_a_prefilter_that_keeps_every_row_is_no_other_cell() -> None:
    whole = {**SUBSET, "prefilter": "bm25", "prefilter_share": 1.0}
    assert normalize_cell(whole) == normalize_cell(SUBSET)

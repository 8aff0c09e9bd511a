from pathlib import Path
from typing import Any

import pytest
import yaml

from m2m.grid.design import choose_scope, list_cells, list_overrides, normalize_cell
from m2m.strategies import UNIT_STRATEGIES

SUBSET = {"strategy": "response-micro", "match": "response-micro", "degree": 3, "size": 500, "seed": 1}
SUBSET |= {"min_tokens": 1, "max_tokens": 100}
A, B, C = "instruction-macro", "response-macro", "length-matched"
PARTS = {
    "strategies": {"strategy": [A, B], "degree": [0, 2, 4, 6], "seed": [1, 2]},
    "random": {"strategy": ["random"], "seed": [1, 2, 3, 4, 5]},
    "matched": {"strategy": [C], "degree": [0, 6], "seed": [1, 2, 3]},
}


def test_a_part_is_every_combination_of_its_lists() -> None:
    cells = list_cells({"one": {"strategy": [A, B], "degree": [0, 6]}}, SUBSET, "plain")
    assert {(cell["strategy"], cell["degree"]) for cell in cells} == {(A, 0), (A, 6), (B, 0), (B, 6)}
    assert {(cell["size"], cell["seed"]) for cell in cells} == {(500, 1)}


@pytest.mark.parametrize(("scope", "count"), [("plain", 16 + 5 + 6), ("full", 28 + 5 + 6), ("quick", 6 + 3 + 2)])
def test_a_scope_has_as_many_cells_as_its_degrees_and_seeds_make(scope: Any, count: Any) -> None:
    assert len(list_cells(PARTS, SUBSET, scope)) == count


def test_the_default_grid_is_the_one_that_is_documented() -> None:
    params = yaml.safe_load(Path("params.yaml").read_text())
    cells = list_cells(params["grid"]["parts"], params["subset"], "plain")
    kept = ("strategy", "degree", "seed")

    def told(**asked: Any) -> Any:
        same = {"min_tokens": params["subset"]["min_tokens"], "budget": "rows"} | asked
        return {tuple(cell[name] for name in kept) for cell in cells if same.items() <= cell.items()}

    plain, window, tokens = told(), told(min_tokens=40), told(budget="tokens")
    assert {cell for cell in plain if cell[0] == "random"} == {("random", 0, seed) for seed in range(1, 9)}
    strategies = {cell for cell in plain if cell[0] in UNIT_STRATEGIES}
    assert len({cell[0] for cell in strategies}) == 6
    assert len(strategies) == 6 * 4 * 2 + 3 + 2  # response-micro also at degree 3, and with a third seed at 0, 3 and 6
    two = {("random", 0, 1), ("random", 0, 2)}
    assert window == two | {("response-micro", degree, seed) for degree in (0, 2, 4, 6) for seed in (1, 2)}
    assert tokens == two | {("response-micro", degree, seed) for degree in (0, 6) for seed in (1, 2)}
    assert len(cells) == len(plain) + len(window) + len(tokens) == 83


def test_a_cell_that_two_parts_ask_for_is_listed_once() -> None:
    assert len(list_cells({"one": {"degree": [0, 6]}, "two": {"degree": [6]}}, SUBSET, "plain")) == 2


def test_first_seeds_come_first() -> None:
    seeds = [cell["seed"] for cell in list_cells(PARTS, SUBSET, "plain")]
    assert seeds == sorted(seeds)


def test_the_degree_of_random_says_nothing_and_is_none() -> None:
    cells = list_cells({"one": {"strategy": ["random"], "degree": [0, 3, 6]}}, SUBSET, "plain")
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
        list_cells({"one": {"degrees": [0]}}, SUBSET, "plain")


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
        list_cells({"one": part}, SUBSET, "plain")


def test_the_two_scopes_exclude_each_other() -> None:
    assert (choose_scope(False, False), choose_scope(True, False), choose_scope(False, True)) == (
        "plain",
        "quick",
        "full",
    )
    with pytest.raises(ValueError, match="got both: choose one"):
        choose_scope(True, True)


def test_a_grid_has_one_pool() -> None:
    subset = SUBSET | {"quality": None, "quality_share": 1.0}
    with pytest.raises(ValueError, match=r"parts\.one may not list quality_share: a grid has one pool, set it in"):
        list_cells({"one": {"quality_share": [0.5, 1.0]}}, subset, "plain")

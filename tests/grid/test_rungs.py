"""The rungs of a staged grid follow from the outcomes, and are the same after a kill."""

from typing import Any

from m2m.grid.design import Cell, list_cells
from m2m.grid.rungs import list_expected_cells, list_rungs
from m2m.planning.staging import Schedule

SUBSET: dict[str, Any] = {"strategy": "response-micro", "match": "response-micro", "degree": 3, "size": 500, "seed": 1}
SUBSET |= {"min_tokens": 1, "max_tokens": 100, "lengths": "free", "prefilter": "random", "prefilter_share": 1.0}
PARTS = {
    "strategies": {"strategy": ["response-micro"], "degree": [0, 2, 4, 6], "seed": [1, 2], "lengths": ["as-random"]},
    "random": {"strategy": ["random"], "seed": [1, 2, 3, 4]},
}
SCHEDULE = Schedule((3, 1), (101, 102))
FIRST = list_cells(PARTS, SUBSET, "staged")


def name(cell: Cell) -> tuple[str, int, int]:
    return cell["strategy"], cell["degree"], cell["seed"]


def by_degree(cell: Cell) -> float:
    """Degree 2 is best in seed 1, degree 6 is best over seeds 1 and 2."""
    return {(2, 1): 10.0, (2, 2): -9.0}.get((cell["degree"], cell["seed"]), float(cell["degree"]))


def test_every_configuration_gets_one_seed_and_random_three() -> None:
    [rung] = list_rungs(FIRST, SCHEDULE, lambda _: None)
    assert {name(cell) for cell in rung.cells} == {
        *(("response-micro", degree, 1) for degree in (0, 2, 4, 6)),
        *(("random", 0, seed) for seed in (1, 2, 3)),
    }
    assert rung.label == "rung 1 of 3, 4 configurations with seed 1"


def test_a_rung_waits_for_all_outcomes_of_the_one_before() -> None:
    assert len(list_rungs(FIRST, SCHEDULE, lambda cell: None if cell["degree"] == 4 else 1.0)) == 1
    assert len(list_rungs(FIRST, SCHEDULE, lambda cell: 1.0 if cell["seed"] == 1 else None)) == 2


def test_random_has_no_part_in_the_choice() -> None:
    rungs = list_rungs(FIRST, SCHEDULE, lambda cell: None if cell["strategy"] == "random" else by_degree(cell))
    assert len(rungs) == 3


def test_the_best_go_on_by_the_mean_of_all_their_seeds_and_end_beside_random_with_fresh_seeds() -> None:
    _, second, last = list_rungs(FIRST, SCHEDULE, by_degree)
    assert [name(cell) for cell in second.cells] == [("response-micro", degree, 2) for degree in (2, 6, 4)]
    assert second.label == "rung 2 of 3, the best 3 of 4 with seed 2"
    assert [name(cell) for cell in last.cells] == [
        (strategy, degree, seed) for seed in (101, 102) for strategy, degree in (("response-micro", 6), ("random", 0))
    ]
    assert last.label == "rung 3 of 3, the best 1 of 3 and random with 2 fresh seeds"
    assert [cell["lengths"] for cell in last.cells] == ["as-random", "free"] * 2


def test_random_is_fresh_in_each_window_of_those_that_are_left() -> None:
    parts = PARTS | {"window": PARTS["strategies"] | {"degree": [5], "max_tokens": [50]}}
    rungs = list_rungs(list_cells(parts, SUBSET, "staged"), Schedule((2,), (101, 102)), lambda cell: cell["degree"])
    randoms = [cell for cell in rungs[-1].cells if cell["strategy"] == "random"]
    assert sorted((cell["max_tokens"], cell["seed"]) for cell in randoms) == [
        (50, 101),
        (50, 102),
        (100, 101),
        (100, 102),
    ]


def test_a_configuration_that_two_parts_list_with_other_seeds_runs_once() -> None:
    parts = PARTS | {"again": PARTS["strategies"] | {"seed": [7]}}
    assert len(list_rungs(list_cells(parts, SUBSET, "staged"), SCHEDULE, lambda _: None)[0].cells) == 4 + 3


def test_a_configuration_takes_one_place_among_the_best() -> None:
    """response-micro at two values of `match`, which it does not read, is one configuration."""
    matches = {"strategy": ["response-micro", "length-matched"], "match": ["response-micro", "response-macro"]}
    first = list_cells({"one": matches | {"seed": [1]}, "random": PARTS["random"]}, SUBSET, "staged")
    _, last = list_rungs(first, Schedule((2,), (101,)), lambda cell: float(cell["strategy"] == "response-micro"))
    assert [cell["strategy"] for cell in last.cells] == ["response-micro", "length-matched", "random"]


def test_a_grid_of_random_alone_has_one_rung() -> None:
    first = list_cells({"random": PARTS["random"]}, SUBSET, "staged")
    assert [len(rung.cells) for rung in list_rungs(first, SCHEDULE, lambda _: 1.0)] == [3]


def test_fewer_configurations_than_a_rung_keeps_all_go_on() -> None:
    rungs = list_rungs(FIRST, Schedule((9, 8), (101, 102)), lambda _: 1.0)
    assert [len(rung.cells) for rung in rungs] == [4 + 3, 4, 2 * 5]


def test_the_expected_cells_are_as_many_as_the_schedule_counts() -> None:
    assert len(list_expected_cells(FIRST, SCHEDULE)) == SCHEDULE.count_cells(4) + 3

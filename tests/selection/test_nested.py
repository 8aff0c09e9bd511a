"""With one seed, a smaller subset is the beginning of a larger one, where a strategy allows it."""

import numpy as np
import polars as pl
import pytest

from m2m.selection.arm import ArmSettings, PoolRows, UnitDial, build_unit_dial, choose_arm
from m2m.strategies import get_strategy

ROWS = 120
RNG = np.random.default_rng(5)
IDS = pl.Series("id", [f"r{number:03d}" for number in range(ROWS)])
LENGTHS = RNG.integers(3, 60, ROWS)
POOL = PoolRows(IDS, LENGTHS, 5 * LENGTHS)
TOKENS = pl.DataFrame({"id": IDS, "tokens": [RNG.integers(0, 50, n).tolist() for n in LENGTHS]})
TYPES = pl.DataFrame({"id": IDS, "unit": [[str(t) for t in sorted(set(row))] for row in TOKENS["tokens"].to_list()]})
UNITS = TYPES.explode("unit")
NESTED = ("random", "response-micro")  # a baseline's ties are drawn after a random subset of its size: it is not


def choose(strategy: str, size: int, seed: int = 1) -> list[str]:
    settings = ArmSettings(strategy, "response-micro", 6, size, seed, 1.5, "inverse", "rows", 1, 1000, "free", 0.0)
    entry = get_strategy(strategy)
    dial: UnitDial = build_unit_dial(strategy, UNITS if entry.has_units else None, POOL, settings)
    arm = choose_arm(POOL, settings, dial, None, TOKENS)
    return arm.table.sort("turn")["id"].to_list()


@pytest.mark.parametrize("strategy", NESTED)
def test_a_subset_is_the_beginning_of_one_twice_its_size(strategy: str) -> None:
    small, large = choose(strategy, 20), choose(strategy, 40)
    assert large[:20] == small
    assert choose("random", 20, seed=2) != choose("random", 20)


def test_the_longest_rows_are_among_twice_as_many() -> None:
    shortest = min(LENGTHS[IDS.is_in(choose("longest", 20)).to_numpy()])
    above = IDS.filter(pl.Series(shortest < LENGTHS)).to_list()
    assert set(above) < set(choose("longest", 20)) and set(above) < set(choose("longest", 40))


def test_random_of_the_whole_pool_has_every_row() -> None:
    assert sorted(choose("random", ROWS)) == IDS.to_list()

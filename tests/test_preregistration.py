"""The pre-registration says what the profiles run: cells by group, tests of the family, and what they can show."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy import optimize, stats

from m2m.grid.design import list_cells
from m2m.study.analysis.registered_family import compute_family
from m2m.study.cells.cells import select_comparable
from m2m.study.cells.labels import describe_setting
from tests.study.registered_studies import plant_profile, read_profile_settings, read_registration

TEXT = (Path(__file__).parent.parent / "docs/results/preregistration.md").read_text()
PROFILES = {"smollm2-study": 1, "smollm2-gpu": 2}  # and their column in the tables
GROUPS = {
    "random": "random",
    "six strategies, `as-random`": "strategies",
    "free dial": "free",
    "length-matched to the free dial": "matched",
    "longest": "longest",
}
EFFECTS = ("a configuration against random (O1)", "P1", "P2", "P3", "O2")


def read_cell(name: str, column: int) -> str:
    """The words in a column of the row of a table whose head begins with `name`."""
    [row] = [line for line in TEXT.splitlines() if line.startswith(f"| {name} |")]
    return row.split("|")[1 + column].strip()


def read_number(name: str, column: int) -> int:
    return int(re.findall(r"\d+", read_cell(name, column).replace(",", ""))[-1])


def find_effect(factor: float, df: int, tests: int) -> float:
    """The effect with 80 % power at the first step of Holm, where its variance is `factor` times that of a cell."""
    critical = stats.t.isf(0.05 / tests / 2, df)
    return float(optimize.brentq(lambda effect: stats.nct.sf(critical, df, effect / np.sqrt(factor)) - 0.8, 0.1, 20))


@pytest.mark.parametrize("profile", PROFILES)
def test_the_registered_cells_are_those_of_the_profile(profile: str) -> None:
    settings, column = read_profile_settings(profile), PROFILES[profile]
    parts, subset = settings["grid"]["parts"], settings["subset"]
    counts = {name: len(list_cells({name: lists}, subset, "full")) for name, lists in parts.items()}
    assert counts == {part: read_number(group, column) for group, part in GROUPS.items()}
    assert sum(counts.values()) == len(list_cells(parts, subset, "full")) == read_number("cells", column)
    assert subset["size"] == read_number("rows per subset", column)
    assert f"{sum(counts.values())} cells" in (Path(__file__).parent.parent / f"profiles/{profile}.yaml").read_text()


@pytest.mark.parametrize("profile", PROFILES)
def test_the_primary_setting_is_that_of_the_six_strategies_at_random_s_lengths(profile: str) -> None:
    settings = read_profile_settings(profile)
    cells = select_comparable(plant_profile(settings, lambda cell: 0.0))
    primary = {describe_setting(row) for row in cells.filter(pl.col("lengths") == "as-random").iter_rows(named=True)}
    assert primary == {settings["analyze"]["primary_setting"]}


@pytest.mark.parametrize("profile", PROFILES)
def test_the_registered_family_and_what_it_can_show_are_those_of_the_profile(profile: str) -> None:
    settings, column = read_profile_settings(profile), PROFILES[profile]
    tests = len(compute_family(None, read_registration(settings)))
    assert tests == read_number("tests of the family", column)
    assert f"{tests} tests" in TEXT.split("Smallest detectable effect")[1]
    assert f"{settings['analyze']['least_prompts']:,}" in TEXT.split("analyze.least_prompts")[1].splitlines()[0]

    cells: list[Any] = list_cells(settings["grid"]["parts"], settings["subset"], "full")
    kept = ("strategy", "match", "degree", "lengths")
    levels = {
        tuple(cell[name] for name in kept if name != "match" or cell["strategy"] == "length-matched") for cell in cells
    }
    df = len(cells) - len(levels) - (len({cell["seed"] for cell in cells}) - 1)
    part = settings["grid"]["parts"]["strategies"]
    seeds, randoms, diversity = (
        len(part["seed"]),
        len(settings["grid"]["parts"]["random"]["seed"]),
        np.array(part["degree"]) / 6,
    )
    slope = 1 / (seeds * np.square(diversity - diversity.mean()).sum())
    factors = (1 / seeds + 1 / randoms, slope / 3, 2 * slope, 2 * slope / 3, 1 / (6 * seeds) + 1 / randoms)
    table = TEXT.split("Smallest detectable effect")[1]
    for name, factor in zip(EFFECTS, factors, strict=True):
        [row] = [line for line in table.splitlines() if line.startswith(f"| {name}")]
        assert float(row.split("|")[1 + column]) == round(find_effect(factor, df, tests), 1), name

"""The lines of power: each number is the one that the functions compute, and the cheaper form comes first."""

import re

import pytest

from m2m.planning.power import FullGrid, compute_full_power, find_full_seeds, find_smallest_gain, simulate_staged_power
from m2m.planning.power_report import PlannedGrid, describe_detection, describe_power
from m2m.planning.seed_noise import SeedNoise
from m2m.planning.staging import Schedule

NOISE = SeedNoise(0.00137, 0.00079, 32, 0.0003, 0.0002)
GRID = PlannedGrid(FullGrid(27, 2, 8, 27), Schedule((9, 4, 2), tuple(range(101, 110))), True)


def test_the_noise_and_both_forms_are_told_the_planned_one_first() -> None:
    lines = describe_power(GRID, NOISE, "67 cells of grid.csv", "bpb")
    assert list(lines) == ["noise", "smallest gain", "with --full"]
    assert lines["noise"] == (
        "0.0014 within seeds, 0.0008 of seeds, 0.0003 of prompts (32 degrees of freedom), from 67 cells of grid.csv"
    )
    staged = find_smallest_gain(lambda gain: simulate_staged_power(GRID.schedule, 27, NOISE, gain), NOISE)
    full = find_smallest_gain(lambda gain: compute_full_power(GRID.full, NOISE, gain), NOISE)
    assert lines["smallest gain"].startswith(f"{staged:.4f} bpb over random with 80 % power (")
    assert lines["smallest gain"].endswith("; 67 cells") and lines["with --full"].endswith("; 62 cells")
    assert lines["with --full"].startswith(f"{full:.4f} bpb")
    low, high = (float(number) for number in re.findall(r"(0\.\d+) to (0\.\d+) as", lines["with --full"])[0])
    assert low < full < high


def test_a_planned_full_grid_comes_first() -> None:
    lines = describe_power(GRID._replace(staged=False), NOISE, "x", "bpb")
    assert "62 cells" in lines["smallest gain"] and "67 cells" in lines["with --staged"]


def test_a_grid_that_shows_nothing_says_what_it_lacks() -> None:
    lines = describe_power(GRID._replace(full=FullGrid(27, 1, 1, 27), staged=False), NOISE, "x", "bpb")
    assert lines["smallest gain"].startswith("this grid shows no gain, however large: give a configuration two seeds")


def test_the_cheapest_grid_for_a_named_gain() -> None:
    full = find_full_seeds(27, 27, NOISE, 0.003)
    assert full is not None
    [(name, text)] = describe_detection(GRID, NOISE, 0.003, "bpb").items()
    staged_cells, full_cells = (int(number) for number in re.findall(r"(\d+) cells", text))
    assert name == "a gain of 0.003" and staged_cells < full_cells == full.cells
    assert text.startswith("bpb, 80 % power: ") and "staged with" in text.split(";")[0]
    assert f"full with {full.seeds} seeds a configuration" in text


def test_a_gain_that_the_prompts_hide_asks_for_more_prompts() -> None:
    for noise in (NOISE._replace(prompt_sd=0.01), NOISE._replace(prompt_sd=0.01, prompt_groups=20)):
        lines = describe_detection(GRID, noise, 0.003, "bpb")
        assert lines["a gain of 0.003"].endswith("no number of seeds shows it with these prompts: take more prompts")
    with pytest.raises(ValueError, match="--detect must be a gain above 0, got 0"):
        describe_detection(GRID, NOISE, 0, "bpb")


@pytest.mark.parametrize(
    "noise",
    [SeedNoise(0.01, 0.0, 20), SeedNoise(0.01, 0.0, 20, 0.00001, 0.0, 20), SeedNoise(0.01, 0.0, 20, 0.0, 0.005)],
    ids=["no noise of prompts", "little", "of each cell"],
)
def test_a_gain_that_more_seeds_would_show_does_not_ask_for_prompts(noise: SeedNoise) -> None:
    lines = describe_detection(GRID, noise, 0.0005, "bpb")
    assert lines["a gain of 0.0005"] == "bpb, 80 % power: it takes 400 seeds a configuration or more"
